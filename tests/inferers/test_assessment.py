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
import torch

from scripts.inferers import Trust, assess_landmarks
from scripts.transforms.image_fit import ImageFit

NAN = float("nan")
FIT = ImageFit((160, 120), (80, 60))  # 2 px are one of the network's


def assess(
    point: tuple[float, float] = (30.0, 40.0),
    *,
    sigma: float = 1.0,
    apart: float = NAN,
    fit: ImageFit = FIT,
    trust: Trust | None = None,
    doubt: str = "",
) -> tuple[str, str]:
    measures = torch.tensor([[sigma, apart, NAN, NAN, NAN]])
    (one,) = assess_landmarks(torch.tensor([point]), measures, fit, 16, trust, [doubt])
    return one.status.value, one.reason


@pytest.mark.parametrize("sigma", [0.1, 7.9])
def test_without_learned_limits_an_answer_is_unchecked_at_best(sigma):
    assert assess(sigma=sigma) == ("unchecked", "")


def test_lenient_limits_are_a_quarter_of_a_patch_in_px_of_the_original():
    assert assess(sigma=8.1) == ("doubtful", "the uncertainty is too large")
    assert assess(apart=8.1) == ("doubtful", "the examples disagree")


def test_learned_limits_make_it_valid_or_doubtful():
    trust = Trust({"sigma_px": 2.0}, 0.01)
    assert assess(sigma=2.0, trust=trust) == ("valid", "")
    assert assess(sigma=2.1, trust=trust) == ("doubtful", "the uncertainty is too large")


@pytest.mark.parametrize("trust", [Trust({}), Trust({"dissent": 0.4}), Trust.lenient(20.0)])
def test_limits_that_could_not_judge_it_leave_it_unchecked(trust):
    assert assess(trust=trust) == ("unchecked", "")


@pytest.mark.parametrize("trust", [None, Trust({"sigma_px": 1e9})])
def test_some_things_speak_against_it_whatever_the_limits(trust):
    assert assess((NAN, 3.0), trust=trust) == ("doubtful", "the answer is not finite")
    assert assess(sigma=NAN, trust=trust) == ("doubtful", "the answer is not finite")
    assert assess((160.0, 3.0), trust=trust) == ("doubtful", "it lies outside of the image")
    of_region = ImageFit((160, 120), (80, 60), (0, 0, 20, 20))
    assert assess(fit=of_region, trust=trust) == ("doubtful", "it lies outside of the region")
    assert assess(trust=trust, doubt="its example strays") == ("doubtful", "its example strays")


def test_no_landmarks_are_judged_too():
    assert assess_landmarks(torch.zeros(0, 2), torch.zeros(0, 5), FIT, 16) == []
