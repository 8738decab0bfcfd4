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

import pytest

pytest.importorskip("monailabel")

from label_app.label_file import LabelPoint
from scripts.io.landmark_status import LandmarkStatus


def test_the_image_is_chosen_in_which_two_examples_lie_apart(app, place):
    store = app.datastore()
    store.remove_image("patient~clip.nii")
    x, y = place("valve", 0)
    store.replace_label("0.png", [LabelPoint("valve", None, x, y)])
    assert app.next_sample({"strategy": "disagreement"})["strategy"] == "diversity"  # one example cannot disagree
    # the second person clicked 3 px to the right: everywhere the two answers lie 3 px apart, 1.5 px from their mean
    x, y = place("valve", 1)
    store.replace_label("1.png", [LabelPoint("valve", None, x + 3, y)])
    answer = app.next_sample({"strategy": "disagreement"})
    assert answer["strategy"] == "disagreement"
    assert answer["score"] == pytest.approx(1.5, abs=0.2)


def test_scores_are_px_of_the_networks_image(app, monkeypatch):
    from label_app.landmark_finder import Found

    app.datastore().replace_label("0.png", [LabelPoint("valve", None, 40, 30)])
    apart = {"1.png": 2.0, "2.png": 7.0}

    def find(image, frame, bank, labels=None, **_):
        return [
            Found(LabelPoint("valve", None, 1, 1, 1, 1, LandmarkStatus.UNCHECKED, "", 2), apart.get(image.name, 1.0))
        ]

    monkeypatch.setattr(app.finder, "find", find)
    answer = app.next_sample({"strategy": "disagreement"})
    assert (answer["id"], answer["score"]) == ("2.png", pytest.approx(7.0))  # images are at the network's size
