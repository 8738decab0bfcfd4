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
"""Tests of what every tracker asks of its examples and of the frames' particulars."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from scripts.inferers.tracker_input import check_examples, check_particulars
from scripts.transforms.image_fit import ImageFit

FIT = ImageFit((8, 6), (8, 6))


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_points_of_any_kind_become_a_tensor(kind):
    places = check_examples(kind([(3, 4), (-0.5, 5.5)]), ["a", "b"], FIT)
    assert places.dtype == torch.float32 and places.tolist() == [[3.0, 4.0], [-0.5, 5.5]]


@pytest.mark.parametrize("points", [[], [(3, 4)], [(3, 4, 5), (3, 4, 5)], [3, 4]])
def test_points_that_do_not_go_with_the_labels_are_refused(points):
    with pytest.raises(ValueError, match="N labels, one at least"):
        check_examples(points, ["a", "b"], FIT)


def test_no_example_at_all_is_refused():
    with pytest.raises(ValueError, match="one at least"):
        check_examples(np.zeros((0, 2)), [], FIT)


@pytest.mark.parametrize("point", [(-0.6, 2.0), (2.0, 5.6), (math.nan, 2.0)])
def test_a_point_outside_of_the_frame_is_refused(point):
    with pytest.raises(ValueError, match=r"'b' at .* lies outside of its frame"):
        check_examples([(3, 4), point], ["a", "b"], FIT)


@pytest.mark.parametrize("affine", [None, np.eye(4), torch.eye(4)])
@pytest.mark.parametrize("time_ms", [None, 0.0, -40.0])
def test_particulars_of_use_are_taken(affine, time_ms):
    check_particulars(affine, time_ms)


def test_particulars_of_no_use_are_refused():
    with pytest.raises(ValueError, match=r"the shape \(4, 4\), not \(3, 3\)"):
        check_particulars(np.eye(3), None)
    for time_ms in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite number of milliseconds"):
            check_particulars(None, time_ms)
