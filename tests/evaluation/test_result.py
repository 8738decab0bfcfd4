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
"""Tests of what an evaluation hands over: errors with their sigmas, and lines on what was left out."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.evaluation.result import Residuals, left_out

NAN, INF = math.nan, math.inf


@pytest.fixture
def residuals() -> Residuals:
    """The first and the last can be used."""
    errors = torch.tensor([[3.0, 4.0], [NAN, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, INF], [0.0, -2.0]])
    sigmas = torch.tensor([[1.0, 2.0], [1.0, 1.0], [INF, 1.0], [0.0, 1.0], [1.0, 1.0], [0.1, 0.2]])
    return Residuals(errors, sigmas)


def test_an_answer_is_usable_where_it_is_finite_and_its_sigma_above_zero(residuals):
    assert residuals.usable.tolist() == [True, False, False, False, False, True]


def test_a_length_is_euclidean_and_unknown_where_the_answer_is_not_usable(residuals):
    assert residuals.lengths[[0, 5]].tolist() == [5, 2]
    assert residuals.lengths[1:5].isnan().all()


def test_joining_keeps_what_is_usable_in_order(residuals):
    joined = Residuals.join([residuals, Residuals(torch.ones(1, 2), torch.full((1, 2), 7.0))])
    assert joined.errors.tolist() == [[3, 4], [0, -2], [1, 1]]
    torch.testing.assert_close(joined.sigmas, torch.tensor([[1.0, 2.0], [0.1, 0.2], [7.0, 7.0]]))


def test_nothing_joined_is_nothing():
    for parts in ([], [Residuals(torch.full((2, 2), NAN), torch.ones(2, 2))]):
        joined = Residuals.join(parts)
        assert joined.errors.shape == joined.sigmas.shape == (0, 2)


def test_what_is_left_out_is_counted_and_named_up_to_five():
    assert left_out([], "images left out") == []
    assert left_out(["a", "b"], "images left out") == ["2 images left out: a, b"]
    assert left_out(list("abcde"), "images left out") == ["5 images left out: a, b, c, d, e"]
    assert left_out(list("abcdefgh"), "images left out") == ["8 images left out: a, b, c, d, e and 3 more"]
