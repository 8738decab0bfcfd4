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

import json
import math

import pytest
import torch

pytest.importorskip("monailabel")

from monai.bundle import ConfigParser

from label_app.adapt_task import AdaptTask
from label_app.label_file import LabelPoint
from label_app.landmark_app import LandmarkApp
from scripts.io.input_error import InputError
from scripts.metrics.pair_cyclic_error import PairCyclicError
from scripts.networks import weights_fingerprint

QUICK = {"model": "adapt", "max_epochs": 1, "steps_per_epoch": 2}


@pytest.fixture
def conf(tmp_path):
    """Settings of an app with a tiny network of random weights."""
    encoder = {"_target_": "scripts.networks.ResidualEncoder", "channels": [4, 8, 8]}
    config = {"image_encoder": encoder, "patch_encoder": encoder}
    (tmp_path / "tiny.json").write_text(json.dumps(config))
    parser = ConfigParser()
    parser.read_config(["bundle/configs/inference.json", str(tmp_path / "tiny.json")])
    torch.manual_seed(0)
    torch.save(parser.get_parsed_content("network_def").state_dict(), tmp_path / "model.pt")
    return {
        "ckpt_path": str(tmp_path / "model.pt"),
        "config_file": str(tmp_path / "tiny.json"),
        "image_size": "[48, 32]",
        "patch_size": "16",
        "batch_size": "4",
        "device": "cpu",
    }


def errors(monkeypatch, *values):
    """Let the cyclic error be these, one after the other: before, in validation, after."""
    given = iter(values)
    monkeypatch.setattr(PairCyclicError, "mean", lambda *_: next(given))


def files(studies):
    return {path: path.read_bytes() for path in studies.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_better_weights_are_taken_up_by_a_server_that_runs_and_after_a_restart(studies, conf, monkeypatch, place):
    server = LandmarkApp("label_app", str(studies), conf)
    server.datastore().replace_label("0.png", [LabelPoint("valve", None, *place("valve", 0))])
    ask = {"model": "landmarks", "image": "1.png"}
    answer_before, given = server.find(ask)["landmarks"], weights_fingerprint(server.finder.network)
    errors(monkeypatch, 5.0, 4.0, 4.0)
    result = LandmarkApp("label_app", str(studies), conf).train(QUICK)
    assert result == {"adapted": True, "before_px": 5.0, "after_px": 4.0, "images": 6}
    assert server.find(ask)["landmarks"] != answer_before
    assert weights_fingerprint(server.finder.network) != given
    restarted = LandmarkApp("label_app", str(studies), conf)
    assert weights_fingerprint(restarted.finder.network) == weights_fingerprint(server.finder.network)
    assert restarted.find(ask)["landmarks"] == server.find(ask)["landmarks"]
    told = restarted.info()["train_stats"]["adapt"]
    assert (told["before_px"], told["after_px"], told["images"], told["base"]) == (5.0, 4.0, 6, given)


@pytest.mark.parametrize("after", [5.0, 5.1, math.nan])
def test_weights_that_are_no_better_change_nothing(studies, conf, monkeypatch, after, capsys):
    app = LandmarkApp("label_app", str(studies), conf)
    given, before = weights_fingerprint(app.finder.network), files(studies)
    errors(monkeypatch, 5.0, 4.0, after)
    result = app.train(QUICK)
    assert result["adapted"] is False and result["before_px"] == 5.0
    assert result["after_px"] == (None if math.isnan(after) else after)
    app.next_sample({"strategy": "random"})
    assert weights_fingerprint(app.finder.network) == given and files(studies) == before
    assert "stay as they were" in capsys.readouterr().out


def test_it_goes_on_from_the_weights_of_now(studies, conf, monkeypatch):
    app = LandmarkApp("label_app", str(studies), conf)
    taken = {name: value + 0.01 for name, value in app.finder.network.state_dict().items()}
    assert app.weights.offer(taken, 2.0, 1.0)
    errors(monkeypatch, 5.0, 4.0, 4.0)
    assert app.train(QUICK | {"learning_rate": 1e-9})["adapted"]
    app.weights.refresh()
    for name, value in app.finder.network.state_dict().items():
        if "running" not in name and "num_batches" not in name:
            assert torch.allclose(value, taken[name], atol=1e-6), name


def test_a_real_training_mends_weights_that_were_broken(studies, conf, tmp_path):
    """Weights whose patch code is a constant find everything at one place."""
    state = torch.load(conf["ckpt_path"], weights_only=True)
    state["head.patch_code.weight"].zero_()
    torch.save(state, conf["ckpt_path"])
    app = LandmarkApp("label_app", str(studies), conf)
    result = app.train({"model": "adapt", "max_epochs": 2, "steps_per_epoch": 40, "learning_rate": 0.01})
    assert result["adapted"] and result["after_px"] < 0.8 * result["before_px"]
    app.weights.refresh()
    assert app.finder.network.state_dict()["head.patch_code.weight"].abs().max() > 0


def test_a_training_that_breaks_leaves_all_as_it_was(studies, conf, monkeypatch):
    app = LandmarkApp("label_app", str(studies), conf)
    given, before = weights_fingerprint(app.finder.network), files(studies)
    for image in (*studies.glob("*.png"), studies / "patient" / "clip.nii"):
        image.write_bytes(image.read_bytes()[:200])
    with pytest.raises(InputError, match=r"\d\.png"):
        app.train(QUICK)
    app.next_sample({"strategy": "random"})
    assert weights_fingerprint(app.finder.network) == given
    assert files(studies).keys() == before.keys()


def test_what_a_killed_training_leaves_is_removed_by_the_next(studies, conf, monkeypatch):
    app = LandmarkApp("label_app", str(studies), conf)
    before = files(studies)
    left = app.weights.folder / "training"
    (left / "part").mkdir(parents=True)
    (left / "part" / "model.pt").touch()
    errors(monkeypatch, 5.0, 4.0, 6.0)
    app.train(QUICK)
    assert not left.exists() and files(studies) == before


def test_there_is_one_training_at_a_time(studies, conf, monkeypatch):
    app = LandmarkApp("label_app", str(studies), conf)
    again = LandmarkApp("label_app", str(studies), conf)
    monkeypatch.setattr(AdaptTask, "_train", lambda *_: again.train(QUICK))
    with pytest.raises(InputError, match="already"):
        app.train(QUICK)


@pytest.mark.parametrize(
    "fault",
    [
        {"max_epochs": "$__import__('os').system('true')"},
        {"max_epochs": 0},
        {"max_epochs": 1.5},
        {"max_epochs": True},
        {"learning_rate": -1.0},
        {"learning_rate": math.nan},
        {"seed": -1},
    ],
)
def test_settings_that_are_no_numbers_are_refused(studies, conf, fault):
    with pytest.raises(InputError, match=next(iter(fault))):
        LandmarkApp("label_app", str(studies), conf).train({**QUICK, **fault})


def test_all_images_of_a_server_are_fetched_before(studies, conf, monkeypatch, capsys):
    app = LandmarkApp("label_app", str(studies), conf)
    asked = []

    def fetch(image_id):
        asked.append(image_id)
        if image_id == "1.png":
            raise InputError("the server does not give 1.png")

    monkeypatch.setattr(app.datastore(), "series", fetch)
    errors(monkeypatch, 5.0, 4.0, 4.0)
    assert app.train(QUICK)["images"] == 6
    assert asked == app.datastore().list_images()
    assert "image 2 of 6 is passed over: the server does not give 1.png" in capsys.readouterr().out


def test_a_folder_without_images_is_refused(tmp_path, conf):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no image"):
        LandmarkApp("label_app", str(tmp_path / "empty"), conf).train(QUICK)


def test_its_settings_are_told(studies, conf):
    told = LandmarkApp("label_app", str(studies), conf).info()["trainers"]["adapt"]["config"]
    assert told == {"max_epochs": 5, "steps_per_epoch": 50, "learning_rate": 0.0003, "seed": 0}
