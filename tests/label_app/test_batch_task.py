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

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("monailabel")

from label_app.label_file import LabelPoint, read_label
from label_app.landmark_app import BUNDLE, LandmarkApp
from scripts.io import label_file
from scripts.io.input_error import InputError
from scripts.networks.fingerprint import weights_fingerprint

CLIP = "patient~clip.nii"
DEFAULTS = {  # what MONAI Label sends when it is given nothing
    "device": "cuda",
    "multi_gpu": True,
    "gpus": "all",
    "save_label": True,
    "label_tag": "original",
    "max_workers": 1,
    "max_batch_size": 0,
}


def run(app: LandmarkApp, **request) -> dict:
    return app.batch_infer({"model": "landmarks", **DEFAULTS, **request})


@pytest.fixture
def labelled(app, place):
    points = [LabelPoint(label, None, *place(label, 0)) for label in ("valve", "apex")]
    app.datastore().replace_label("0.png", points)
    return app


def test_landmarks_are_found_in_all_images_without_a_final_label(labelled, place, capsys):
    result = run(labelled, images="unlabeled")
    assert result == {
        "total": 5,
        "annotated": ["1.png", "2.png", "3.png", "4.png", CLIP],
        "unchanged": [],
        "failed": {},
    }
    for i in range(1, 5):
        for point in labelled.datastore().label(f"{i}.png", "original").points:
            assert (point.x, point.y) == pytest.approx(place(point.label, i), abs=0.5)
        weights = labelled.datastore().label(f"{i}.png", "original").info["weights"]
        assert weights == weights_fingerprint(labelled.finder.network)
    clip = labelled.datastore().label(CLIP, "original").points
    assert {(one.label, one.frame) for one in clip} == {(a, t) for a in ("valve", "apex") for t in range(5)}
    lines = [line for line in capsys.readouterr().out.splitlines() if " ms" in line]
    assert [line.split()[:2] for line in lines] == [[f"{i}/5", one] for i, one in enumerate(result["annotated"], 1)]


def test_a_full_disk_is_told_in_a_line_for_each_image(labelled, monkeypatch, caplog):
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    result = run(labelled, images=["1.png", "2.png"])
    assert list(result["failed"]) == ["1.png", "2.png"]
    assert all("cannot be written (No space left on device)" in told for told in result["failed"].values())
    assert "Traceback" not in caplog.text


def test_images_are_unlabeled_ones_where_none_are_asked_for(labelled):
    assert "0.png" not in run(labelled)["annotated"]
    assert run(labelled, images="labeled")["annotated"] == ["0.png"]


def test_final_labels_stay_as_they_are(labelled):
    path = labelled.datastore().get_label_uri("0.png", "final")
    before = Path(path).read_bytes(), os.stat(path).st_mtime_ns
    run(labelled, images="all")
    assert (Path(path).read_bytes(), os.stat(path).st_mtime_ns) == before
    assert labelled.datastore().get_labeled_images("final") == ["0.png"]
    with pytest.raises(InputError, match="original"):
        run(labelled, label_tag="final")


def test_a_second_run_passes_over_what_is_done_and_new_examples_make_all_anew(labelled, place):
    assert run(labelled, max_batch_size=2)["annotated"] == ["1.png", "2.png"]  # as if it had been stopped
    again = run(labelled)
    assert again["unchanged"] == ["1.png", "2.png"] and again["annotated"] == ["3.png", "4.png", CLIP]
    assert run(labelled)["annotated"] == []
    labelled.datastore().edit_label("0.png", [LabelPoint("dome", None, *place("valve", 0))])
    assert run(labelled)["annotated"] == ["1.png", "2.png", "3.png", "4.png", CLIP]


def test_other_settings_make_all_anew(labelled, studies, conf):
    run(labelled, images=["1.png"])
    assert run(LandmarkApp("label_app", str(studies), conf), images=["1.png"])["unchanged"] == ["1.png"]
    other = LandmarkApp("label_app", str(studies), conf | {"patch_size": "21"})
    assert run(other, images=["1.png"])["annotated"] == ["1.png"]


def test_a_label_that_was_saved_by_hand_since_is_made_anew(labelled):
    run(labelled, images=["1.png"])
    labelled.infer({"model": "landmarks", "image": "1.png", "labels": ["apex"], "save_label": True})
    assert run(labelled, images=["1.png"])["annotated"] == ["1.png"]


def test_one_bad_image_is_named_and_the_rest_is_annotated(labelled, studies):
    (studies / "2.png").write_bytes((studies / "2.png").read_bytes()[:200])
    result = run(labelled, images=["1.png", "2.png", "nowhere.png", "3.png"])
    assert result["annotated"] == ["1.png", "3.png"]
    assert set(result["failed"]) == {"2.png", "nowhere.png"}
    assert "2.png" in result["failed"]["2.png"] and "nowhere.png" in result["failed"]["nowhere.png"]


def test_a_damaged_label_is_no_example_and_is_named(labelled):
    labelled.datastore().label_path("2.png", "final").write_bytes(b"{ damaged")
    result = run(labelled, images=["1.png", "2.png", "3.png"])
    assert result["annotated"] == ["1.png", "3.png"]
    assert "2.png.json is not JSON" in result["failed"]["2.png"]


def test_a_damaged_original_is_made_anew(labelled):
    run(labelled, images=["1.png"])
    path = labelled.datastore().label_path("1.png", "original")
    good = read_label(path).points
    path.write_bytes(b"{ damaged")
    result = run(labelled, images=["1.png", "2.png"])
    assert result["annotated"] == ["1.png", "2.png"] and result["failed"] == {}
    assert read_label(path).points == good
    path.write_bytes(b"{ damaged")
    labelled.infer({"model": "landmarks", "image": "1.png", "save_label": True})
    assert read_label(path).points == good


def test_a_clip_of_more_landmarks_than_a_label_can_have_is_refused_at_once(labelled, monkeypatch):
    monkeypatch.setattr(label_file, "_MOST_POINTS", 9)  # the clip has ten
    looked_at = []
    find = labelled.finder.find

    def watched(image, *rest, **how):
        looked_at.append(image.name)
        return find(image, *rest, **how)

    monkeypatch.setattr(labelled.finder, "find", watched)
    result = run(labelled, images=["1.png", CLIP])
    assert result["annotated"] == ["1.png"] and looked_at == ["1.png"]
    assert "would have 10 landmarks, but a label has at most 9" in result["failed"][CLIP]
    assert labelled.datastore().label(CLIP, "original").points == ()
    with pytest.raises(InputError, match="would have 10 landmarks"):
        labelled.infer({"model": "landmarks", "image": CLIP, "save_label": True})
    assert looked_at == ["1.png"]
    assert run(labelled, images=[CLIP], labels="valve")["annotated"] == [CLIP]


def test_a_frame_is_found_by_examples_of_other_images_where_it_has_its_own(labelled, place):
    # a wrong click: by its own example it would be found where it was clicked
    wrong = [LabelPoint("valve", None, 20.0, 20.0), LabelPoint("own", None, 30.0, 30.0)]
    labelled.datastore().replace_label("1.png", wrong)
    run(labelled, images=["1.png"])
    points = {one.label: one for one in labelled.datastore().label("1.png", "original").points}
    assert "own" not in points
    assert (points["valve"].x, points["valve"].y) == pytest.approx(place("valve", 1), abs=0.5)
    assert points["valve"].n_examples == 1


def test_without_an_example_nothing_is_done(app):
    with pytest.raises(InputError, match="no example"):
        run(app)


@pytest.mark.parametrize(
    "fault",
    [
        {"images": "none"},
        {"images": [1]},
        {"model": "landmarks_click"},
        {"labels": ["x"]},
        {"max_batch_size": -1},
        {"max_batch_size": True},
    ],
)
def test_requests_at_fault_are_refused(labelled, fault):
    with pytest.raises(InputError):
        run(labelled, **fault)


def test_it_runs_in_the_process_that_monai_label_starts(labelled, studies, conf):
    request = {"model": "landmarks", "images": ["1.png", "2.png"], **DEFAULTS}
    command = [sys.executable, "-m", "monailabel.interfaces.utils.app", "-m", "batch_infer"]
    command += ["-a", str(BUNDLE / "label_app"), "-s", str(studies), "-r", json.dumps(request)]
    path = os.pathsep.join([str(BUNDLE), str(BUNDLE / "label_app")])
    environment = {**os.environ, "PYTHONPATH": path, "MONAI_LABEL_APP_CONF": json.dumps(conf)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "1/2 1.png" in done.stdout and "2/2 2.png" in done.stdout
    label = read_label(labelled.datastore().get_label_uri("2.png", "original"))
    assert {one.label for one in label.points} == {"valve", "apex"}
