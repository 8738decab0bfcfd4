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

from pathlib import Path

import pytest

pytest.importorskip("monailabel")

from monailabel.interfaces.exception import MONAILabelException

from label_app.label_file import LabelPoint
from label_app.strategies.image_strategy import ImageStrategy, evenly_drawn, frames_to_look_at
from scripts.io.input_error import InputError

NAMES = ["0.png", "1.png", "2.png", "3.png", "4.png", "patient~clip.nii"]
STRATEGIES = ["coverage", "cyclic", "disagreement", "diversity", "random", "sigma"]


class Last(ImageStrategy):
    """The last of the images that can be read."""

    def __init__(self, store):
        super().__init__("last", "", store)
        self.seen = []

    def choose(self, images, request):
        self.seen = list(self.look_at(images, lambda image: image.length))
        return self.answer(self.seen[-1], 1.0)


@pytest.mark.parametrize(("count", "most"), [(3, 5), (5, 5), (10, 3), (1000, 200), (7, 1)])
def test_what_is_drawn_is_spread_over_all_of_it(count, most):
    drawn = evenly_drawn(range(count), most)
    assert len(drawn) == len(set(drawn)) == min(count, most)
    gaps = [b - a for a, b in zip([-1, *drawn], [*drawn, count], strict=True)]
    assert max(gaps) <= count / len(drawn) + 1


def test_at_most_five_frames_of_a_series_are_looked_at(app, tmp_path, write_clip):
    write_clip(Path(app.datastore().folder) / "long.nii", [(0, 0)] * 12)
    app.datastore().refresh()
    assert len(set(frames_to_look_at(app.datastore().prepared("long.nii")))) == 5
    assert frames_to_look_at(app.datastore().prepared("0.png")) == [0]


def test_images_with_a_final_label_are_left_out(app):
    store = app.datastore()
    store.replace_label("1.png", [LabelPoint("valve", None, 3, 4)])
    store.replace_label("2.png", [LabelPoint("valve", None, 3, 4)], "original")
    strategy = Last(store)
    strategy({})
    assert strategy.seen == [name for name in NAMES if name != "1.png"]
    strategy({"labels": ["apex"]})
    assert strategy.seen == NAMES


@pytest.mark.parametrize("labels", [None, ["valve"]])
@pytest.mark.parametrize("strategy", ["coverage", "diversity", "sigma", "disagreement", "cyclic", "random"])
def test_a_damaged_label_is_passed_over(app, strategy, labels):
    store = app.datastore()
    for image in ("0.png", "1.png"):
        store.replace_label(image, [LabelPoint("valve", None, 40, 30)])
    store.label_path("2.png", "final").write_bytes(b"{ damaged")
    assert app.next_sample({"strategy": strategy, "labels": labels})["id"] not in ("0.png", "1.png", "2.png")


def test_no_more_images_are_looked_at_than_asked_for(app):
    strategy = Last(app.datastore())
    strategy({"max_images": 3})
    assert strategy.seen == evenly_drawn(NAMES, 3)
    for fault in (0, True, "5", 2.5):
        with pytest.raises(InputError, match="max_images"):
            strategy({"max_images": fault})


def test_images_that_cannot_be_read_are_passed_over_unless_there_is_no_other(app, studies):
    store = app.datastore()
    for name in NAMES[1:5]:
        (studies / name).write_bytes((studies / name).read_bytes()[:200])
    strategy = Last(store)
    assert strategy({})["id"] == "patient~clip.nii" and strategy.seen == ["0.png", "patient~clip.nii"]
    store.replace_label("0.png", [])
    store.replace_label("patient~clip.nii", [])
    with pytest.raises(InputError, match=r"\.png"):
        strategy({})


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_app_knows_all_strategies(app, name, studies):
    answer = app.next_sample({"strategy": name})
    assert answer["id"] in NAMES
    needs_examples = name in ("cyclic", "disagreement", "sigma")
    assert answer["strategy"] == ("diversity" if needs_examples else name)
    assert answer["path"].startswith(str(studies))
    assert set(app.info()["strategies"]) == set(STRATEGIES)


@pytest.mark.parametrize("name", STRATEGIES)
def test_there_is_nothing_to_label_where_all_is_labelled(app, name):
    for image in NAMES:
        app.datastore().replace_label(image, [])
    assert app.next_sample({"strategy": name}) == {}


def test_a_strategy_that_is_not_there_is_refused(app):
    with pytest.raises(MONAILabelException):
        app.next_sample({"strategy": "best"})
