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

from label_app.label_values import LabelValues


def test_a_landmark_keeps_its_value():
    values = LabelValues()
    assert values.of(["valve", "apex"]) == {"apex": 1, "valve": 2}
    assert values.of(["anulus", "apex", "apex"]) == {"anulus": 3, "apex": 1}
    assert values.of(["valve"]) == {"valve": 2} and values.of([]) == {}
