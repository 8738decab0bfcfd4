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

"""Classical methods that the rest builds on: cross-correlation as a reference, dense optical flow as a teacher."""

from scripts.classical.dense_flow import DenseFlow
from scripts.classical.ncc import NCCMatcher, ncc_match

__all__ = ["DenseFlow", "NCCMatcher", "ncc_match"]
