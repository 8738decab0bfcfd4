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

"""How well a network finds patches in other images, measured without labels."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation.frame_pairs import KeyFrame, cross_subject_pairs, given_pairs, within_subject_pairs
from scripts.evaluation.frames import PixelGrid, check_subjects, spacing_notes, usable_frames
from scripts.evaluation.result import EvaluationResult, Residuals, left_out
from scripts.metrics.cyclic_error import Matcher, round_trips
from scripts.metrics.error_summary import error_summary, summary_px_mm
from scripts.visualize.error_maps import draw_error_maps

__all__ = ["CyclicMatching"]


class CyclicMatching:
    """Pixel-wise cross-image matching: the cyclic error of every n-th pixel (Frueh et al. 2022, eq. 4, section III-B).

    Args:
        dataset: the images.
        patch_size: side of the patches, px of the network's image.
        subjects: ``within`` for pairs of a series' frames at the extremes of its motion, ``cross`` for targets of
            other patients, ``auto`` for ``within`` where any series has more than one frame.
        pairs: CSV file of the pairs, see :func:`scripts.io.read_pairs_csv`, in place of ``subjects``.
        key_images: number of source images.
        targets: number of target images of each, for ``cross``.
        step: distance of the pixels, px of the network's image; the paper takes every second pixel.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1.
        chunk_size: number of patches at once, which bounds the memory.
        seed: seed of the drawing.

    Raises:
        ValueError: there is no such choice of subjects.
        InputError: the table of pairs is at fault.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.classical import NCCMatcher
        >>> from scripts.data import find_image_series
        >>> dataset = FrameDataset(find_image_series(get_path("ybr_color")), (80, 60))
        >>> CyclicMatching(dataset, 15, step=20)(NCCMatcher()).metrics["pairs"]
        1
    """

    def __init__(
        self,
        dataset: FrameDataset,
        patch_size: int,
        *,
        subjects: str = "auto",
        pairs: str | os.PathLike[str] | None = None,
        key_images: int = 10,
        targets: int = 10,
        step: int = 2,
        sigma_per_scale: float = 1.0,
        chunk_size: int = 256,
        seed: int = 0,
    ) -> None:
        self.dataset = dataset
        self.patch_size = patch_size
        self.subjects = check_subjects(subjects)
        frames = usable_frames(dataset, patch_size)[0]
        # read now: a fault in the table is told before any long work
        self.given = None if pairs is None else given_pairs(pairs, frames, dataset.unusable)
        self.key_images = key_images
        self.targets = targets
        self.step = step
        self.sigma_per_scale = sigma_per_scale
        self.chunk_size = chunk_size
        self.seed = seed

    def __call__(self, matcher: Matcher, device: torch.device | str = "cpu") -> EvaluationResult:
        """Match every patch out and back; lengths are px of the original source images."""
        keys, subjects, notes = self.key_frames()
        rows, figures, failed = [], {}, []
        residuals: list[Residuals] = []
        errors_mm = [torch.zeros(0)]
        with tqdm(
            total=sum(len(key.targets) for key in keys), desc="cyclic error", unit="pair", disable=None
        ) as progress:
            for key in keys:
                grid = PixelGrid(key.source, self.step)
                trips = self._trips(matcher, key, grid, device, progress)
                errors = torch.stack([trip.lengths for trip in trips])
                residuals += trips
                # NaN where the answer is not usable
                errors_mm += [key.source.to_mm(trip.errors).norm(dim=1) + 0 * trip.lengths for trip in trips]
                rows.append(key.source.row | {"targets": len(trips)} | error_summary(errors, "px"))
                if bad := int(errors.isnan().sum()):
                    failed.append(f"{key.source.name} ({bad} of {errors.numel()})")
                maps = {"Mean cyclic error": grid.map(errors.nanmean(dim=0))}
                if len(trips) > 1:
                    maps["Standard deviation over targets"] = grid.map(_nanstd(errors))
                image = key.source.image()[0, 0]
                figures[f"map_{len(rows):03d}"] = partial(draw_error_maps, image, maps, title=key.source.name)
        notes += left_out(failed, "key images with answers that are not finite, which are left out")
        notes += spacing_notes([key.source for key in keys])
        joined = Residuals.join(residuals)
        metrics: dict[str, Any] = summary_px_mm(joined.lengths, torch.cat(errors_mm))
        metrics |= {"pairs": len(residuals), "key_images": len(keys), "step": self.step, "subjects": subjects}
        return EvaluationResult("cyclic_matching", metrics, rows, notes, figures, {"cyclic": joined})

    def key_frames(self) -> tuple[list[KeyFrame], str, list[str]]:
        """Source frames with their targets, whether they are of one subject, and lines on what was left out."""
        frames, notes = usable_frames(self.dataset, self.patch_size)
        random = np.random.RandomState(self.seed)
        if self.given is not None:
            return self.given, "given", notes
        subjects = self.subjects
        if subjects == "auto":
            sources = [frame.prepared.source for frame in frames]
            subjects = "within" if len(set(sources)) < len(sources) else "cross"
        if subjects == "within":
            keys, more = within_subject_pairs(frames, self.key_images, self.patch_size, random)
        else:
            keys, more = cross_subject_pairs(frames, self.key_images, self.targets, random)
        if not keys:
            more.append("no pair of images to measure the cyclic error on")
        return keys, subjects, notes + more

    def _trips(
        self, matcher: Matcher, key: KeyFrame, grid: PixelGrid, device: torch.device | str, progress: tqdm
    ) -> list[Residuals]:
        """For each target how far from its start each point came back, with the sigma of both ways."""
        points = grid.points.to(device)
        targets = (target.image(device) for target in key.targets)
        source = key.source.image(device)
        lengths = key.source.prepared.fit.length_to_original
        residuals = []
        for trip in round_trips(matcher, source, targets, points, self.patch_size, chunk_size=self.chunk_size):
            errors = (trip.returned - points).cpu()
            # the way back starts where the way out ended: both errors add up
            scale = (trip.found_scale.square() + trip.returned_scale.square()).sqrt().cpu()
            residuals.append(Residuals(lengths(errors), lengths(scale * self.sigma_per_scale)))
            progress.update()
        return residuals


def _nanstd(values: torch.Tensor) -> torch.Tensor:
    """Standard deviation over the first axis, without NaN."""
    return (values - values.nanmean(dim=0)).square().nanmean(dim=0).sqrt()
