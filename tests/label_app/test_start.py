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
"""How the server is started: what is refused, and what reaches it."""

from __future__ import annotations

import os
import sys
import types

import pytest

pytest.importorskip("monailabel")

from monailabel.main import Main

from label_app.__main__ import main


@pytest.fixture
def start(studies, conf, tmp_path, monkeypatch):
    """Start, up to MONAI Label's part; its arguments."""
    monkeypatch.setattr(Main, "run", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["label_app"])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / "model.pt").touch()

    def with_options(*options: str) -> list[str]:
        given = ["--studies", str(studies), "--ckpt_path", str(tmp_path / "model.pt")]
        main([*given, "--config_file", conf["config_file"], *options])
        return sys.argv

    return with_options


@pytest.mark.parametrize(
    ("name", "told"), [("imagesize", "did you mean image_size"), ("fusions", "fusion"), ("xyz", "patch_size")]
)
def test_a_setting_that_there_is_not_is_refused(start, capsys, name, told):
    with pytest.raises(SystemExit):
        start("--set", name, "1")
    refusal = capsys.readouterr().err
    assert repr(name) in refusal and told in refusal


def test_settings_reach_the_app(start):
    arguments = start("--set", "image_size", "[96, 64]", "--conf", "anything", "1")
    assert "--conf image_size [96, 64]" in " ".join(arguments) and "--conf anything 1" in " ".join(arguments)


def test_it_starts_beside_a_sitecustomize_of_the_system(start, monkeypatch):
    monkeypatch.setitem(sys.modules, "sitecustomize", types.ModuleType("sitecustomize"))
    monkeypatch.delitem(sys.modules, "pydicom._storage_sopclass_uids")
    start()
    assert "pydicom._storage_sopclass_uids" in sys.modules


def test_names_of_the_host_reach_the_server(start):
    start("--host", "landmarks.example", "--allow_host", "a.example", "--allow_host", "b.example")
    assert os.environ["LANDMARKS_ALLOWED_HOSTS"] == "landmarks.example,a.example,b.example"
