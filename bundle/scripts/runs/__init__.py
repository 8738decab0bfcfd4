# Copyright (c) 2026 The landmark bundle authors
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#     http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""What each run does besides its work: checks its options, holds its output folder, says what comes next."""

from scripts.runs.command_line import CommandLine, check_options
from scripts.runs.next_command import log_next_command
from scripts.runs.output_folder import OutputFolder

__all__ = ["CommandLine", "OutputFolder", "check_options", "log_next_command"]
