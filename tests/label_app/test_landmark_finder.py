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

import dataclasses
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from label_app.label_file import LabelPoint
from label_app.landmark_finder import LandmarkFinder
from scripts.classical import NCCMatcher
from scripts.data import find_image_series, prepare_series
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.inferers.fusion import MedianFusion
from scripts.inferers.trust import Trust

LABELS = ("valve", "apex")


@pytest.fixture
def finder() -> LandmarkFinder:
    return LandmarkFinder(NCCMatcher(), PrepareSeries((96, 64)), 17, sigma_per_scale=0.02)


@pytest.fixture
def images(studies: Path, finder: LandmarkFinder) -> list[PreparedSeries]:
    """Five stills and the clip of them."""
    return [prepare_series(one, finder.prepare) for one in find_image_series(studies)]


def points(place, index: int, frame: int | None = None) -> list[LabelPoint]:
    return [LabelPoint(label, frame, *place(label, index)) for label in LABELS]


def test_landmarks_are_found_where_they_are(finder, images, place):
    bank = finder.new_bank()
    finder.add(bank, images[0], points(place, 0))
    for index in range(1, 5):
        found = [one.point for one in finder.find(images[index], 0, bank)]
        assert [(one.label, one.frame, one.n_examples) for one in found] == [(label, None, 1) for label in LABELS]
        np.testing.assert_allclose(
            [(one.x, one.y) for one in found], [place(label, index) for label in LABELS], atol=0.5
        )
        assert {(one.status, one.reason) for one in found} == {("unchecked", "")}


def test_frames_of_a_series_are_told_apart(finder, images, place):
    bank = finder.new_bank()
    finder.add(bank, images[5], points(place, 2, frame=2))
    for frame in range(5):
        for one in finder.find(images[5], frame, bank):
            assert one.point.frame == frame
            np.testing.assert_allclose((one.point.x, one.point.y), place(one.point.label, frame), atol=0.5)


def test_examples_of_the_series_itself_go_before_those_of_others(finder, images, place):
    bank = finder.new_bank()
    finder.add(bank, images[0], points(place, 0))
    finder.add(bank, images[5], [LabelPoint("valve", 1, *place("apex", 1))])  # another place under that name
    own, other = finder.find(images[5], 3, bank)
    assert (own.point.n_examples, other.point.n_examples) == (1, 1)
    np.testing.assert_allclose((own.point.x, own.point.y), place("apex", 3), atol=0.5)
    both, _ = finder.find(images[4], 0, bank)
    assert both.point.n_examples == 2


def test_examples_that_disagree_are_said_not_to_be_relied_on(finder, images, place):
    bank = finder.new_bank()
    finder.add(bank, images[0], [LabelPoint("valve", None, *place("valve", 0))])
    finder.add(bank, images[1], [LabelPoint("valve", None, *place("apex", 1))])
    (found,) = finder.find(images[2], 0, bank)
    # half of the way between valve and apex each
    apart = math.dist(place("valve", 2), place("apex", 2)) / 2
    assert found.disagreement == pytest.approx(apart, abs=0.5)
    assert (found.point.status, found.point.reason) == ("doubtful", "the uncertainty is too large")


def test_an_answer_outside_of_the_image_is_not_to_be_relied_on(finder, images, place):
    bank = finder.new_bank()
    finder.add(bank, images[0], points(place, 0))

    class Away:
        def match(self, *_: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[1.2, 0.0, -9.0, -9.0], [math.nan, 0.0, -9.0, -9.0]])

    bank.network = Away()
    finder.encode = lambda *_: torch.zeros(1, 1, 96, 64)
    outside, nowhere = (one.point for one in finder.find(images[1], 0, bank))
    assert (outside.status, outside.reason) == ("doubtful", "it lies outside of the image")
    assert (nowhere.status, nowhere.reason) == ("doubtful", "the answer is not finite")
    inner = replace(images[1], fit=replace(images[1].fit, region=(0, 0, 96, 64)))
    assert finder.find(inner, 0, bank)[0].point.reason == "it lies outside of the region"


def test_learned_limits_make_answers_valid(finder, images, place):
    bank = finder.new_bank()
    finder.add(bank, images[0], points(place, 0))
    finder.trust = Trust({"sigma_px": 50.0})
    assert {one.point.status for one in finder.find(images[1], 0, bank)} == {"valid"}
    finder.trust = Trust({"sigma_px": 0.001})
    assert {one.point.reason for one in finder.find(images[1], 0, bank)} == {"the uncertainty is too large"}
    assert "sigma_px" in finder.settings["trust"]


def test_what_was_found_from_an_example_on_a_blank_part_alone_is_doubtful(finder, images, place, studies, caplog):
    bank = finder.new_bank()
    finder.add(bank, images[0], points(place, 0))
    with Image.open(studies / "1.png") as file:
        pixels = np.asarray(file).copy()
    pixels[:, 40:] = 90
    Image.fromarray(pixels).save(studies / "half.png")
    half = prepare_series(find_image_series(studies / "half.png")[0], finder.prepare)
    finder.add(bank, half, [LabelPoint("dome", None, 70, 30), LabelPoint("valve", None, 80, 30)])
    assert "example 'dome' on half.png, lies on a blank part of its image" in caplog.text
    found = {one.point.label: one.point for one in finder.find(images[1], 0, bank)}
    assert (found["dome"].status, found["dome"].reason) == (
        "doubtful",
        "its example lies on a blank part of its image",
    )
    assert not found["valve"].reason.startswith("its example")  # it has a sound one too


def test_a_fusion_can_be_chosen(images, place):
    finder = LandmarkFinder(NCCMatcher(), PrepareSeries((96, 64)), 17, fusion=MedianFusion(), sigma_per_scale=0.02)
    bank = finder.new_bank()
    for index, label in enumerate(("valve", "valve", "apex")):
        finder.add(bank, images[index], [LabelPoint("valve", None, *place(label, index))])
    (found,) = finder.find(images[3], 0, bank)
    np.testing.assert_allclose((found.point.x, found.point.y), place("valve", 3), atol=0.5)


def test_the_code_of_a_frame_is_made_once(finder, images):
    first = finder.encode(images[5], 1)
    assert finder.encode(images[5], 1) is first
    assert finder.encode(images[5], 2) is not first


def test_an_image_that_was_read_again_has_a_code_of_its_own(finder, images):
    first = finder.encode(images[0], 0)
    other = dataclasses.replace(images[1], series=images[0].series)
    assert other.source == images[0].source
    assert torch.equal(finder.encode(other, 0), finder.encode(images[1], 0))
    assert not torch.equal(finder.encode(other, 0), first)


def test_a_limited_number_of_codes_is_kept(images):
    finder = LandmarkFinder(NCCMatcher(), PrepareSeries((96, 64)), 17, cached_codes=2)
    first = finder.encode(images[0], 0)
    finder.encode(images[1], 0)
    assert finder.encode(images[0], 0) is first
    finder.encode(images[2], 0)  # takes the place of that of image 1, which was used longest ago
    assert finder.encode(images[0], 0) is first


def test_codes_need_not_be_kept(images):
    finder = LandmarkFinder(NCCMatcher(), PrepareSeries((96, 64)), 17, cached_codes=0)
    assert finder.encode(images[0], 0) is not finder.encode(images[0], 0)
