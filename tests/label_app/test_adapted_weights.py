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

import copy
import json
import logging
import math

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("monailabel")

from label_app.adapted_weights import AdaptedWeights
from label_app.label_file import LabelPoint
from label_app.landmark_finder import LandmarkFinder
from scripts.data.image_series import find_image_series
from scripts.data.prepared_series import PrepareSeries, prepare_series
from scripts.networks import CorrelationHead, ResidualEncoder, TemplateMatchingNetwork


def make_finder(seed=0, patch_size=16):
    torch.manual_seed(seed)
    encoders = ResidualEncoder(channels=(4, 4, 4)), ResidualEncoder(channels=(4, 4, 4))
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders, code_channels=4)).eval()
    return LandmarkFinder(network, PrepareSeries((32, 32)), patch_size)


def changed(finder, by=1.0):
    state = copy.deepcopy(finder.network.state_dict())
    state["head.log_temperature"] += by
    return state


def temperature(finder):
    return finder.network.state_dict()["head.log_temperature"].item()


@pytest.fixture
def finder():
    return make_finder()


@pytest.fixture
def weights(tmp_path, finder):
    return AdaptedWeights(tmp_path / "weights", finder)


@pytest.mark.parametrize("after", [5.0, 6.0, math.nan, math.inf])
def test_weights_that_are_no_better_are_not_kept(weights, finder, tmp_path, after):
    before = temperature(finder)
    assert not weights.offer(changed(finder), 5.0, after)
    weights.refresh()
    assert temperature(finder) == before and not (tmp_path / "weights").exists()


def test_better_weights_are_kept_and_taken_up_here_elsewhere_and_after_a_restart(weights, finder, tmp_path):
    running = make_finder()
    elsewhere = AdaptedWeights(tmp_path / "weights", running)
    elsewhere.refresh()
    before = temperature(finder)
    assert weights.offer(changed(finder), 5.0, 4.5, {"images": 3})
    told = json.loads((tmp_path / "weights" / "adapted.json").read_text())
    assert (told["before_px"], told["after_px"], told["images"], told["base"]) == (5.0, 4.5, 3, weights.base)
    for one in (weights, elsewhere, AdaptedWeights(tmp_path / "weights", make_finder())):
        one.refresh()
        assert temperature(one.finder) == pytest.approx(before + 1)
        assert one.describe() == told


def test_the_next_ones_take_the_place_of_the_last_ones(weights, finder, tmp_path):
    before = temperature(finder)
    running = AdaptedWeights(tmp_path / "weights", make_finder())
    for by in (1.0, 2.0):
        assert weights.offer(changed(make_finder(), by), 5.0, 4.0)
        running.refresh()
        assert temperature(running.finder) == pytest.approx(before + by)
    assert len(list((tmp_path / "weights").glob("*.pt"))) == 1
    assert running.base == weights.base  # what a restart compares with is what the server was given


@pytest.mark.parametrize(
    ("other", "reason"), [(make_finder(seed=1), "other weights"), (make_finder(patch_size=20), "other settings")]
)
def test_weights_made_from_others_are_left_alone_with_a_word(weights, tmp_path, caplog, other, reason, finder):
    weights.offer(changed(finder), 5.0, 4.0)
    before = temperature(other)
    restarted = AdaptedWeights(tmp_path / "weights", other)
    with caplog.at_level(logging.WARNING):
        restarted.refresh()
        restarted.refresh()
    assert temperature(other) == before
    assert len(caplog.records) == 1 and reason in caplog.text


def test_writing_that_is_cut_off_leaves_the_last_weights(weights, finder, tmp_path, monkeypatch):
    weights.offer(changed(finder, 1.0), 5.0, 4.0)
    told, before = weights.describe(), temperature(finder)

    def full(*_, **__):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(json, "dumps", full)
        with pytest.raises(OSError):
            weights.offer(changed(finder, 2.0), 4.0, 3.0)
    assert weights.describe() == told
    restarted = AdaptedWeights(tmp_path / "weights", make_finder())
    restarted.refresh()
    assert temperature(restarted.finder) == pytest.approx(before + 1)


def test_damaged_files_change_nothing(weights, finder, tmp_path, caplog):
    weights.offer(changed(finder), 5.0, 4.0)
    before = temperature(finder)
    [file] = (tmp_path / "weights").glob("*.pt")
    file.write_bytes(file.read_bytes()[:100])
    weights.refresh()
    assert temperature(finder) == before and "cannot be read" in caplog.text
    weights.path.write_text("{")
    weights.refresh()
    assert temperature(finder) == before and weights.describe() == {}


def test_who_is_at_work_with_examples_ends_with_the_weights_of_before(finder, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = prepare_series(find_image_series(tmp_path)[0], finder.prepare)
    bank = finder.new_bank()
    finder.add(bank, image, [LabelPoint("a", None, 12, 20)])
    before = finder.find(image, 0, bank)
    state = {name: value + 0.1 for name, value in finder.network.state_dict().items()}
    finder.take_weights(state)
    assert _same(finder.find(image, 0, bank), before)
    anew = finder.new_bank()
    finder.add(anew, image, [LabelPoint("a", None, 12, 20)])
    assert not _same(finder.find(image, 0, anew), before)


def _same(some, others):
    return [one.point for one in some] == [one.point for one in others]
