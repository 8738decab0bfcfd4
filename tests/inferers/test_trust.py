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
"""Tests of the limits for answers: judgements worked out by hand, and shares of flagged answers counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.inferers.trust import DOUBTS, Trust

NAN = float("nan")


def answers(*rows: tuple[float, float, float, float, float]) -> torch.Tensor:
    return torch.tensor(rows)


def test_the_first_measure_above_its_limit_is_named():
    limits = {"sigma_px": 1.0, "disagreement_px": 2.0, "return_px": 3.0, "dissimilarity": 0.5, "dissent": 0.7}
    judged = Trust(limits).judge(
        answers(
            (0.9, 1.9, 2.9, 0.4, 0.6),
            (1.1, 1.9, 2.9, 0.4, 0.6),
            (0.9, 2.1, 2.9, 0.4, 0.6),
            (0.9, 1.9, 3.1, 0.4, 0.6),
            (0.9, 1.9, 2.9, 0.6, 0.6),
            (0.9, 1.9, 2.9, 0.4, 0.8),
            (0.9, 2.1, 3.1, 0.6, 0.8),
            (9.0, 9.0, 9.0, 9.0, 9.0),
        )
    )
    assert judged == [
        "",
        "the uncertainty is too large",
        "the examples disagree",
        "it is not found back in its example",
        "it does not look like its example",
        "its surroundings are elsewhere",
        "the examples disagree",
        "the uncertainty is too large",
    ]


def test_a_limit_that_is_just_reached_is_kept():
    trust = Trust({"return_px": 0.1})
    limit = torch.tensor(0.1)
    above = torch.nextafter(limit, torch.tensor(1.0))
    judged = trust.judge(torch.stack([torch.tensor([0.0, 0.0, value, 0.0, 0.0]) for value in (limit, above)]))
    assert judged == ["", "it is not found back in its example"]


def test_what_has_no_limit_is_not_judged():
    assert Trust({"sigma_px": 4.0}).judge(answers((4.0, 1e9, float("inf"), 2.0, 1.0), (5.0, 0.0, 0.0, 0.0, 0.0))) == [
        "",
        "the uncertainty is too large",
    ]
    assert Trust({}).judge(answers((1e9, 1e9, 1e9, float("inf"), 1e9))) == [""]


def test_what_was_not_measured_is_never_flagged_and_hides_nothing():
    trust = Trust(dict.fromkeys(DOUBTS, 0.0))
    assert trust.judge(answers((NAN, NAN, NAN, NAN, NAN), (NAN, NAN, NAN, 0.1, NAN), (NAN, 0.1, NAN, NAN, NAN))) == [
        "",
        "it does not look like its example",
        "the examples disagree",
    ]


def test_no_answers_have_no_doubts():
    assert Trust({"sigma_px": 1.0}).judge(torch.zeros(0, 5)) == []


def test_a_measure_that_is_unknown_is_refused_by_name():
    with pytest.raises(ValueError, match=r"no such measure: colour, size; there are sigma_px, .*dissimilarity"):
        Trust({"size": 1.0, "sigma_px": 1.0, "colour": 1.0})


def test_one_measure_gets_the_limit_that_exactly_the_share_exceeds():
    measures = torch.full((200, 5), NAN)
    measures[:, 2] = torch.randperm(200, generator=torch.Generator().manual_seed(0)) + 1.0
    trust = Trust.learn(measures, 0.05)
    # 10 of 1 .. 200 are above 190
    assert trust == Trust({"return_px": 190.0}, 0.05)
    assert sum(map(bool, trust.judge(measures))) == 10


def test_measures_that_go_wrong_together_share_their_false_alarms():
    one = torch.arange(100.0)
    alike = torch.stack([one, 2 * one, 3 * one, 4 * one, 5 * one], dim=1)
    # the same four answers are above all limits
    assert Trust.learn(alike, 0.04).limits == {
        "sigma_px": 95.0,
        "disagreement_px": 190.0,
        "return_px": 285.0,
        "dissimilarity": 380.0,
        "dissent": 475.0,
    }
    apart = torch.stack([one.roll(20 * i) for i in range(5)], dim=1)
    # each limit flags another answer
    trust = Trust.learn(apart, 0.05)
    assert trust.limits == dict.fromkeys(DOUBTS, 98.0)
    assert trust.false_alarm == pytest.approx(0.05)


def test_independent_measures_use_up_most_of_the_share():
    measures = torch.rand(4000, 5, generator=torch.Generator().manual_seed(0))
    trust = Trust.learn(measures, 0.08)
    assert 0.077 < trust.false_alarm <= 0.08
    # the quantile q of each with 1 - q^5 = 0.08
    assert list(trust.limits.values()) == pytest.approx([0.92**0.2] * 5, abs=0.01)


def test_learned_limits_hold_for_other_answers_of_the_same_kind():
    rand = torch.randn(20000, 5, generator=torch.Generator().manual_seed(0))
    flagged = Trust.learn(rand[:10000], 0.05).judge(rand[10000:])
    assert sum(map(bool, flagged)) / 10000 == pytest.approx(0.05, abs=0.01)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    data=st.data(),
    number=st.integers(1, 60),
    share=st.floats(0.01, 0.99),
    levels=st.sampled_from([2, 5, 1000]),
)
def test_never_more_than_the_share_is_flagged_whatever_the_answers(data, number, share, levels):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    values = rng.integers(0, levels, (number, 5)).astype(np.float32)
    values[rng.random((number, 5)) < rng.random(5)] = np.nan  # from rarely to mostly not measured
    infinite = data.draw(st.booleans())
    if infinite:
        values[rng.random((number, 5)) < 0.1] = np.inf
    measures = torch.from_numpy(values)
    if number * share < 1:
        with pytest.raises(ValueError, match="too few"):
            Trust.learn(measures, share)
        return
    trust = Trust.learn(measures, share)
    flagged = sum(map(bool, trust.judge(measures))) / number
    assert flagged <= share
    assert infinite or trust.false_alarm == pytest.approx(flagged)
    assert set(trust.limits) == {name for name, there in zip(DOUBTS, np.isfinite(values).any(0), strict=True) if there}


@pytest.mark.parametrize(("number", "share", "needed"), [(99, 0.01, 100), (0, 0.1, 10), (3, 0.25, 4)])
def test_too_few_answers_for_the_share_are_refused_with_how_many_are_needed(number, share, needed):
    with pytest.raises(ValueError, match=f"{number} answers are too few .* {share:g} .*give {needed} or more"):
        Trust.learn(torch.rand(number, 5), share)
    Trust.learn(torch.rand(needed, 5), share)


@pytest.mark.parametrize("share", [0.0, 1.0, 2.0])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError):
        Trust.learn(torch.rand(100, 5), share)


def test_a_measure_that_few_answers_have_is_not_flagged_in_all_of_them():
    # 30 landmarks in 10 frames, the first of which alone has two examples that can disagree
    measures = torch.full((300, 5), NAN)
    measures[:, 0] = torch.rand(300, generator=torch.Generator().manual_seed(0))
    measures[::30, 1] = torch.arange(10.0)
    flagged = Trust.learn(measures, 0.2).judge(measures)
    assert sum(map(bool, flagged[::30])) < 10


def test_only_the_measures_named_get_a_limit_and_the_whole_share():
    measures = torch.rand(1000, 5, generator=torch.Generator().manual_seed(0))
    trust = Trust.learn(measures, 0.05, ["dissent", "sigma_px"])
    assert set(trust.limits) == {"dissent", "sigma_px"}
    alone = Trust.learn(measures, 0.05, ["dissent"])
    assert alone.limits["dissent"] == measures[:, 4].sort().values[949].item()
    assert trust.limits["dissent"] > alone.limits["dissent"]
    with pytest.raises(ValueError, match="no such measure: size"):
        Trust.learn(measures, 0.05, ["size"])


def test_an_answer_is_valid_only_where_a_learned_limit_could_judge_it():
    measures = answers((1.0, NAN, NAN, NAN, NAN), (NAN, NAN, NAN, NAN, 0.1), (9.0, NAN, NAN, NAN, NAN))
    learned = Trust({"sigma_px": 4.0}, 0.01)
    assert learned.status(measures, learned.judge(measures)) == ["valid", "unchecked", "doubtful"]
    lenient = Trust.lenient(4.0)
    assert lenient.status(measures, lenient.judge(measures)) == ["unchecked", "unchecked", "doubtful"]
    assert Trust({}).status(measures, ["", "told elsewhere", ""]) == ["unchecked", "doubtful", "unchecked"]


def test_too_few_answers_are_told_what_they_are_and_which_share_they_are_enough_for():
    with pytest.raises(ValueError, match=r"give 100 or more \(frames times landmarks\).*such as false_alarm=0.04"):
        Trust.learn(torch.rand(30, 5))
    Trust.learn(torch.rand(30, 5), 0.04)
    Trust.learn(torch.rand(100, 5))
