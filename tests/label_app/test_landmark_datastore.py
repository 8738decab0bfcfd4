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

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("monailabel")

from monailabel.interfaces.exception import ImageNotFoundException, LabelNotFoundException
from PIL import Image

from label_app import landmark_datastore
from label_app.label_file import LabelPoint, read_label
from label_app.landmark_datastore import LandmarkDatastore
from scripts.data.prepared_series import PrepareSeries
from scripts.io.input_error import InputError

PREPARE = PrepareSeries((96, 64))


@pytest.fixture
def store(studies: Path) -> LandmarkDatastore:
    return LandmarkDatastore(studies, PREPARE)


def saved(store: LandmarkDatastore, image: str, tag: str = "final") -> dict:
    return {(one.label, one.frame): (one.x, one.y) for one in store.label(image, tag).points}


CLIP = "patient~clip.nii"


def test_images_of_folders_are_listed_by_their_names(store, studies):
    assert store.list_images() == ["0.png", "1.png", "2.png", "3.png", "4.png", CLIP]
    assert store.get_image_uri(CLIP) == str(studies / "patient" / "clip.nii")
    assert store.get_image("0.png").read() == (studies / "0.png").read_bytes()
    assert store.get_image_info(CLIP)["name"] == CLIP and store.image_name(CLIP) == "patient/clip.nii"


@pytest.mark.parametrize("image", ["", "nothing", "../0.png", "/etc/hostname", "patient/clip.nii", "0.png/", ".", None])
def test_an_id_is_a_name_in_the_list_and_never_a_path(store, image):
    assert store.get_image_uri(image) == ""
    for ask in (store.label, store.prepared, store.pixels, store.get_image_info, store.get_labels_by_image_id):
        with pytest.raises(ImageNotFoundException):
            ask(image)
    with pytest.raises(ImageNotFoundException):
        store.edit_label(image, [LabelPoint("a", None, 1, 1)])


@pytest.mark.parametrize("tag", ["", "..", "history", "final/..", "x"])
def test_there_are_two_tags(store, tag):
    with pytest.raises(LabelNotFoundException, match="'final' or 'original'"):
        store.edit_label("0.png", [LabelPoint("a", None, 1, 1)], tag=tag)


def test_landmarks_are_edited_one_by_one(store):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2), LabelPoint("b", None, 3, 4)])
    store.edit_label("0.png", [LabelPoint("a", None, 5, 6)], [("b", None), ("c", None)], info={"who": "me"})
    assert saved(store, "0.png") == {("a", None): (5, 6)}
    store.edit_label("0.png", [LabelPoint("d", None, 7, 8)])
    assert saved(store, "0.png") == {("a", None): (5, 6), ("d", None): (7, 8)}
    assert store.get_label_info("0.png", "final")["who"] == "me"
    assert saved(store, "1.png") == saved(store, "0.png", "original") == {}


def test_what_cannot_be_of_the_image_changes_nothing(store):
    store.edit_label(CLIP, [LabelPoint("a", 2, 1, 2)])
    for bad in (
        LabelPoint("a", 5, 1, 2),
        LabelPoint("a", None, 1, 2),
        LabelPoint("a", 2, 96, 2),
        LabelPoint("", 2, 1, 2),
    ):
        with pytest.raises(InputError):
            store.edit_label(CLIP, [LabelPoint("b", 2, 1, 2), bad])
    assert saved(store, CLIP) == {("a", 2): (1, 2)}


def test_an_image_from_which_all_is_removed_is_not_labelled(store):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2)])
    assert store.edit_label("0.png", removed=[("a", None)]).points == ()
    store.edit_label("0.png", removed=[("a", None)])
    store.edit_label("0.png")
    assert store.get_labeled_images() == []
    store.edit_label("0.png", [LabelPoint("b", None, 1, 2)])
    store.replace_label("0.png", [])  # somebody says that there is none here
    store.update_label_info("0.png", "final", {"who": "me"})
    assert store.get_labeled_images() == ["0.png"]


def test_an_image_that_is_replaced_is_read_again(store, studies):
    before = store.prepared("0.png"), store.pixels("0.png")
    assert store.prepared("0.png") is before[0] and store.pixels("0.png") is before[1]
    Image.new("L", (50, 40), 7).save(studies / "0.png")
    assert store.prepared("0.png").fit.original == (50, 40)
    assert store.pixels("0.png").shape == (1, 50, 40) and (store.pixels("0.png") == 7).all()
    with pytest.raises(InputError):
        store.edit_label("0.png", [LabelPoint("a", None, 60, 2)])
    (studies / "0.png").unlink()
    for ask in (store.prepared, store.pixels):
        with pytest.raises(InputError, match=r"0\.png cannot be read"):
            ask("0.png")


def test_images_that_cannot_have_an_id_of_their_own_are_left_out(store, studies, caplog):
    content = (studies / "0.png").read_bytes()
    wrong = ["patient~clip.nii", f"{'x' * 120}/{'y' * 100}.png", b"\xff.png".decode(errors="surrogateescape")]
    longest = f"{'x' * 120}/{'y' * 75}.png"
    for name in (*wrong[1:], longest):
        (studies / name).parent.mkdir(exist_ok=True)
        (studies / name).write_bytes(content)
    shutil.copyfile(studies / "patient" / "clip.nii", studies / wrong[0])
    store.refresh()
    assert store.list_images() == sorted([f"{i}.png" for i in range(5)] + [CLIP, longest.replace("/", "~")])
    assert len([one for one in caplog.messages if "is left out" in one]) == 2
    assert r"\xff.png cannot be used: the name is not UTF-8" in caplog.text
    longest = longest.replace("/", "~")
    store.edit_label(longest, [LabelPoint("a", None, 1, 2)])
    store.edit_label(longest, [LabelPoint("b", None, 1, 2)])
    assert len(saved(store, longest)) == 2


def test_files_older_than_zip_are_archived(store, studies):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2)])
    os.utime(studies / "0.png", (0, 0))
    with zipfile.ZipFile(store.get_dataset_archive(None)) as archive:
        assert archive.read("0.png") == (studies / "0.png").read_bytes()


def test_an_archive_that_cannot_be_made_leaves_no_file(store, studies, tmp_path, monkeypatch):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2)])
    (studies / "0.png").unlink()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        store.get_dataset_archive(None)
    assert set(tmp_path.iterdir()) == before


def test_a_label_that_was_removed_meanwhile_is_left_out_of_an_archive(store, monkeypatch):
    for name in ("0.png", "1.png"):
        store.edit_label(name, [LabelPoint("a", None, 1, 2)])
    listed = store.get_labeled_images()
    store.label_path("0.png", "final").unlink()
    monkeypatch.setattr(store, "get_labeled_images", lambda: listed)
    with zipfile.ZipFile(store.get_dataset_archive(None)) as archive:
        assert archive.namelist() == ["1.png", ".landmarks/final/1.png.json"]


def test_all_images_are_listed_beside_a_damaged_label(store):
    for name in ("0.png", "1.png"):
        store.edit_label(name, [LabelPoint("a", None, 1, 2)], info={"client": "page"})
    store.label_path("0.png", "final").write_bytes(b"{ damaged")
    listed = {name: one["labels"] for name, one in store.json()["objects"].items() if one["labels"]}
    assert "0.png" in listed["0.png"]["final"]["info"]["error"]
    assert listed["1.png"]["final"]["info"]["client"] == "page"


def test_a_file_takes_the_place_of_the_label(store, tmp_path):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2)])
    file = tmp_path / "label.json"
    file.write_text('{"landmarks": [{"label": "b", "x": 3, "y": 4}]}')
    assert store.save_label("0.png", str(file), "final", {"client": "slicer"}) == "0.png"
    assert saved(store, "0.png") == {("b", None): (3, 4)}
    assert json.loads(store.get_label("0.png", "final").read())["landmarks"] == [{"label": "b", "x": 3, "y": 4}]
    file.write_text("{")
    with pytest.raises(InputError):
        store.save_label("0.png", str(file), "final", {})
    assert saved(store, "0.png") == {("b", None): (3, 4)}


def test_what_was_there_is_kept(store, studies):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2)])
    store.replace_label("0.png", [LabelPoint("b", None, 3, 4)])
    store.remove_label("0.png", "final")
    kept = [read_label(file) for file in sorted((studies / ".landmarks" / "history" / "final").iterdir())]
    assert [[point.label for point in one.points] for one in kept] == [["a"], ["b"]]
    assert store.get_label_uri("0.png", "final") == ""
    with pytest.raises(LabelNotFoundException):
        store.remove_label("0.png", "final")
    with pytest.raises(LabelNotFoundException):
        store.update_label_info("0.png", "final", {"a": 1})


@contextlib.contextmanager
def no_room_for(size: int) -> Iterator[None]:
    """The system refuses to let files grow beyond a size, bytes, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files_of(store: LandmarkDatastore) -> dict[str, bytes]:
    found = (file for file in (store.folder / ".landmarks").rglob("*") if file.is_file() and file.suffix != ".lock")
    return {str(file): file.read_bytes() for file in found}


@pytest.mark.parametrize("size", [100, 1_600])
def test_a_full_disk_changes_nothing_and_leaves_no_half_file(store, size):
    """At first the history has no room, then it has and the label has not."""
    store.edit_label("0.png", [LabelPoint(f"a{i}", None, i, 2) for i in range(30)])
    before = files_of(store)
    assert 100 < len(next(iter(before.values()))) < 1_600
    for change in (
        lambda: store.edit_label("0.png", [LabelPoint(f"b{i}", None, i, 2) for i in range(30)]),
        lambda: store.update_image_info("1.png", {"about": "x" * 2_000}),
    ):
        with no_room_for(size), pytest.raises(OSError, match="File too large"):
            change()
        assert files_of(store) == before


def test_what_a_killed_server_left_goes_when_the_next_starts(store, studies):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2)])
    store.edit_label("0.png", [LabelPoint("a", None, 3, 4)])
    before, history = files_of(store), studies / ".landmarks" / "history" / "final"
    left = [studies / ".landmarks" / "final" / ".0123456789ab-0.png.json", history / ".ba9876543210-0.png.1.json"]
    for file in left:
        file.write_text("{")
    LandmarkDatastore(studies, PREPARE)
    assert all(file.exists() for file in left)  # somebody may be writing them
    for file in left:
        os.utime(file, (time.time() - 90_000,) * 2)
    LandmarkDatastore(studies, PREPARE)
    assert files_of(store) == before


def test_images_with_and_without_labels(store):
    store.edit_label("1.png", [LabelPoint("a", None, 1, 2), LabelPoint("b", None, 1, 3)])
    store.edit_label("3.png", [LabelPoint("a", None, 1, 2)])
    store.edit_label("2.png", [LabelPoint("a", None, 1, 2)], tag="original")
    assert store.get_labeled_images() == ["1.png", "3.png"]
    assert store.get_labeled_images(labels=["a", "b"]) == ["1.png"]
    damaged = store.label_path("4.png", "final")
    damaged.write_bytes(b"{ damaged")
    assert store.get_labeled_images(labels=["a", "b"]) == ["1.png", "4.png"]
    damaged.unlink()
    assert store.get_labeled_images("original") == ["2.png"]
    assert store.get_unlabeled_images() == ["0.png", "2.png", "4.png", CLIP]
    assert store.status() == {"total": 6, "completed": 2, "label_tags": {"final": 2, "original": 1}}
    assert [Path(one["label"]).name for one in store.datalist()] == ["1.png.json", "3.png.json"]
    assert set(store.json()["objects"]["2.png"]["labels"]) == {"original"}
    with zipfile.ZipFile(store.get_dataset_archive(1)) as archive:
        assert archive.namelist() == ["1.png", ".landmarks/final/1.png.json"]
    assert store.get_label_by_image_id("1.png", "final") == "1.png"


def test_an_image_is_added_under_a_name_of_its_own(store, studies, tmp_path):
    source = tmp_path / "upload.png"
    source.write_bytes((studies / "0.png").read_bytes())
    assert store.add_image("new", str(source), {"site": "a"}) == "new.png"
    assert store.get_image_info("new.png")["site"] == "a"
    assert (studies / "new.png").read_bytes() == source.read_bytes()
    for name in ("new", "../new2", ".hidden", "a/b", "/tmp/x"):
        with pytest.raises(InputError):
            store.add_image(name, str(source), {})
    text = tmp_path / "text.png"
    text.write_text("no image")
    with pytest.raises(InputError):
        store.add_image("text", str(text), {})
    assert sorted(path.name for path in studies.iterdir()) == sorted(
        [".landmarks", "patient", "new.png", *(f"{i}.png" for i in range(5))]
    )


@pytest.mark.parametrize(
    ("given", "file", "name"),
    [
        ("1.2.840.113", "1.2.840.113.png", "1.2.840.113.png"),
        ("new", "C:\\Users\\a.b\\x.png", "new.png"),
        ("New.PNG", "x.png", "New.PNG"),
        ("new.nii", "x.png", "new.nii.png"),
        ("é ü 100%&+", "x.v2.png", "é ü 100%&+.png"),
        ("a~b", "x.png", "a~b.png"),
    ],
)
def test_the_id_of_an_upload_stays_good(store, studies, tmp_path, given, file, name):
    source = tmp_path / file
    source.write_bytes((studies / "0.png").read_bytes())
    assert store.add_image(given, str(source), {}) == name
    store.edit_label(given, [LabelPoint("a", None, 1, 2)])
    again = LandmarkDatastore(studies, PREPARE)
    for one in (store, again):
        assert one.get_image_uri(given) == str(studies / name) and one.check_id(given) == name
        assert saved(one, given) == saved(one, name) == {("a", None): (1, 2)}
        assert one.get_image_info(given)["name"] == name
        for taken in (given, name):
            with pytest.raises(landmark_datastore.ImageExistsError):
                one.add_image(taken, str(source), {})
    store.remove_image(given)
    assert not (studies / name).exists() and store.get_image_uri(given) == ""


def test_an_upload_does_not_take_the_id_of_another(store, studies, tmp_path):
    for suffix in ("png", "bmp"):
        Image.open(studies / "0.png").save(tmp_path / f"x.{suffix}")
    store.add_image("a.bmp", str(tmp_path / "x.png"), {})
    for given in ("a.bmp", "a", "0", "patient~clip"):  # each would mean two images, or another
        with pytest.raises(landmark_datastore.ImageExistsError):
            store.add_image(given, str(tmp_path / "x.bmp"), {})
    assert store.list_images() == ["0.png", "1.png", "2.png", "3.png", "4.png", "a.bmp.png", CLIP]
    with pytest.raises(InputError, match="more than 200 bytes"):
        store.add_image("x" * 200, str(tmp_path / "x.png"), {})


def test_more_landmarks_than_can_be_read_are_refused_and_the_label_stays(store, studies):
    points = [LabelPoint(f"a{i}", 0, 1, 2) for i in range(10_001)]
    store.edit_label(CLIP, points[:9_999])
    before = [*(studies / ".landmarks").rglob("*.json")]
    for refused in (
        lambda: store.edit_label(CLIP, points[9_999:]),
        lambda: store.replace_label(CLIP, points),
        lambda: store.replace_label(CLIP, [LabelPoint("b", 0, 1, 2, sigma_x=1e10)]),
    ):
        with pytest.raises(InputError):
            refused()
    assert [*(studies / ".landmarks").rglob("*.json")] == before
    assert len(store.edit_label(CLIP, removed=[("a0", 0)]).points) == 9_998


@pytest.mark.parametrize("tag", ["original", "final"])
def test_a_label_takes_the_place_of_a_damaged_one_which_is_kept(store, studies, tag):
    store.label_path("0.png", tag).write_bytes(b"{ damaged")
    with pytest.raises(InputError):
        store.edit_label("0.png", [LabelPoint("a", None, 1, 2)], tag=tag)
    store.replace_label("0.png", [LabelPoint("b", None, 3, 4)], tag)
    assert saved(store, "0.png", tag) == {("b", None): (3, 4)}
    (kept,) = (studies / ".landmarks" / "history" / tag).iterdir()
    assert kept.read_bytes() == b"{ damaged"


def test_what_is_kept_beside_an_image_may_be_damaged(store, studies):
    store.update_image_info("0.png", {"site": "a"})
    assert store.get_image_info("0.png")["site"] == "a"
    (studies / ".landmarks" / "images" / "0.png.json").write_bytes(b"\xff{")
    assert store.get_image_info("0.png") == {"name": "0.png", "path": str(studies / "0.png")}
    store.update_image_info("0.png", {"site": "b"})
    assert store.json()["objects"]["0.png"]["image"]["info"]["site"] == "b"


def test_an_image_is_removed_with_its_labels(store, studies):
    store.edit_label("0.png", [LabelPoint("a", None, 1, 2)])
    store.remove_image("0.png")
    assert not (studies / "0.png").exists() and "0.png" not in store.list_images()
    assert list((studies / ".landmarks" / "final").iterdir()) == []
    with pytest.raises(ImageNotFoundException):
        store.remove_image("0.png")


def test_an_older_look_does_not_undo_a_newer_one(store, studies, monkeypatch):
    began, go_on = threading.Event(), threading.Event()
    look = landmark_datastore.find_image_series

    def slow_look(folder):
        found = look(folder)
        began.set()
        assert go_on.wait(10)
        return found

    monkeypatch.setattr(landmark_datastore, "find_image_series", slow_look)
    older = threading.Thread(target=store.refresh)
    older.start()
    assert began.wait(10)
    shutil.copy(studies / "0.png", studies / "later.png")
    monkeypatch.setattr(landmark_datastore, "find_image_series", look)
    newer = threading.Thread(target=store.refresh)
    newer.start()
    newer.join(0.3)
    go_on.set()
    older.join(10)
    newer.join(10)
    assert "later.png" in store.list_images()


def test_a_folder_that_holds_no_image_yet_is_a_store_too(tmp_path):
    store = LandmarkDatastore(tmp_path, PREPARE)
    assert store.list_images() == [] and store.status()["total"] == 0


WRITER = """
import sys
from label_app.label_file import LabelPoint
from label_app.landmark_datastore import LandmarkDatastore
from scripts.data.prepared_series import PrepareSeries
folder, name, number = sys.argv[1:]
store = LandmarkDatastore(folder, PrepareSeries((96, 64)))
print("ready", flush=True)
for i in range(int(number)):
    store.edit_label("0.png", [LabelPoint(f"{name}{i}", None, i % 90, 1.0)])
"""


def start(studies: Path, name: str, number: int) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", WRITER, str(studies), name, str(number)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_two_who_save_at_once_lose_nothing(store, studies):
    writers = [start(studies, name, 12) for name in "ab"]
    for i in range(12):
        store.edit_label("0.png", [LabelPoint(f"c{i}", None, i, 2.0)])
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert set(saved(store, "0.png")) == {(f"{name}{i}", None) for name in "abc" for i in range(12)}


@pytest.mark.parametrize("delay", [0.0, 0.03])
def test_a_kill_while_saving_leaves_a_whole_label(store, studies, delay):
    store.edit_label("0.png", [LabelPoint("first", None, 1, 2)])
    writer = start(studies, "a", 100_000)
    assert writer.stdout.readline() == "ready\n"
    while len(store.label("0.png").points) < 3:
        time.sleep(0.005)
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    writer.wait(10)
    before = saved(store, "0.png")
    assert ("first", None) in before and len(before) >= 3
    store.edit_label("0.png", [LabelPoint("last", None, 1, 2)])  # and the lock is free
    assert set(saved(LandmarkDatastore(studies, PREPARE), "0.png")) == {*before, ("last", None)}
