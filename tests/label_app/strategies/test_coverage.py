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

from label_app.landmark_datastore import LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from label_app.strategies import Coverage, Diversity
from scripts.classical import NCCMatcher
from scripts.data.prepared_series import PrepareSeries

# pooled codes by image: two crowds, and one that is like nothing else
PLACES = {"a0": 0.0, "a1": 0.1, "a2": 0.2, "a3": 0.3, "b0": 1.0, "b1": 1.1, "b2": 1.2, "odd": 2.2}
PREPARE = PrepareSeries((16, 16))


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Make a strategy whose images lie at these angles on the unit circle."""

    for name in PLACES:
        Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / f"{name}.png")
    finder = LandmarkFinder(NCCMatcher(), PREPARE, 8)

    def encode(image, frame, network=None):
        angle = torch.tensor(PLACES[image.name.removesuffix(".png")])
        return torch.stack([angle.cos(), angle.sin()])[None]

    monkeypatch.setattr(finder, "encode", encode)
    store = LandmarkDatastore(tmp_path, PREPARE)
    return lambda kind: kind(store, finder)


def label(strategy, *names):
    for name in names:
        strategy.store.replace_label(f"{name}.png", [])


def test_the_next_image_stands_for_the_most_others_and_is_not_the_odd_one(make):
    coverage, diversity = make(Coverage), make(Diversity)
    assert coverage({})["id"] == diversity({})["id"]  # both begin with the typical one
    label(coverage, "a1")
    assert diversity({})["id"] == "odd.png"
    assert coverage({})["id"] in ("b1.png", "b2.png")


def test_the_score_is_by_how_much_images_come_nearer_to_a_labelled_one(make):
    coverage = make(Coverage)
    label(coverage, "a0", "a1", "a2", "a3", "b0", "b1")
    # left are b2, 0.1 from b1, and odd, 1.1 from b1 and 1.0 from b2
    chord = [2 * torch.tensor(angle / 2).sin().item() for angle in (0.1, 1.0, 1.1)]
    answer = coverage({})
    by_odd = chord[2] / 2
    by_b2 = (chord[0] + chord[2] - chord[1]) / 2
    assert (answer["id"], answer["score"]) == ("odd.png", pytest.approx(by_odd, abs=1e-5))
    assert by_odd > by_b2
