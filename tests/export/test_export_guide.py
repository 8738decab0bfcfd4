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
"""The code of docs/export.md, run as it stands there, where no torch is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scripts.inferers import ExampleBank, MultiExampleInferer
from scripts.transforms.coordinates import normalized_scale_to_index, normalized_to_index
from scripts.transforms.image_fit import ImageFit
from scripts.transforms.patch import extract_patches
from scripts.transforms.scale_intensity import scale_series_intensity

GUIDE = Path(__file__).parents[2] / "bundle/docs/export.md"
POINTS = torch.tensor([[21.0, 30.0], [50.5, 40.0], [8.0, 60.0]])
# what the guide's code made, and proof of what it ran on
KEEP = """
import sys

for package in ("torch", "monai", "scripts"):
    assert package not in sys.modules, package
found = [find(frame, codes) for frame in frames]
other = np.load("other.npy")
fitted, scale, offset = fit(other)
there = to_network(points, scale, offset)
np.savez(
    "kept.npz", frames=frames, patches=patches, bias=bias, fitted=fitted, there=there, last=positions,
    positions=[pair[0] for pair in found], sigmas=[pair[1] for pair in found], back=to_original(there, scale, offset),
    edge=cut_patch(frames[0], (-0.5, 79.25)),
)
"""


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    """Frames (T, 64, 80) of a smooth texture that brightens."""
    coarse = torch.rand(4, 1, 8, 10, generator=torch.Generator().manual_seed(0))
    frames = torch.nn.functional.interpolate(coarse, size=(64, 80), mode="bilinear")[:, 0]
    return (1000 * frames * torch.linspace(0.8, 1.0, 4).reshape(-1, 1, 1)).numpy()


@pytest.fixture(scope="module")
def kept(exported: Any, series: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    folder = tmp_path_factory.mktemp("guide")
    (folder / "export").symlink_to(exported.folder)
    np.save(folder / "frames.npy", series)
    np.save(folder / "other.npy", np.random.default_rng(0).random((90, 150)).astype(np.float32))
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    (folder / "guide.py").write_text("\n".join([*blocks, KEEP]).replace("/path/to/", ""))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-W", "ignore", "guide.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 4  # a line a frame
    with np.load(folder / "kept.npz") as arrays:
        return dict(arrays)


@pytest.fixture
def frames(series: np.ndarray) -> torch.Tensor:
    return scale_series_intensity(torch.from_numpy(series)[:, None])


def test_intensities(kept: dict[str, np.ndarray], frames: torch.Tensor) -> None:
    np.testing.assert_allclose(kept["frames"], frames[:, 0].numpy(), atol=1e-6)


def test_patches(kept: dict[str, np.ndarray], frames: torch.Tensor) -> None:
    np.testing.assert_allclose(kept["patches"], extract_patches(frames[:1], POINTS, 32).numpy(), atol=1e-5)
    edge = extract_patches(frames[:1], torch.tensor([[-0.5, 79.25]]), 32)[0, 0]
    np.testing.assert_allclose(kept["edge"], edge.numpy(), atol=1e-5)


def test_positions_and_sigmas_are_those_of_inference(
    exported: Any, kept: dict[str, np.ndarray], frames: torch.Tensor
) -> None:
    bank = ExampleBank(exported.network, exported.patch_size, correct_bias=True)
    bank.add(frames[:1], POINTS, ["a", "b", "c"])
    with torch.no_grad():
        means, sigmas = MultiExampleInferer(bank, sigma_per_scale=2.0).match_examples(frames, exported.network)
    positions = normalized_to_index(means, (64, 80)).numpy()
    np.testing.assert_allclose(kept["positions"] - kept["bias"], positions, atol=2e-3)
    np.testing.assert_allclose(kept["last"], positions[-1], atol=2e-3)
    np.testing.assert_allclose(kept["sigmas"], normalized_scale_to_index(sigmas, (64, 80)).numpy(), rtol=1e-2)


def test_frames_of_another_size(kept: dict[str, np.ndarray]) -> None:
    fit = ImageFit((90, 150), (64, 80))
    other = torch.from_numpy(np.random.default_rng(0).random((1, 1, 90, 150)).astype(np.float32))
    np.testing.assert_allclose(kept["fitted"], fit.resample(other)[0, 0].numpy(), atol=1e-4)
    np.testing.assert_allclose(kept["there"], fit.to_network(POINTS.double()).numpy(), atol=1e-6)
    np.testing.assert_allclose(kept["back"], POINTS.numpy(), atol=1e-6)


def test_the_guide_names_the_files(exported: Any) -> None:
    text = GUIDE.read_text()
    for path in exported.folder.iterdir():
        assert f"`{path.name}`" in text
