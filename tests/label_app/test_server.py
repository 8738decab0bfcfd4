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
"""The server's answers, in process: each route with what is right and with what is wrong."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("monailabel")

import httpx
from fastapi.testclient import TestClient
from monailabel.utils.async_tasks import task
from PIL import Image

from label_app import request_checks
from label_app.landmark_app import LandmarkApp
from label_app.landmark_datastore import LandmarkDatastore

CLIP = "patient~clip.nii"


def set_point(client: TestClient, image: str, label: str, x: float, y: float, frame: int | None = None) -> None:
    entry = {"label": label, "frame": frame, "x": x, "y": y}
    assert client.post(f"/landmarks/api/images/{image}/edit", json={"points": [entry]}).status_code == 200


def labels_on_disk(studies: Path) -> dict[str, str]:
    return {str(file.relative_to(studies)): file.read_text() for file in (studies / ".landmarks").rglob("*.json")}


def test_the_app_tells_its_tasks(client):
    info = client.get("/info/").json()
    assert set(info["models"]) == {"landmarks", "landmarks_discs", "landmarks_click"}
    assert info["datastore"]["total"] == 6


def test_images_and_their_pixels(client, studies):
    listed = client.get("/landmarks/api/images").json()
    assert [one["id"] for one in listed] == [*(f"{i}.png" for i in range(5)), CLIP]
    about = client.get(f"/landmarks/api/images/{CLIP}").json()
    assert (about["width"], about["height"], about["frames"], about["still"]) == (96, 64, 5, False)
    assert about["spacing"] == pytest.approx([0.5, 0.5])
    answer = client.get("/landmarks/api/images/3.png/frames/0")
    pixels = np.frombuffer(answer.content, "<f4").reshape(64, 96)
    assert np.array_equal(pixels, np.asarray(Image.open(studies / "3.png"), np.float32))


@pytest.mark.parametrize("values", [(1000000.125, 1000000.375), (7.0, 7.0), (1e30, 1e30), (-3e38, 3e38)])
def test_the_grey_window_is_never_empty(client, studies, values):
    pixels = np.full((64, 96), values[0], np.float32)
    pixels[::2] = values[1]
    Image.fromarray(pixels).save(studies / "even.tif")
    client.post("/landmarks/api/refresh")
    answer = client.get("/landmarks/api/images/even.tif/frames/0")
    low, high = map(float, answer.headers["X-Window"].split(","))
    assert low == pixels.min() and low < high
    assert pixels.min() == pixels.max() or high == pixels.max()


def test_the_list_is_looked_for_again(client, studies):
    before = [one["id"] for one in client.get("/landmarks/api/images").json()]
    shutil.copy(studies / "0.png", studies / "9.png")
    (studies / "1.png").unlink()
    assert [one["id"] for one in client.get("/landmarks/api/images").json()] == before
    now = [one["id"] for one in client.post("/landmarks/api/refresh").json()]
    assert set(now) == {*before, "9.png"} - {"1.png"}
    assert [one["id"] for one in client.get("/landmarks/api/images").json()] == now
    assert client.get("/landmarks/api/images/1.png").status_code == 404


def test_a_damaged_label_is_told_in_the_list(client, studies):
    set_point(client, "1.png", "valve", 5, 5)
    (studies / ".landmarks" / "final" / "0.png.json").write_bytes(b"\xff{")
    listed = {one["id"]: one for one in client.get("/landmarks/api/images").json()}
    assert "0.png.json is not JSON" in listed["0.png"]["error"]
    assert "error" not in listed["1.png"] and listed["1.png"]["labels"] == ["valve"]
    answer = client.get("/landmarks/api/images/0.png")
    assert answer.status_code == 400 and "0.png.json is not JSON" in answer.json()["detail"]


def test_landmarks_are_found_from_stored_labels(client, place):
    set_point(client, "0.png", "valve", *place("valve", 0))
    (found,) = client.post("/landmarks/api/images/2.png/find", json={}).json()
    assert (found["x"], found["y"]) == (
        pytest.approx(place("valve", 2)[0], abs=0.5),
        pytest.approx(place("valve", 2)[1], abs=0.5),
    )
    assert found["status"] == "unchecked" and found["n_examples"] == 1 and found["sigma_x"] > 0
    answer = client.post(f"/infer/landmarks?image={CLIP}&output=json", data={"params": json.dumps({"frames": [1, 3]})})
    assert [one["frame"] for one in answer.json()["landmarks"]] == [1, 3]


def test_a_landmark_that_is_not_found_again_in_its_own_image_is_told_when_it_is_saved(client, studies):
    with Image.open(studies / "1.png") as image:
        pixels = np.asarray(image).copy()
    pixels[:, 40:] = 90
    Image.fromarray(pixels).save(studies / "1.png")
    saved = client.post(
        "/landmarks/api/images/1.png/edit",
        json={"points": [{"label": "blank", "x": 75, "y": 30}, {"label": "seen", "x": 15, "y": 30}]},
    ).json()
    blank, seen = sorted(saved, key=lambda one: one["label"])
    assert (blank["status"], blank["reason"]) == ("doubtful", "it lies on a blank part of its image")
    assert (seen["status"], seen["reason"]) == (None, "")
    described = client.get("/landmarks/api/images/1.png").json()["final"]
    assert {one["label"]: one["status"] for one in described} == {"blank": "doubtful", "seen": None}
    assert "status" not in (studies / ".landmarks" / "final" / "1.png.json").read_text()  # which other weights may undo
    (found, _) = client.post("/landmarks/api/images/2.png/find", json={}).json()
    assert (found["label"], found["status"]) == ("blank", "doubtful")
    assert found["reason"] == "its example lies on a blank part of its image"
    set_point(client, "1.png", "blank", 20, 25)  # where there is something
    assert {one["status"] for one in client.get("/landmarks/api/images/1.png").json()["final"]} == {None}


def test_clicks_are_examples_of_one_request(client, studies, place):
    x, y = place("apex", 0)
    clicks = {"clicks": [{"image": "0.png", "label": "apex", "x": x, "y": y}]}
    answer = client.post("/infer/landmarks_click?image=4.png&output=json", data={"params": json.dumps(clicks)}).json()
    (found,) = answer["landmarks"]
    assert (found["x"], found["y"]) == (
        pytest.approx(place("apex", 4)[0], abs=0.5),
        pytest.approx(place("apex", 4)[1], abs=0.5),
    )
    x, y = place("apex", 1)
    seeds = {"clicks": [{"label": "apex", "frame": 1, "x": x, "y": y}], "frames": [4]}
    answer = client.post(f"/infer/landmarks_click?image={CLIP}&output=json", data={"params": json.dumps(seeds)}).json()
    assert answer["landmarks"][0]["x"] == pytest.approx(place("apex", 4)[0], abs=0.5)
    assert labels_on_disk(studies) == {}


def test_slicer_gets_markups_and_sends_them_back(client, place):
    set_point(client, CLIP, "valve", *place("valve", 0), frame=0)
    answer = client.post(f"/infer/landmarks?image={CLIP}&output=image", data={"params": json.dumps({"frames": 2})})
    assert ".json" in answer.headers["content-disposition"]
    (markup,) = answer.json()["markups"]
    (point,) = markup["controlPoints"]
    x, y = place("valve", 2)
    assert point["label"] == "valve [2]"
    np.testing.assert_allclose(point["position"], [-(10 + 0.5 * x), -(-20 + 0.5 * y), 5.0], atol=0.3)  # RAS to LPS
    files = {"label": ("points.mrk.json", answer.content)}
    assert client.put(f"/datastore/label?image={CLIP}&tag=final", files=files).status_code == 200
    kept = client.get(f"/datastore/label?label={CLIP}&tag=final").json()["landmarks"]
    assert [(one["label"], one["frame"]) for one in kept] == [("valve", 2)]
    np.testing.assert_allclose((kept[0]["x"], kept[0]["y"]), (x, y), atol=0.5)


def test_ohif_gets_discs(client, place, tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    set_point(client, "0.png", "valve", *place("valve", 0))
    params = {"result_extension": ".nrrd", "result_dtype": "uint8", "result_compress": False}
    answer = client.post("/infer/landmarks_discs?image=2.png", data={"params": json.dumps(params)})
    assert answer.headers["content-type"].startswith("multipart/form-data")
    start = answer.content.index(b"NRRD000")
    (tmp_path / "map.nrrd").write_bytes(answer.content[start : answer.content.rindex(b"\r\n--")])
    discs = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "map.nrrd")))
    np.testing.assert_allclose(np.argwhere(discs == 1).mean(axis=0)[1:], place("valve", 2)[::-1], atol=0.6)
    assert b'"label_names": {"valve": 1}' in answer.content


def test_results_are_kept_as_original_when_asked_for(client, place):
    set_point(client, "0.png", "valve", *place("valve", 0))
    client.post("/infer/landmarks?image=1.png&output=json", data={"params": '{"save_label": true}'})
    about = client.get("/landmarks/api/images/1.png").json()
    assert about["final"] == []
    assert [one["label"] for one in about["original"]] == ["valve"]
    assert client.delete("/datastore/label?id=1.png&tag=original").status_code == 200
    assert client.get("/landmarks/api/images/1.png").json()["original"] == []


def test_many_images_are_annotated_and_measured(client, place):
    set_point(client, "0.png", "valve", *place("valve", 0))
    done = client.post("/batch/infer/landmarks?images=unlabeled&run_sync=true", json={}).json()
    assert set(done["annotated"]) == {*(f"{i}.png" for i in range(1, 5)), CLIP} and done["failed"] == {}
    x, y = place("valve", 1)
    set_point(client, "1.png", "valve", x + 3, y + 4)
    measured = client.post("/scoring/distance?run_sync=true", json={}).json()
    assert (measured["images"], measured["points"]) == (1, 1)
    assert measured["px"]["mean"] == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("strategy", ["coverage", "diversity", "sigma", "disagreement", "cyclic", "random"])
def test_each_strategy_chooses_an_image_without_a_label(client, place, strategy):
    for image in range(2):
        set_point(client, f"{image}.png", "valve", *place("valve", image))
    left = {"2.png", "3.png", "4.png", CLIP}
    assert client.post(f"/activelearning/{strategy}", json={}).json()["id"] in left
    assert client.post("/landmarks/api/next", json={"strategy": strategy}).json()["id"] in left
    for image in left - {CLIP}:
        set_point(client, image, "valve", 40, 30)
    set_point(client, CLIP, "valve", 40, 30, frame=0)
    assert client.post("/landmarks/api/next", json={"strategy": strategy}).json() == {}


def test_an_image_is_sent_and_taken_away(client, studies):
    content = (studies / "0.png").read_bytes()
    assert client.put("/datastore/image?image=new", files={"file": ("new.png", content)}).json() == {"image": "new.png"}
    assert client.get("/datastore/image?image=new.png").content == content
    assert client.put("/datastore/image?image=new", files={"file": ("new.png", content)}).status_code == 409
    assert client.delete("/datastore/image?id=new.png").status_code == 200
    assert client.get("/datastore/image?image=new.png").status_code == 404


@pytest.mark.parametrize("suffixes", [["png"] * 6, ["png", "bmp", "tif"] * 2], ids=["one file", "several"])
def test_of_several_uploads_of_one_id_the_first_is_kept(client, studies, suffixes):
    contents = {}
    for suffix in set(suffixes):
        Image.open(studies / "0.png").save(studies.parent / f"x.{suffix}")
        contents[suffix] = (studies.parent / f"x.{suffix}").read_bytes()
    client.get("/info/")

    async def send_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
            files = [{"file": (f"upload.{suffix}", contents[suffix])} for suffix in suffixes]
            return await asyncio.gather(*(asking.put("/datastore/image?image=new", files=one) for one in files))

    answers = asyncio.run(send_all())
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409, 409]
    (kept,) = (one.json()["image"] for one in answers if one.status_code == 201)
    assert [one.name for one in studies.glob("*new*")] == [kept]
    assert client.get("/datastore/image?image=new").content == contents[kept.removeprefix("new.")]


def test_the_clients_of_monai_label_take_200_alone_for_an_upload(client, studies):
    file = {"file": ("1.2.840.png", (studies / "0.png").read_bytes())}
    answer = client.put("/datastore/?image=new", files=file)
    assert (answer.status_code, answer.json()) == (200, {"image": "new.png"})
    answer = client.put("/datastore/image", files=file)  # no id: the file's name is one
    assert (answer.status_code, answer.json()) == (201, {"image": "1.2.840.png"})


def test_more_landmarks_than_can_be_read_are_refused(client):
    points = [{"label": f"a{i // 5}", "frame": i % 5, "x": 1, "y": 1} for i in range(10_002)]
    url = f"/landmarks/api/images/{CLIP}"
    assert client.post(f"{url}/edit", json={"points": points[:5_001]}).status_code == 200
    answer = client.post(f"{url}/edit", json={"points": points[5_001:]})
    assert answer.status_code == 400 and "would have 10002 landmarks" in answer.json()["detail"]
    assert len(client.get(url).json()["final"]) == 5_001
    removed = client.post(f"{url}/edit", json={"removed": [{"label": "a0", "frame": 0}]})
    assert removed.status_code == 200 and len(removed.json()) == 5_000
    assert client.delete(f"/datastore/label?id={CLIP}&tag=final").status_code == 200


TASKS = ["/batch/infer/landmarks", "/train/adapt", "/train/", "/scoring/distance", "/scoring/"]


@pytest.mark.parametrize("url", TASKS)
def test_a_task_that_no_process_could_be_given_is_refused_at_once(client, monkeypatch, url):
    monkeypatch.setattr(task, "run_background_task", lambda request, method: {"request": request})
    set_point(client, "0.png", "valve", 40, 30)
    ids = [f"{'x' * 50}{i:04}.png" for i in range(3_000)]
    answer = client.post(url, json={"images": ids})
    assert answer.status_code == 400 and "run_sync=true" in answer.json()["detail"]
    assert client.post(url, json={"images": ids[:1_900]}).status_code == 200
    # each is six characters for the process
    assert client.post(url, json={"images": ["é" * 30_000]}).status_code == 400


def test_three_thousand_images_are_annotated_at_once(client):
    set_point(client, "0.png", "valve", 40, 30)
    ids = ["1.png", *(f"{'x' * 50}{i:04}.png" for i in range(3_000))]
    done = client.post("/batch/infer/landmarks?run_sync=true", json={"images": ids}).json()
    assert done["annotated"] == ["1.png"] and len(done["failed"]) == 3_000


def test_a_process_takes_the_longest_request():
    assert subprocess.run(["true", "x" * (request_checks._LONGEST_TASK + 5_000)], check=False).returncode == 0


@pytest.mark.parametrize("url", ["/train/", "/scoring/"])
def test_all_that_there_is_to_run_is_run_without_a_name(client, monkeypatch, url):
    begun = []
    monkeypatch.setattr(task, "run_background_task", lambda request, method: begun.append(request) or {"id": "1"})
    name = {"/train/": "adapt", "/scoring/": "distance"}[url]
    answer = client.post(url, json={name: {"max_epochs": 3}})
    assert (answer.status_code, answer.json()) == (200, {name: {"result": {"id": "1"}, "detail": None}})
    assert begun[0]["max_epochs"] == 3
    assert client.post(url).status_code == 200 and len(begun) == 2
    assert client.post(url, json={name: 3}).status_code == 400


API = "/landmarks/api/images"
POINT = {"label": "valve", "x": 1, "y": 1}
WRONG = [
    ("get", f"{API}/nothing", {}, 404, "no image"),
    ("get", f"{API}/..%2F..%2Fetc%2Fpasswd", {}, 404, ""),
    ("get", f"{API}/0.png/frames/1", {}, 400, "no frame"),
    ("get", f"{API}/0.png/frames/-1", {}, 400, "no frame"),
    ("get", f"{API}/0.png/frames/x", {}, 422, ""),
    ("post", f"{API}/nothing/edit", {"json": {"points": [POINT]}}, 404, "no image"),
    ("post", f"{API}/0.png/edit", {"json": {"points": [{**POINT, "x": 96}]}}, 400, "outside"),
    ("post", f"{API}/0.png/edit", {"json": {"points": [{**POINT, "frame": 0}]}}, 400, "frame"),
    ("post", f"{API}/0.png/edit", {"json": {"points": {}}}, 400, "list"),
    ("post", f"{API}/0.png/edit", {"json": {"removed": [3]}}, 400, "removed"),
    ("post", f"{API}/0.png/edit", {"json": {"removed": [{"label": "valve", "frame": [1]}]}}, 400, "frame"),
    ("post", f"{API}/0.png/edit", {"json": {"points": [{**POINT, "x": 10**400}]}}, 400, "number"),
    ("post", f"{API}/0.png/edit", {"json": [1]}, 400, "JSON object"),
    ("post", f"{API}/0.png/edit", {"content": b"{"}, 422, ""),
    ("post", f"{API}/1.png/find", {"json": {"frames": 7}}, 400, "no frame"),
    ("post", f"{API}/1.png/find", {"json": {"labels": ["apex"]}}, 400, "no example"),
    ("post", f"{API}/nothing/find", {"json": {}}, 404, "no image"),
    ("post", "/infer/landmarks?image=/etc/hostname", {}, 404, "no image"),
    ("post", "/infer/landmarks?image=../studies/0.png", {}, 404, "no image"),
    ("post", "/infer/landmarks", {}, 400, "give an image"),
    ("post", "/infer/other?image=0.png", {}, 400, "no model"),
    ("post", "/infer/landmarks?image=0.png", {"data": {"params": "{"}}, 400, "JSON"),
    ("post", "/infer/landmarks_click?image=0.png", {}, 400, "clicks"),
    ("post", "/infer/landmarks_click?image=0.png", {"data": {"params": '{"clicks": [3]}'}}, 400, "must be like"),
    ("put", "/datastore/label?image=nothing", {"files": {"label": ("a.json", b"{}")}}, 404, "no image"),
    ("put", "/datastore/label?image=0.png", {"files": {"label": ("a.json", b"{")}}, 400, "not JSON"),
    ("put", "/datastore/label?image=0.png", {"files": {"label": ("a.json", b'{"markups": 3}')}}, 400, "Markups"),
    ("put", "/datastore/label?image=0.png&tag=../x", {"files": {"label": ("a.json", b"{}")}}, 404, "final"),
    ("put", "/datastore/label?image=0.png", {}, 422, ""),
    ("put", "/datastore/image?image=../x", {"files": {"file": ("a.png", b"x")}}, 400, "name"),
    ("put", "/datastore/image?image=x", {"files": {"file": ("a.png", b"x")}}, 400, "a.png|x.png|cannot be read"),
    ("delete", "/datastore/label?id=1.png&tag=final", {}, 404, "no label"),
    ("delete", "/datastore/label?id=../0.png&tag=final", {}, 404, "no image"),
    ("delete", "/datastore/image?id=../0.png", {}, 404, "no image"),
    ("get", "/datastore/label?label=../../x&tag=final", {}, 404, "no image"),
    ("post", "/batch/infer/other?run_sync=true", {"json": {}}, 400, "landmarks"),
    ("post", "/batch/infer/landmarks?run_sync=true", {"json": {"images": "some"}}, 400, "images"),
    ("post", "/scoring/other?run_sync=true", {"json": {}}, 400, "other"),
    ("post", "/train/adapt?run_sync=true", {"json": {"max_epochs": "5"}}, 400, "max_epochs"),
    ("post", "/train/other?run_sync=true", {"json": {}}, 400, "other"),
    ("post", "/landmarks/api/next", {"json": {"strategy": "other"}}, 400, "other"),
    ("post", "/activelearning/other", {"json": {}}, 400, "other"),
    ("get", "/datastore/image?image=/etc/passwd", {}, 404, ""),
]


@pytest.mark.parametrize(("method", "url", "content", "status", "why"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_told_and_changes_nothing(client, studies, method, url, content, status, why):
    set_point(client, "0.png", "valve", 40, 30)
    before = labels_on_disk(studies), sorted(studies.iterdir())
    answer = getattr(client, method)(url, **content)
    assert answer.status_code == status, answer.text
    assert any(one in answer.text for one in why.split("|")) and "detail" in answer.json()
    assert (labels_on_disk(studies), sorted(studies.iterdir())) == before


def test_without_an_example_nothing_is_found(client):
    answer = client.post(f"{API}/0.png/find", json={})
    assert answer.status_code == 400 and "no example yet" in answer.json()["detail"]


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
def test_a_huge_body_is_refused(client, studies, told):
    body = b" " * (4 * 2**20 + 1)
    content = body if told else (body[i : i + 65536] for i in range(0, len(body), 65536))
    answer = client.post(f"{API}/0.png/edit", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 413 and "MiB" in answer.json()["detail"]
    assert labels_on_disk(studies) == {}


def test_no_other_site_may_read_or_change_anything(client):
    headers = {"origin": "https://elsewhere.example", "access-control-request-method": "PUT"}
    answer = client.options("/datastore/label?image=0.png", headers=headers)
    assert "access-control-allow-origin" not in answer.headers
    answer = client.get("/landmarks/api/images", headers={"origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://elsewhere.example", 403), ("null", 403), ("http://[", 403), ("http://127.0.0.1", 200)],
)
def test_a_form_of_another_site_changes_nothing(client, studies, place, origin, status):
    set_point(client, "0.png", "valve", *place("valve", 0))
    before = labels_on_disk(studies)
    form = {"params": json.dumps({"save_label": True})}
    answer = client.post("/infer/landmarks?image=1.png&output=json", data=form, headers={"origin": origin})
    assert answer.status_code == status
    assert (labels_on_disk(studies) == before) == (status == 403)


def test_what_was_found_does_not_take_the_place_of_what_people_set(client, studies, place):
    set_point(client, "0.png", "valve", *place("valve", 0))
    before = labels_on_disk(studies)
    form = {"params": json.dumps({"save_label": True, "label_tag": "final"})}
    assert client.post("/infer/landmarks?image=1.png", data=form).status_code == 400
    assert labels_on_disk(studies) == before


LABEL_MAP = {"result_extension": ".nrrd"}
TEMPORARY = [
    ("post", "/infer/landmarks?image=1.png", {}, 200),
    ("post", "/infer/landmarks?image=1.png&output=json", {}, 200),
    ("post", "/infer/landmarks?image=1.png&output=image", {}, 200),
    ("post", "/infer/landmarks_discs?image=1.png", {"data": {"params": json.dumps(LABEL_MAP)}}, 200),
    (
        "post",
        "/infer/landmarks_discs?image=1.png",
        {"data": {"params": json.dumps({**LABEL_MAP, "result_dtype": "x"})}},
        400,
    ),
    ("post", "/infer/landmarks?image=1.png", {"data": {"params": '{"save_label": true, "label_tag": "final"}'}}, 400),
    ("post", "/infer/landmarks?image=1.png", {"data": {"params": '{"labels": ["x"], "save_label": true}'}}, 400),
    ("post", "/infer/landmarks?image=1.png", {"files": {"label": ("a.bin", b"x")}}, 400),
    ("put", "/datastore/image?image=x", {"files": {"file": ("a.png", b"x")}}, 400),
    ("put", "/datastore/label?image=0.png", {"files": {"label": ("a.json", b"{")}}, 400),
    ("put", "/datastore/label?image=0.png", {"files": {"label": ("a.json", b'{"landmarks": []}')}}, 200),
    ("get", "/datastore/dataset", {}, 200),
]


@pytest.mark.parametrize(("method", "url", "content", "status"), TEMPORARY)
def test_no_temporary_file_is_left(client, temporary, method, url, content, status):
    set_point(client, "0.png", "valve", 40, 30)
    assert getattr(client, method)(url, **content).status_code == status
    assert list(temporary.iterdir()) == []


def test_a_result_that_cannot_be_sent_is_not_kept(client, studies):
    set_point(client, "0.png", "valve", 40, 30)
    before = labels_on_disk(studies)
    form = {"params": json.dumps({**LABEL_MAP, "result_dtype": "x", "save_label": True})}
    assert client.post("/infer/landmarks_discs?image=1.png", data=form).status_code == 400
    assert labels_on_disk(studies) == before


def test_what_is_asked_for_twice_is_found_once(client):
    set_point(client, "0.png", "valve", 40, 30)
    found = client.post(f"{API}/{CLIP}/find", json={"frames": [1, 1], "labels": ["valve", "valve"]}).json()
    assert [(one["label"], one["frame"]) for one in found] == [("valve", 1)]


def test_landmarks_are_named_whole(client):
    set_point(client, "0.png", "a", 40, 30)
    set_point(client, "1.png", "ab", 40, 30)
    for image in ("2.png", "3.png", "4.png"):
        set_point(client, image, "b", 40, 30)
        set_point(client, image, "ab", 40, 30)
    (found,) = client.post(f"{API}/0.png/find", json={"labels": "ab"}).json()
    assert found["label"] == "ab"
    # of an image with "a" alone, and of one with no landmark, but of none that has "ab"
    chosen = client.post("/activelearning/coverage", json={"labels": "ab", "max_images": 100}).json()["id"]
    assert chosen in ("0.png", CLIP)
    for labels in ({"a": 1}, [1], 3):
        for url in (f"{API}/0.png/find", "/activelearning/coverage", "/batch/infer/landmarks?run_sync=true"):
            answer = client.post(url, json={"labels": labels})
            assert answer.status_code == 400 and "labels" in answer.json()["detail"]


def test_files_are_told_from_the_folder_on(client, studies):
    set_point(client, "0.png", "valve", 40, 30)
    (studies / "4.png").write_bytes((studies / "4.png").read_bytes()[:200])
    (studies / ".landmarks" / "final" / "3.png.json").write_text("{")
    for answer in (
        client.post(f"{API}/4.png/find", json={}),
        client.get("/datastore/label/info?label=3.png&tag=final"),
        client.put("/datastore/image?image=x", files={"file": ("a.png", b"x")}),
    ):
        assert answer.status_code == 400 and ".png" in answer.text
        assert str(studies) not in answer.text and tempfile.gettempdir() not in answer.text
    (studies / ".landmarks" / "final" / "3.png.json").unlink()
    done = client.post("/batch/infer/landmarks?run_sync=true", json={}).json()
    assert done["failed"]["4.png"].startswith("4.png cannot be read")


def test_a_fault_of_the_server_is_told_as_one(client, monkeypatch):
    monkeypatch.setattr(LandmarkDatastore, "status", lambda _: {}["no such key"])
    assert client.get("/datastore/").status_code == 500


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_full_or_locked_disk_is_told_in_one_sentence(client, studies, monkeypatch, code):
    set_point(client, "0.png", "valve", 40, 30)
    before = labels_on_disk(studies)

    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    for answer in (
        client.post(f"{API}/0.png/edit", json={"points": [POINT]}),
        client.delete("/datastore/label?id=0.png&tag=final"),
        client.put("/datastore/label?image=1.png", files={"label": ("a.json", b'{"landmarks": []}')}),
        client.put("/datastore/image?image=new", files={"file": ("new.png", (studies / "0.png").read_bytes())}),
    ):
        assert answer.status_code == 507 and os.strerror(code) in answer.json()["detail"]
        assert str(studies) not in answer.text and "\n" not in answer.json()["detail"]
    assert labels_on_disk(studies) == before and not list(studies.glob(".*.png"))


def test_slow_answers_let_others_pass(client, monkeypatch):
    passed = threading.Event()
    monkeypatch.setattr(LandmarkApp, "next_sample", lambda *_: {} if passed.wait(10) else {"id": "0.png"})

    async def ask_two() -> dict[str, str]:
        transport = httpx.ASGITransport(client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
            slow = asyncio.create_task(asking.post("/activelearning/coverage", json={}))
            await asyncio.sleep(0.1)
            await asking.get("/datastore/")
            passed.set()
            return (await slow).json()

    client.get("/info/")
    assert asyncio.run(ask_two()) == {}


def test_other_names_of_this_computer_are_refused(client):
    assert client.get("/landmarks/api/images", headers={"host": "elsewhere.example"}).status_code == 400


def test_the_viewer_is_served(client):
    page = client.get("/ohif/").text
    assert "<html" in page and client.get("/ohif/viewer?StudyInstanceUIDs=1").text == page
    assert client.get("/ohif/assets").status_code == 200


def test_the_page_is_served(client):
    answer = client.get("/landmarks/")
    assert answer.status_code == 200 and "<!doctype html>" in answer.text.lower()


def test_a_landmark_outside_of_the_region_stays_where_it_was_set_and_is_no_example(client, conf, place):
    conf |= {"region": "[20, 10, 90, 60]", "stretch": "true"}
    about = client.get(f"/landmarks/api/images/{CLIP}").json()
    pixels = client.get(f"/landmarks/api/images/{CLIP}/frames/2")
    assert (about["width"], about["height"]) == (96, 64) and len(pixels.content) == 4 * 96 * 64  # the whole image
    points = [{"label": "outside", "frame": 2, "x": 5, "y": 50}]
    points += [{"label": "valve", "frame": 0, "x": x, "y": y} for x, y in [place("valve", 0)]]
    answer = client.post(f"/landmarks/api/images/{CLIP}/edit", json={"points": points})
    assert answer.status_code == 200
    outside, valve = answer.json()
    assert (outside["x"], outside["y"], outside["status"]) == (5, 50, "doubtful") and "region" in outside["reason"]
    assert (valve["x"], valve["y"]) == place("valve", 0) and valve["status"] is None
    again = client.get(f"/landmarks/api/images/{CLIP}").json()["final"]
    assert [one["reason"] for one in again] == [outside["reason"], ""]
    (found,) = client.post(f"/landmarks/api/images/{CLIP}/find", json={"frames": [2]}).json()
    assert found["label"] == "valve" and (found["x"], found["y"]) == pytest.approx(place("valve", 2), abs=1)
    clicks = {"clicks": [{"label": "a", "frame": 2, "x": 5, "y": 50}]}
    answer = client.post(f"/infer/landmarks_click?image={CLIP}", data={"params": json.dumps(clicks)})
    assert answer.status_code == 400 and "region" in answer.json()["detail"]
