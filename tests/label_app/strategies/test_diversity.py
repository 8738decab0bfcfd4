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

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("monailabel")

from label_app.label_file import LabelPoint
from label_app.landmark_datastore import LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from label_app.strategies import Diversity
from scripts.classical import NCCMatcher
from scripts.data.prepared_series import PrepareSeries

PREPARE = PrepareSeries((32, 32))


def write(path, bright):
    """An image with one bright corner, and a little noise."""
    pixels = np.random.default_rng(len(path.name)).integers(0, 30, (32, 32)).astype(np.uint8)
    x, y = bright
    pixels[16 * y : 16 * y + 16, 16 * x : 16 * x + 16] += 200
    Image.fromarray(pixels).save(path)


@pytest.fixture
def strategy(tmp_path):
    for i in range(4):
        write(tmp_path / f"often_{'x' * i}.png", (0, 0))
    for i in range(2):
        write(tmp_path / f"rarely_{'x' * i}.png", (1, 0))
    write(tmp_path / "once.png", (1, 1))
    store = LandmarkDatastore(tmp_path, PREPARE)
    return Diversity(store, LandmarkFinder(NCCMatcher(), PREPARE, 8))


def label(strategy, image):
    strategy.store.replace_label(image, [LabelPoint("a", None, 1, 1)])


def test_the_first_image_is_a_typical_one_and_the_next_ones_cover_the_rest(strategy):
    first = strategy({})
    assert first["id"].startswith("often") and first["strategy"] == "diversity"
    kinds = ["often"]
    label(strategy, first["id"])
    scores = []
    for _ in range(2):
        answer = strategy({})
        kinds.append(answer["id"].split("_")[0].removesuffix(".png"))
        scores.append(answer["score"])
        label(strategy, answer["id"])
    assert sorted(kinds) == ["often", "once", "rarely"]
    # all kinds are covered: what is left is hardly farther away than noise
    assert strategy({})["score"] < 0.3 * min(scores)


def test_one_image_alone_is_the_typical_one(strategy):
    assert strategy({"max_images": 1})["score"] == 0.0


def test_codes_without_a_place_serve_too(strategy, monkeypatch):
    brightness = {"once.png": 3.0, "rarely_.png": -3.0}

    def encode(image, frame, network=None):
        return torch.tensor([[1.0, brightness.get(image.name, 0.0)]])

    monkeypatch.setattr(strategy.finder, "encode", encode)
    label(strategy, "often_.png")
    label(strategy, "once.png")
    assert strategy({})["id"] == "rarely_.png"


def test_labelled_images_that_cannot_be_read_any_more_count_as_none(strategy):
    label(strategy, "often_.png")
    assert not strategy({})["id"].startswith("often")
    (strategy.store.folder / "often_.png").write_bytes(b"damaged")
    assert strategy({})["id"].startswith("often")  # the typical one
