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
"""A folder of images, and the app over it with cross-correlation for its network, which needs no weights."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

SHIFTS = [(0, 0), (6, -4), (-5, 3), (3, 8), (-7, -6)]
PLACES = {"valve": (40.0, 30.0), "apex": (56.0, 24.0)}  # in an image without a shift
AFFINE = np.array([[0.5, 0, 0, 10], [0, 0.5, 0, -20], [0, 0, 1, 5], [0, 0, 0, 1]])


@pytest.fixture
def studies(tmp_path: Path, texture_frames: Callable[..., np.ndarray]) -> Path:
    """Five stills of one texture that is moved, ``0.png`` to ``4.png``, and a clip of them in a folder."""
    folder = tmp_path / "studies"
    (folder / "patient").mkdir(parents=True)
    frames = texture_frames((96, 64), SHIFTS)
    grey = np.interp(frames, (frames.min(), frames.max()), (0, 255)).round().astype(np.uint8)
    for i, frame in enumerate(grey):
        Image.fromarray(frame.T).save(folder / f"{i}.png")
    nib.Nifti1Image(np.moveaxis(grey, 0, -1)[:, :, None].astype(np.int16), AFFINE).to_filename(
        folder / "patient" / "clip.nii"
    )
    return folder


CLIP = "patient~clip.nii"


@pytest.fixture
def place() -> Callable[[str, int], tuple[float, float]]:
    """Where a landmark is in a still or a frame."""

    def at(label: str, index: int) -> tuple[float, float]:
        (x, y), (dx, dy) = PLACES[label], SHIFTS[index]
        return x + dx, y + dy

    return at


@pytest.fixture
def conf(tmp_path: Path) -> dict[str, str]:
    """Settings of an app whose network is cross-correlation."""
    config = tmp_path / "ncc.json"
    content = {"network": {"_target_": "scripts.classical.NCCMatcher"}, "sigma_per_scale": 0.02, "device": "cpu"}
    config.write_text(json.dumps(content))
    return {"config_file": str(config), "image_size": "[96, 64]", "patch_size": "17"}


@pytest.fixture
def app(studies: Path, conf: dict[str, str]):
    from label_app.landmark_app import LandmarkApp

    return LandmarkApp("label_app", str(studies), conf)


@pytest.fixture
def client(studies: Path, conf: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Requests to the server in this process, over the folder of images."""
    pytest.importorskip("monailabel")
    from fastapi.testclient import TestClient
    from monailabel.config import settings
    from monailabel.interfaces.utils import app as instances

    from label_app.server import app

    monkeypatch.setattr(settings, "MONAI_LABEL_APP_DIR", str(Path(__file__).parents[2] / "bundle" / "label_app"))
    monkeypatch.setattr(settings, "MONAI_LABEL_STUDIES", str(studies))
    monkeypatch.setattr(settings, "MONAI_LABEL_APP_CONF", conf)
    monkeypatch.setattr(settings, "MONAI_LABEL_SESSIONS", False)
    instances.clear_cache()
    yield TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    instances.clear_cache()


@pytest.fixture
def address(client) -> Iterator[str]:
    """Of the server over the folder of images, which answers on a port of its own."""
    import uvicorn

    from label_app.server import app

    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
