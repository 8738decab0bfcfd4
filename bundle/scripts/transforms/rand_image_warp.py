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

"""A random warp of whole images with their landmarks, for training with labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.transforms import Randomizable

from scripts.transforms.random_map import between, random_image_map
from scripts.transforms.seeded_noise import add_seeded_noise
from scripts.transforms.warp import on_image, sample_lattice, unwarp_points, warp_points

__all__ = ["RandImageWarp"]


class RandImageWarp(Randomizable):
    """Rotate, scale and crop images at random, change their contrast, and move their landmarks along.

    The ranges are those of the template matching network: the geometry is that of its images, the contrast that of its
    patches (Frueh et al. 2022, section II-C), gain and noise those of ``configs/train.json``. Nothing is flipped. An
    image is sampled once, all images of a batch together; its draws follow from its seed alone.

    Args:
        image_rotate: largest rotation, degrees.
        image_scale: range of the magnification.
        crop_scale: range of the area of the random resized crop, as a fraction of the image.
        crop_ratio: range of the ratio of the crop's sides relative to the image's.
        gamma: range of the exponent of the contrast curve, drawn uniformly in its logarithm.
        gain: range of a factor on the intensity.
        noise: largest standard deviation of Gaussian noise, in intensity units.
        seed: seed of the images' seeds where a call gives none; None draws differently in each run.

    Example:
        >>> image, points = RandImageWarp(seed=0)(torch.rand(2, 1, 32, 24), torch.full((2, 5, 2), 12.0))
        >>> tuple(image.shape), tuple(points.shape)
        ((2, 1, 32, 24), (2, 5, 2))
    """

    def __init__(
        self,
        *,
        image_rotate: float = 10.0,
        image_scale: Sequence[float] = (0.8, 1.2),
        crop_scale: Sequence[float] = (0.7, 1.0),
        crop_ratio: Sequence[float] = (0.9, 1.1),
        gamma: Sequence[float] = (0.5, 2.0),
        gain: Sequence[float] = (0.8, 1.25),
        noise: float = 0.05,
        seed: int | None = None,
    ) -> None:
        self.image_rotate = image_rotate
        self.image_scale = image_scale
        self.crop_scale = crop_scale
        self.crop_ratio = crop_ratio
        self.gamma = gamma
        self.gain = gain
        self.noise = noise
        self.set_random_state(seed)

    def __call__(
        self, images: torch.Tensor, points: torch.Tensor, seeds: Sequence[int] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one warp an image.

        Args:
            images: (B, C, X, Y), intensities in [0, 1].
            points: (B, L, 2), px, index order; NaN where a landmark is not known.
            seeds: B seeds, not negative; None draws them.

        Returns:
            The warped images (B, C, X, Y), and where the landmarks are in them (B, L, 2), px; NaN where one is not
            known or was warped out of the image, which then does not show it.

        Raises:
            ValueError: images, points and seeds differ in number.
        """
        if seeds is None:
            seeds = self.R.randint(2**31, size=len(images)).tolist()
        if not len(images) == len(points) == len(seeds):
            raise ValueError(
                f"{len(images)} images, points of {len(points)} and {len(seeds)} seeds; give one of each an image"
            )
        spatial = images.shape[2:]
        drawn = np.stack([np.random.default_rng(int(seed)).random(9) for seed in seeds])
        matrix, shift = (torch.from_numpy(value).to(images) for value in self._map(drawn[:, :6], spatial))
        corner = warp_points(torch.zeros_like(shift), matrix, shift, spatial)
        warped = sample_lattice(images, corner, matrix, spatial).squeeze(2)
        exponent, gain, noise = (torch.from_numpy(value).to(images) for value in self._contrast(drawn[:, 6:]))
        warped = warped.clamp_min(0.0).pow(exponent[:, None, None, None]) * gain[:, None, None, None]
        add_seeded_noise(warped, noise, seeds)
        moved = unwarp_points(points.to(images), matrix, shift, spatial)
        return warped, moved.where(on_image(moved, spatial)[..., None], torch.nan)

    def _map(self, drawn: np.ndarray, spatial: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        return random_image_map(
            drawn,
            spatial,
            rotate=self.image_rotate,
            scale=self.image_scale,
            crop_scale=self.crop_scale,
            crop_ratio=self.crop_ratio,
        )

    def _contrast(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        gamma, gain, noise = drawn.T
        return np.exp(between(gamma, np.log(self.gamma))), between(gain, self.gain), self.noise * noise
