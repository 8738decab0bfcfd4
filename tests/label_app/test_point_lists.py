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

import pytest

from label_app.point_lists import point_lists
from scripts.io.input_error import InputError

POINT = {"label": "a", "position": [1, 2, 3]}


def test_lists_of_points_are_taken_and_regions_left():
    points = {"type": "Fiducial", "controlPoints": [POINT]}
    line = {"type": "Line", "controlPoints": [POINT, {**POINT, "positionStatus": "undefined"}]}
    roi = {"type": "ROI", "controlPoints": [POINT]}
    assert point_lists({"markups": [roi, points, line]}, "body") == [points, line]
    assert point_lists({"markups": [{"controlPoints": []}]}, "body") == [{"controlPoints": []}]


@pytest.mark.parametrize(
    ("markups", "why"),
    [
        (None, "a list of objects"),
        (3, "a list of objects"),
        ([3], "a list of objects"),
        ([], "no markup; send a point list"),
        ([{}], "None; send a point list"),
        ([{"type": "ROI", "controlPoints": [POINT]}], "ROI; send a point list"),
        ([{"type": "Fiducial"}], "Fiducial; send a point list"),
        ([{"controlPoints": None}], "a list of objects"),
        ([{"controlPoints": [[1]]}], "a list of objects"),
        ([{"controlPoints": [{**POINT, "positionStatus": "preview"}]}], "none of the points"),
    ],
)
def test_what_has_no_list_of_points_is_refused(markups, why):
    with pytest.raises(InputError, match=f"^body: .*{why}"):
        point_lists({"markups": markups}, "body")
