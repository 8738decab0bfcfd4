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
"""The folders for Hugging Face and for a Model Zoo that fetches the weights from there."""

from __future__ import annotations

import json
import re
import shutil
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import yaml
from monai.bundle import download_large_files, load

from bundle_command import BUNDLE, package
from hugging_face import write_hugging_face

REPO = "owner/landmarks"
VERSION = json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory):
    """A folder, and the address at which it is served."""
    root = tmp_path_factory.mktemp("host")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield root, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def zip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(tmp_path_factory.mktemp("zip") / "bundle.zip")


@pytest.fixture
def folder(zip_file: Path, served: tuple[Path, str], tmp_path: Path) -> Path:
    write_hugging_face(zip_file, REPO, tmp_path / "out", served[1])
    return tmp_path / "out"


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_of_the_bundle_are_for_hugging_face_and_a_model_card(folder, zip_file):
    hub = files(folder / "hub")
    card = hub.pop("README.md").decode()
    with zipfile.ZipFile(zip_file) as file:
        packed = {name.split("/", 1)[1]: file.read(name) for name in file.namelist() if not name.endswith("/")}
    assert packed == hub
    assert {"LICENSE", "models/model.pt", "models/model.ts", "configs/metadata.json"} <= set(hub)
    _, front, text = card.split("---\n", 2)
    assert yaml.safe_load(front)["library_name"] == "monai"
    assert yaml.safe_load(front)["license"] == "apache-2.0"
    links = re.findall(r"\]\(([^)#]+)", text)
    assert len(links) > 5
    assert [link for link in links if ":" not in link and link not in hub] == []


def test_monai_fetches_what_the_zoo_leaves_out(folder, served):
    zoo, hub = folder / "zoo", files(folder / "hub")
    without = files(zoo)
    assert {name for name in without if name.endswith((".pt", ".ts"))} == set()
    shutil.copytree(folder / "hub", served[0] / REPO / "resolve" / VERSION, dirs_exist_ok=True)
    download_large_files(str(zoo))
    fetched = files(zoo)
    del fetched["large_files.yml"], hub["README.md"]
    assert fetched == hub
    network = load("zoo", bundle_dir=folder, source="huggingface_hub", repo=REPO)  # what is there is not fetched again
    weights = torch.load(BUNDLE / "models" / "model.pt", weights_only=True)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())


def test_weights_that_are_not_those_of_the_release_are_refused(folder, served):
    there = served[0] / REPO / "resolve" / VERSION
    shutil.copytree(folder / "hub", there, dirs_exist_ok=True)
    (there / "models" / "model.pt").write_bytes(b"others")
    with pytest.raises(ValueError, match="sha256 hash check"):
        download_large_files(str(folder / "zoo"))


def test_it_refuses_a_name_that_is_no_repository_and_a_folder_that_exists(zip_file, tmp_path):
    with pytest.raises(ValueError, match="owner/name"):
        write_hugging_face(zip_file, "landmarks", tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="exists"):
        write_hugging_face(zip_file, REPO, tmp_path / "out")
