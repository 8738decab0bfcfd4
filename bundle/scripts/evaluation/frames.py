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

"""The frames of a data set that an evaluation takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from scripts.data.frame_dataset import FrameDataset
from scripts.data.prepared_series import PreparedSeries
from scripts.evaluation.result import left_out
from scripts.metrics.cyclic_error import grid_points

__all__ = ["Frame", "PixelGrid", "check_subjects", "draw_some", "spacing_notes", "usable_frames"]

T = TypeVar("T")


@dataclass(frozen=True)
class Frame:
    """One frame of a series.

    Example:
        >>> Frame(prepared, 3).name  # doctest: +SKIP
        'clip.dcm, frame 3'
    """

    prepared: PreparedSeries
    index: int

    @property
    def name(self) -> str:
        """Name of the image, with the frame where there are several."""
        return self.prepared.name if self.prepared.length == 1 else f"{self.prepared.name}, frame {self.index}"

    @property
    def patient(self) -> str:
        """Whose image it is; a series whose patient is not known stands for itself."""
        return self.prepared.series.patient or self.prepared.source

    @property
    def row(self) -> dict[str, str | int]:
        """The first cells of the frame's row in a table."""
        return {"image": self.prepared.name, "frame": self.index}

    def image(self, device: torch.device | str = "cpu") -> torch.Tensor:
        """As the network sees it, ``(1, 1, *image_size)``."""
        return self.prepared.image(self.index).to(device)

    def to_mm(self, errors: torch.Tensor) -> torch.Tensor:
        """Errors (..., 2) from px of the original image to mm; NaN where the file does not tell the spacing."""
        spacing = self.prepared.spacing or (torch.nan, torch.nan)
        return errors * torch.tensor(spacing, dtype=errors.dtype)


class PixelGrid:
    """Every n-th pixel of a frame that lies on the image, not on the padding around it.

    The first is in the middle of the first n, so that a coarse grid has no more pixels at the margin, where matching is
    harder, than a fine one.

    Args:
        frame: the frame.
        step: distance of the pixels, px of the network's image.

    Attributes:
        points: (P, 2), px of the network's image.
    """

    def __init__(self, frame: Frame, step: int) -> None:
        fit = frame.prepared.fit
        first = (min(step, *fit.network) - 1) // 2
        grid = grid_points(fit.network, step, first)
        self._on_image = fit.contains(fit.to_original(grid))
        self._shape = [len(range(first, size, step)) for size in fit.network]
        self.points = grid[self._on_image]

    def map(self, values: torch.Tensor) -> torch.Tensor:
        """Values (P,) as an image (X, Y), NaN on the padding."""
        full = values.new_full((len(self._on_image),), torch.nan)
        full[self._on_image] = values
        return full.reshape(self._shape)


def usable_frames(dataset: FrameDataset, patch_size: int) -> tuple[list[Frame], list[str]]:
    """All frames but those of images that are smaller than a patch when they are fitted to the network's size.

    Args:
        dataset: the data set.
        patch_size: side of the patches, px of the network's image.

    Returns:
        The frames, and a line that names the images that were left out.
    """
    frames = [Frame(dataset.series[series], frame) for series, frame in dataset.items]
    small = [one for one in dataset.series if min(one.fit.scaled) < patch_size]
    names = [f"{one.name} ({' x '.join(map(str, one.fit.original))} px)" for one in small]
    sources = {one.source for one in small}
    notes = left_out(names, f"images left out, smaller than a patch of {patch_size} px at the network's size")
    return [frame for frame in frames if frame.prepared.source not in sources], notes


def check_subjects(subjects: str) -> str:
    """The choice of subjects itself.

    Raises:
        ValueError: there is no such choice.
    """
    if subjects not in ("auto", "within", "cross"):
        raise ValueError(f"subjects is {subjects!r}; give auto, within or cross")
    return subjects


def draw_some(items: list[T], number: int | None, random: np.random.RandomState) -> list[T]:
    """So many of some things at random, in their order; all of them for None."""
    if number is None or number >= len(items):
        return items
    return [items[i] for i in sorted(random.choice(len(items), number, replace=False))]


def spacing_notes(frames: list[Frame]) -> list[str]:
    """A line that names the images whose file tells no pixel spacing, so that errors in mm leave them out."""
    names = dict.fromkeys(frame.prepared.name for frame in frames if frame.prepared.spacing is None)
    return left_out(list(names), "images whose files tell no pixel spacing, so without errors in mm")
