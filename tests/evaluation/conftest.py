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
"""Stand-ins of the evaluations' tests: images whose grey values tell where they are, and matchers that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from scripts.data.frame_dataset import FrameDataset
from scripts.data.image_series import find_image_series
from scripts.transforms.coordinates import index_scale_to_normalized, index_to_normalized

SHAPE = (28, 28)  # of the network's images
_MARGIN = 8  # of the pattern around what an image shows that has not moved; no shift is larger
_SIDE = SHAPE[0] + 2 * _MARGIN
_LEVELS = 2048  # grey values that float16 tells apart
_ROW = 1000  # more than any distance, so that one number holds x and y


def _pattern(scrambled: bool) -> np.ndarray:
    """(X, Y), a grey value of its own for each place: a ramp, which may be shrunk, or disorder, which shows motion."""
    values = np.arange(1, _SIDE**2 + 1)
    return (np.random.RandomState(0).permutation(values) if scrambled else values).reshape(_SIDE, _SIDE)


def _write_frames(
    path: Path,
    shifts: Iterable[tuple[int, int]] = ((0, 0),),
    *,
    shape: Sequence[int] = SHAPE,
    zoom: int = 1,
    spacing: tuple[float, float] = (1.0, 1.0),
    scrambled: bool = False,
) -> Path:
    """NIfTI, or PNG of one frame, of the pattern, which moves by the shifts; ``zoom`` times as large as ``shape``.

    The first and the last column are black and white, so that the range of intensities is the same in all images.
    """
    frames = []
    for dx, dy in shifts:
        x, y = _MARGIN - dx, _MARGIN - dy
        frame = _pattern(scrambled)[x : x + shape[0], y : y + shape[1]].repeat(zoom, 0).repeat(zoom, 1)
        frame[0], frame[-1] = 0, _LEVELS
        frames.append(frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        (still,) = frames
        Image.fromarray(still.T.astype(np.uint16)).save(path)
        return path
    affine = np.diag([*spacing, 1.0, 1.0])
    nib.Nifti1Image(np.stack(frames, axis=-1)[:, :, None].astype(np.float32), affine).to_filename(path)
    return path


def _frame_dataset(folder: Path, image_size: Sequence[int] = SHAPE, **options) -> FrameDataset:
    """All images of a folder; the patient is what stands before an underscore in their names."""
    series = [
        replace(one, patient=one.name.split("_")[0] if "_" in one.name else None) for one in find_image_series(folder)
    ]
    return FrameDataset(series, image_size, **options)


def _write_marks(
    path: Path,
    shifts: Mapping[str, Sequence[tuple[int, int]]],
    points: Mapping[str, tuple[float, float]],
    zoom: int = 1,
) -> Path:
    """Table of what lies at some points of images that have not moved."""
    rows = [
        f"{image},{t},{label},{(x + dx + 0.5) * zoom - 0.5},{(y + dy + 0.5) * zoom - 0.5}\n"
        for image, moves in shifts.items()
        for t, (dx, dy) in enumerate(moves)
        for label, (x, y) in points.items()
    ]
    path.write_text("image,frame,label,x,y\n" + "".join(rows))
    return path


class _KnownMatcher:
    """Reads off a patch's grey values where it is, so that its error is exactly what it adds.

    It takes patches of an odd side at whole pixels of the network's image. Each grey value votes for the place of the
    patch's centre; what lies outside of the image agrees on none. Places are those in an image that has not moved.

    Args:
        scrambled: the pattern of the images.
        offset: constant error, px of the network's image; or what tells errors from places (N, 2).
        noise: standard deviation of a random error along each axis, likewise.
        varied: the noise differs from answer to answer, from half to twice as much.
        laplace: the noise is of a Laplace distribution rather than a normal one.
        too_small: the sigma that is told is that many times smaller than the noise; without noise it is 1 px.
        whole: answer at whole pixels.
        lost: what tells from places (N, 2) which patches get no answer, only NaN.
        sure: likewise, which patches get an answer with a sigma of 0, which no calibration can use.
        seed: of the noise.
    """

    def __init__(
        self,
        *,
        scrambled: bool = False,
        offset: Sequence[float] | Callable[[torch.Tensor], torch.Tensor] = (0.0, 0.0),
        noise: float = 0.0,
        varied: bool = False,
        laplace: bool = False,
        too_small: float = 1.0,
        whole: bool = False,
        lost: Callable[[torch.Tensor], torch.Tensor] | None = None,
        sure: Callable[[torch.Tensor], torch.Tensor] | None = None,
        seed: int = 0,
    ) -> None:
        x, y = np.indices((_SIDE, _SIDE)) - _MARGIN
        self.places = torch.full((_LEVELS + 1,), -(10**9))
        self.places[_pattern(scrambled)] = torch.from_numpy(_ROW * x + y)
        self.offset = offset if callable(offset) else lambda places: torch.tensor(offset)
        self.noise = noise
        self.varied = varied
        self.laplace = laplace
        self.too_small = too_small
        self.whole = whole
        self.lost = lost
        self.sure = sure
        self.random = np.random.RandomState(seed)
        self.encoded_images = 0
        self.encoded_patches = 0

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        self.encoded_images += 1
        origin = self._place(image, 0)
        return origin[..., None, None].expand(-1, -1, *image.shape[2:])

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        assert patch.shape[-1] % 2
        self.encoded_patches += len(patch)
        return self._place(patch, patch.shape[-1] // 2)

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        found = patch_code - image_code[:, :, 0, 0] + self.offset(patch_code)
        size = tuple(found.shape)
        sigma = np.full(size, self.noise or 1.0)
        if self.varied:
            sigma *= 2 ** self.random.uniform(-1, 1, (len(found), 1))
        if self.noise:
            error = self.random.laplace(0, 0.5**0.5, size) if self.laplace else self.random.normal(size=size)
            found = found + torch.from_numpy(sigma * error).float()
        if self.whole:
            found = found.round()
        if self.lost is not None:
            found = found.masked_fill(self.lost(patch_code)[:, None], torch.nan)
        shape = image_code.shape[2:]
        told = torch.from_numpy(sigma / self.too_small).float()
        if self.sure is not None:
            told = told.masked_fill(self.sure(patch_code)[:, None], 0.0)
        return torch.cat([index_to_normalized(found, shape), index_scale_to_normalized(told, shape).log()], dim=1)

    def _place(self, pixels: torch.Tensor, origin: int) -> torch.Tensor:
        """Place of the pixel that has the index ``origin`` along both axes, (N, 2)."""
        x, y = (torch.arange(size) - origin for size in pixels.shape[2:])
        levels = (pixels[:, 0].nan_to_num() * _LEVELS).round().long()  # NaN is what is cut nowhere
        votes = self.places[levels] - (_ROW * x[:, None] + y)
        place = votes.flatten(1).mode(dim=1).values
        row = torch.div(place + _ROW // 2, _ROW, rounding_mode="floor")
        return torch.stack([row, place - _ROW * row], dim=1).float()


@pytest.fixture
def write_frames() -> Callable[..., Path]:
    return _write_frames


@pytest.fixture
def frame_dataset() -> Callable[..., FrameDataset]:
    return _frame_dataset


@pytest.fixture
def write_marks() -> Callable[..., Path]:
    return _write_marks


@pytest.fixture
def known_matcher() -> type:
    return _KnownMatcher
