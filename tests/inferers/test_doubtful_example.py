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

from scripts.inferers import DoubtfulExample


def test_its_line_names_landmark_image_and_remedy():
    line = str(DoubtfulExample("apex", "/a/b.dcm", 0, "b.dcm, frame 0", 41.2, "is found 41.2 px away in its own image"))
    assert line == (
        "example 'apex' on b.dcm, frame 0, is found 41.2 px away in its own image; look whether it is at the right "
        "place, or take another one"
    )
