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

import shutil

import pytest
import torch

pytest.importorskip("monailabel")

from PIL import Image

from label_app.example_memory import ExampleMemory
from label_app.label_file import LabelPoint
from label_app.landmark_datastore import LandmarkDatastore

CLIP = "patient~clip.nii"


@pytest.fixture
def store(app) -> LandmarkDatastore:
    return app.datastore()


@pytest.fixture
def memory(app) -> ExampleMemory:
    return ExampleMemory(app.datastore(), app.finder)


def number(memory: ExampleMemory) -> dict[str, int]:
    bank = memory.bank()
    return {label: bank.count(label) for label in bank.labels}


def test_examples_follow_what_is_saved_and_removed(store, memory):
    assert number(memory) == {}
    store.edit_label("0.png", [LabelPoint("valve", None, 40, 30), LabelPoint("apex", None, 56, 24)])
    store.edit_label(CLIP, [LabelPoint("valve", 1, 46, 26), LabelPoint("valve", 2, 35, 33)])
    assert number(memory) == {"valve": 3, "apex": 1}
    store.edit_label("0.png", removed=[("apex", None)])
    assert number(memory) == {"valve": 3}
    store.remove_label(CLIP, "final")
    assert number(memory) == {"valve": 1}
    store.edit_label("1.png", [LabelPoint("valve", None, 40, 30)], tag="original")  # nobody has looked at it
    assert number(memory) == {"valve": 1}


def test_a_damaged_label_is_left_out_until_it_is_repaired(store, memory, caplog):
    for image in ("0.png", "1.png"):
        store.edit_label(image, [LabelPoint("valve", None, 40, 30)])
    assert number(memory) == {"valve": 2}
    path = store.label_path("0.png", "final")
    whole = path.read_bytes()
    path.write_bytes(b"{ damaged")
    assert number(memory) == number(memory) == {"valve": 1}
    assert memory.images() == ["1.png"]
    assert caplog.text.count("the label of 0.png is passed over") == 1
    path.write_bytes(whole)
    assert number(memory) == {"valve": 2}
    assert memory.images() == ["0.png", "1.png"]


def test_a_landmark_that_is_moved_is_another_example(store, memory):
    store.edit_label("0.png", [LabelPoint("valve", None, 40, 30)])
    before = memory.bank().codes.clone()
    assert (memory.bank().codes == before).all()
    store.edit_label("0.png", [LabelPoint("valve", None, 44, 30)])
    assert (memory.bank().codes != before).any()


def test_only_what_changed_is_encoded_again(store, memory, app, monkeypatch):
    for image in ("0.png", "1.png", "2.png"):
        store.edit_label(image, [LabelPoint("valve", None, 40, 30)])
    memory.bank()
    encoded = []
    add = app.finder.add
    monkeypatch.setattr(
        app.finder, "add", lambda bank, image, points: (encoded.append(image.name), add(bank, image, points))
    )
    store.edit_label("1.png", [LabelPoint("valve", None, 41, 30)])
    assert number(memory) == {"valve": 3}
    assert number(memory) == {"valve": 3}
    assert encoded == ["1.png"]


def test_a_restart_finds_the_same(store, memory, app, studies):
    store.edit_label("0.png", [LabelPoint("valve", None, 40, 30), LabelPoint("apex", None, 56, 24)])
    again = ExampleMemory(LandmarkDatastore(studies, app.finder.prepare), app.finder)
    assert again.bank().labels == memory.bank().labels
    assert (again.bank().codes == memory.bank().codes).all()


def test_other_weights_make_other_codes(store, memory, app):
    store.edit_label("0.png", [LabelPoint("valve", None, 40, 30)])
    before = memory.bank()
    app.finder.take_weights(app.finder.network.state_dict())
    assert memory.bank() is not before
    assert number(memory) == {"valve": 1}


def test_examples_that_somebody_holds_stay_as_they_are(store, memory):
    store.edit_label("0.png", [LabelPoint("valve", None, 40, 30)])
    held = memory.bank()
    codes = held.codes.clone()
    store.edit_label("1.png", [LabelPoint("apex", None, 50, 20)])
    store.remove_label("0.png", "final")
    assert memory.bank().labels == ["apex"]
    assert held.labels == ["valve"] and (held.codes == codes).all()


def test_an_image_that_is_replaced_is_another_example(store, memory, studies):
    store.edit_label("0.png", [LabelPoint("valve", None, 40, 30)])
    store.edit_label("1.png", [LabelPoint("valve", None, 46, 26)])
    before = memory.bank()
    shutil.copyfile(studies / "4.png", studies / "0.png")
    after = memory.bank()
    assert after.count("valve") == 2
    fresh = ExampleMemory(LandmarkDatastore(studies, memory.finder.prepare), memory.finder).bank()
    assert not torch.equal(after.codes, before.codes)
    assert sorted(after.codes.flatten().tolist()) == sorted(fresh.codes.flatten().tolist())


def test_a_label_that_cannot_be_used_is_passed_over_with_a_warning(store, memory, studies, caplog):
    for image in ("0.png", "1.png", "2.png", "3.png"):
        store.edit_label(image, [LabelPoint("valve", None, 40, 30)])
    (studies / ".landmarks" / "final" / "0.png.json").write_text("{")
    Image.linear_gradient("L").resize((20, 20)).save(studies / "1.png")  # the landmark does not lie on it
    (studies / "2.png").unlink()
    assert number(memory) == number(memory) == {"valve": 1}
    assert [one for one in caplog.messages if "is passed over" in one] == caplog.messages
    assert len(caplog.messages) == 3  # each is told once
    shutil.copyfile(studies / "3.png", studies / "2.png")
    store.replace_label("1.png", [LabelPoint("valve", None, 4, 3)])
    assert number(memory) == {"valve": 3}
