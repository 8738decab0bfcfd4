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

import math

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("monailabel")

from label_app.label_file import LabelPoint
from label_app.landmark_finder import Found
from scripts.io.landmark_status import LandmarkStatus


@pytest.fixture
def labelled(app, studies, place, texture_frames):
    """Moved copies of one texture, one of them labelled, and an image of another texture."""
    other = texture_frames((96, 64), [(0, 0)], seed=7)[0]
    grey = np.interp(other, (other.min(), other.max()), (0, 255)).round().astype(np.uint8)
    Image.fromarray(grey.T).save(studies / "other.png")
    store = app.datastore()
    store.refresh()
    store.replace_label("0.png", [LabelPoint(one, None, *place(one, 0)) for one in ("valve", "apex")])
    return app


def test_the_image_is_chosen_whose_landmarks_are_not_found_back(labelled):
    answer = labelled.next_sample({"strategy": "cyclic"})
    assert (answer["id"], answer["strategy"]) == ("other.png", "cyclic")
    assert answer["score"] > 3
    labelled.datastore().replace_label("other.png", [])
    assert labelled.next_sample({"strategy": "cyclic"})["score"] < 1  # the rest is one texture that moves


def test_the_score_is_the_distance_from_the_example(labelled, place, monkeypatch):
    shift = (3.0, -4.0)  # of what is found from the truth

    def find(image, frame, bank, labels=None, **_):
        x, y = place("valve", 1)
        return [
            Found(
                LabelPoint("valve", None, x + shift[0], y + shift[1], 1, 1, LandmarkStatus.UNCHECKED, "", 1), math.nan
            )
        ]

    monkeypatch.setattr(labelled.finder, "find", find)
    store = labelled.datastore()
    for image in store.list_images():
        if image not in ("0.png", "1.png"):
            store.remove_image(image)
    # the patch beside the landmark is found beside the example
    assert labelled.next_sample({"strategy": "cyclic"})["score"] == pytest.approx(5.0, abs=0.3)


def test_a_landmark_that_is_nowhere_counts_as_lost(labelled, monkeypatch):
    def find(image, frame, bank, labels=None, **_):
        at = math.nan if image.name == "3.png" else 40.0
        return [Found(LabelPoint("valve", None, at, at, 1, 1, LandmarkStatus.UNCHECKED, "", 1), math.nan)]

    monkeypatch.setattr(labelled.finder, "find", find)
    answer = labelled.next_sample({"strategy": "cyclic"})
    assert (answer["id"], answer["score"]) == ("3.png", pytest.approx(math.hypot(96, 64)))
