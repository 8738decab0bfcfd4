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
from label_app.landmark_app import LandmarkApp
from label_app.landmark_finder import Found
from scripts.io.landmark_status import LandmarkStatus


@pytest.fixture
def app(tmp_path, conf):
    folder = tmp_path / "sizes"
    folder.mkdir()
    for name, scale in {"example.png": 1, "small.png": 1, "large.png": 4}.items():
        Image.fromarray(np.zeros((64 * scale, 96 * scale), np.uint8)).save(folder / name)
    app = LandmarkApp("label_app", str(folder), conf)
    app.datastore().replace_label("example.png", [LabelPoint("a", None, 30, 30)])
    return app


def give(app, monkeypatch, sigmas):
    """Let landmarks be found with sigmas (along x and y, px of the original image) by image."""

    def find(image, frame, bank, labels=None, **_):
        return [
            Found(LabelPoint("a", None, 5, 5, *pair, LandmarkStatus.UNCHECKED, "", 1), math.nan)
            for pair in sigmas[image.name]
        ]

    monkeypatch.setattr(app.finder, "find", find)


def test_sigmas_are_compared_in_px_of_the_networks_image(app, monkeypatch):
    give(app, monkeypatch, {"small.png": [(3.0, 4.0)], "large.png": [(12.0, 8.0)]})
    assert app.next_sample({"strategy": "sigma"}) == {
        "id": "small.png",
        "score": pytest.approx(3.5),
        "strategy": "sigma",
        "path": app.datastore().get_image_uri("small.png"),
    }
    give(app, monkeypatch, {"small.png": [(3.0, 4.0)], "large.png": [(20.0, 12.0)]})
    assert app.next_sample({"strategy": "sigma"})["score"] == pytest.approx(4.0)


def test_the_score_is_the_mean_over_landmarks(app, monkeypatch):
    give(app, monkeypatch, {"small.png": [(1.0, 1.0), (8.0, 8.0)], "large.png": [(20.0, 20.0), (24.0, 24.0)]})
    answer = app.next_sample({"strategy": "sigma"})
    assert (answer["id"], answer["score"]) == ("large.png", pytest.approx(5.5))


@pytest.mark.parametrize("worst", [math.nan, math.inf])
def test_an_answer_that_is_not_finite_is_the_least_sure(app, monkeypatch, worst):
    give(app, monkeypatch, {"small.png": [(worst, 1.0)], "large.png": [(90.0, 90.0)]})
    answer = app.next_sample({"strategy": "sigma"})
    assert (answer["id"], answer["score"]) == ("small.png", pytest.approx(math.hypot(96, 64)))


def test_the_temperature_counts(app, conf):
    twice = LandmarkApp("label_app", app.studies, conf | {"sigma_per_scale": "0.04"})
    scores = [one.next_sample({"strategy": "sigma"})["score"] for one in (app, twice)]
    assert scores[1] == pytest.approx(2 * scores[0])
