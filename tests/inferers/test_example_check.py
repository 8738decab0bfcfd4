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

import math

import torch

from scripts.classical import NCCMatcher
from scripts.inferers.example_check import check_in_own_image
from scripts.metrics import encode_patches
from scripts.transforms.image_fit import ImageFit

POINTS = torch.tensor([[20.0, 30.0], [55.0, 25.0], [31.0, 12.0]])


class Shifted(NCCMatcher):
    """Cross-correlation that errs by a given number of px along x, one a patch."""

    def __init__(self, *px: float) -> None:
        super().__init__()
        self.px = torch.tensor(px)

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        off = 2 * self.px / image_code.shape[2]
        return super().match(image_code, patch_code) + off[:, None] * torch.tensor([1.0, 0.0, 0.0, 0.0])


def check(matcher: NCCMatcher, fit: ImageFit | None = None):
    image = torch.rand(1, 1, 80, 60, generator=torch.Generator().manual_seed(0))
    codes = matcher.encode_image(image), encode_patches(matcher, image, POINTS, 17)
    return check_in_own_image(matcher, image, *codes, POINTS, 17, fit=fit)


def test_what_is_found_has_a_bias_and_what_is_not_has_a_reason():
    found = check(Shifted(1.5, 9.0, 0.0))
    assert found.reasons == ["", "is found 9.0 px away in its own image", ""]
    expected = torch.tensor([[1.5, 0.0], [0.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(found.biases, expected, atol=0.1, rtol=0)


def test_distances_are_of_the_original_image():
    assert round(check(Shifted(0.0, 9.0, 0.0), ImageFit((160, 120), (80, 60))).distances[1]) == 18


def test_an_answer_that_is_not_finite_is_not_found():
    found = check(Shifted(0.0, math.nan, math.inf))
    assert found.reasons == ["", "is not found in its own image", "is not found in its own image"]
    assert found.biases.isfinite().all()
