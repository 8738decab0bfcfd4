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
from __future__ import annotations

import json

from scripts.io import LandmarkStatus


def test_there_are_three_words_and_files_have_them_as_they_are():
    assert [str(one) for one in LandmarkStatus] == ["valid", "doubtful", "unchecked"]
    assert json.dumps(LandmarkStatus.DOUBTFUL) == '"doubtful"'
    assert f"{LandmarkStatus('valid')}" == "valid"
