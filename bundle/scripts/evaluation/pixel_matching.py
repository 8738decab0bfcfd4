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

"""How well a network finds patches in the image they were cut from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation.frames import Frame, PixelGrid, draw_some, spacing_notes, usable_frames
from scripts.evaluation.result import EvaluationResult, Residuals, left_out
from scripts.metrics.cyclic_error import Matcher, encode_patches, match_in_chunks
from scripts.metrics.error_summary import error_summary, summary_px_mm
from scripts.visualize.error_maps import draw_error_maps

__all__ = ["PixelMatching"]


class PixelMatching:
    """Pixel-wise template matching: every n-th pixel of every image as a patch (Frueh et al. 2022, section III-A).

    Args:
        dataset: the images.
        patch_size: side of the patches, px of the network's image.
        step: distance of the pixels, px of the network's image; the paper takes every pixel. It should share no divisor
            with the stride of the heatmap, or all pixels lie alike in its cells.
        images: number of images (frames), drawn at random; None for all.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1.
        chunk_size: number of patches at once, which bounds the memory.
        seed: seed of the drawing.

    Example:
        >>> from pydicom.examples import get_path
        >>> from scripts.classical import NCCMatcher
        >>> from scripts.data import find_image_series
        >>> dataset = FrameDataset(find_image_series(get_path("ybr_color")), (80, 60))
        >>> PixelMatching(dataset, 15, step=20, images=2)(NCCMatcher()).metrics["number"]
        24
    """

    def __init__(
        self,
        dataset: FrameDataset,
        patch_size: int,
        *,
        step: int = 5,
        images: int | None = 100,
        sigma_per_scale: float = 1.0,
        chunk_size: int = 256,
        seed: int = 0,
    ) -> None:
        self.dataset = dataset
        self.patch_size = patch_size
        self.step = step
        self.images = images
        self.sigma_per_scale = sigma_per_scale
        self.chunk_size = chunk_size
        self.seed = seed

    def __call__(self, matcher: Matcher, device: torch.device | str = "cpu") -> EvaluationResult:
        """Match every patch in its own image; lengths are px of the original images."""
        usable, notes = usable_frames(self.dataset, self.patch_size)
        frames = draw_some(usable, self.images, np.random.RandomState(self.seed))
        if len(frames) < len(usable):
            notes.append(f"{len(frames)} of {len(usable)} images, drawn with seed {self.seed}")
        residuals, errors_mm, rows, failed = [], [torch.zeros(0)], [], []
        figures: dict[str, Callable[[], Figure]] = {}
        for frame in tqdm(frames, desc="pixel matching", unit="image", disable=None):
            grid = PixelGrid(frame, self.step)
            found = self._match(matcher, frame, grid, device)
            errors, sigmas = found.lengths, found.sigmas.norm(dim=1)
            residuals.append(found)
            errors_mm.append(frame.to_mm(found.errors).norm(dim=1) + 0 * errors)  # NaN where the answer is not usable
            rows.append(frame.row | error_summary(errors, "px") | {"mean_sigma_px": sigmas.nanmean().item()})
            if bad := int((~found.usable).sum()):
                failed.append(f"{frame.name} ({bad} of {len(errors)})")
            maps = {"Error": grid.map(errors), "Uncertainty (sigma)": grid.map(sigmas)}
            image = frame.image()[0, 0]
            figures[f"map_{len(figures) + 1:03d}"] = partial(draw_error_maps, image, maps, title=frame.name)
        notes += left_out(failed, "images with answers that are not finite, which are left out")
        joined = Residuals.join(residuals)
        notes += spacing_notes(frames)
        metrics = summary_px_mm(joined.lengths, torch.cat(errors_mm))
        metrics |= {"mean_sigma_px": joined.sigmas.norm(dim=1).mean().item(), "images": len(frames), "step": self.step}
        return EvaluationResult("pixel_matching", metrics, rows, notes, figures, {"self-matching": joined})

    @torch.no_grad()
    def _match(self, matcher: Matcher, frame: Frame, grid: PixelGrid, device: torch.device | str) -> Residuals:
        image, points = frame.image(device), grid.points.to(device)
        codes = encode_patches(matcher, image, points, self.patch_size, self.chunk_size)
        image_code = matcher.encode_image(image)
        found, scale = match_in_chunks(matcher, image_code, codes, image.shape[2:], self.chunk_size)
        lengths = frame.prepared.fit.length_to_original
        return Residuals(lengths((found - points).cpu()), lengths(scale.cpu() * self.sigma_per_scale))
