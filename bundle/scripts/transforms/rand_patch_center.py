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

"""The self-supervision: a warped image, an augmented patch of it, and the centre the patch was cut at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from monai.transforms import Randomizable

from scripts.transforms.coordinates import index_to_normalized
from scripts.transforms.patch import patch_offsets
from scripts.transforms.warp import pixel_points, sample_warped

__all__ = ["RandPatchCenter"]


class RandPatchCenter(Randomizable):
    """Warp a batch of images and cut augmented patches from each, in one interpolation from the source.

    For every image (Frueh et al. 2022, section II-C):

    1. the image is rotated, scaled and cropped at random (a random resized crop);
    2. a centre is drawn uniformly over the warped image, which counts as zero-padded by half a patch;
    3. the patch around it is rotated and scaled about its own centre, so that the centre stays the target,
       and its contrast is changed by a gamma curve.

    Both outputs are sampled once, from the source image, with the composed map: no second interpolation blurs
    the patch. All work is batched on the device of the images; only the random numbers of the geometry and the
    contrast come from the CPU, so that a seed gives the same ones on every device.

    Args:
        patch_size: side of the patch in px of the network's image.
        patches_per_image: patches cut from each warped image. An image costs the network far more than a patch.
        image_rotate: largest rotation of the image, degrees.
        image_scale: range of the magnification of the image.
        crop_scale: range of the area of the random resized crop, as a fraction of the image.
        crop_ratio: range of the ratio of the crop's sides relative to the image's.
        patch_rotate: largest rotation of the patch relative to the image, degrees.
        patch_scale: range of the magnification of the patch relative to the image.
        gamma: range of the exponent of the patch's contrast curve (drawn uniformly in its logarithm).
        gain: range of a factor on the patch's intensity.
        noise: largest standard deviation of Gaussian noise, drawn anew for image and patch, in intensity units.
            Without it a network may match the noise of an image to itself, which no second image repeats.
        seed: seed of the draws; None draws differently in each run.

    Example:
        >>> augment = RandPatchCenter(patch_size=8, seed=0)
        >>> image, patch, center = augment(torch.rand(2, 1, 32, 24))
        >>> tuple(image.shape), tuple(patch.shape), tuple(center.shape)
        ((2, 1, 32, 24), (2, 1, 8, 8), (2, 2))
    """

    def __init__(
        self,
        patch_size: int,
        *,
        patches_per_image: int = 1,
        image_rotate: float = 10.0,
        image_scale: Sequence[float] = (0.8, 1.2),
        crop_scale: Sequence[float] = (0.7, 1.0),
        crop_ratio: Sequence[float] = (0.9, 1.1),
        patch_rotate: float = 5.0,
        patch_scale: Sequence[float] = (0.9, 1.3),
        gamma: Sequence[float] = (0.5, 2.0),
        gain: Sequence[float] = (1.0, 1.0),
        noise: float = 0.0,
        seed: int | None = None,
    ) -> None:
        self.patch_size = patch_size
        self.patches_per_image = patches_per_image
        self.image_rotate = image_rotate
        self.image_scale = image_scale
        self.crop_scale = crop_scale
        self.crop_ratio = crop_ratio
        self.patch_rotate = patch_rotate
        self.patch_scale = patch_scale
        self.gamma = gamma
        self.gain = gain
        self.noise = noise
        self.set_random_state(seed)

    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Draw one warp an image, and its patches.

        Args:
            images: (B, C, X, Y), intensities in [0, 1].

        Returns:
            The warped images (B, C, X, Y), the patches (B * K, C, patch_size, patch_size) and their centres in the
            warped images, (B * K, 2), normalised; K = patches_per_image, those of one image after the other.

        Raises:
            ValueError: the images are not two-dimensional.
        """
        if images.ndim != 4:
            raise ValueError(f"RandPatchCenter takes a batch of 2D images (B, C, X, Y), not {tuple(images.shape)}")
        batch, channels, *spatial = images.shape
        image_matrix, image_shift, center, patch_matrix = (
            torch.from_numpy(draw).to(images) for draw in self.randomize(batch, spatial)
        )
        warped = sample_warped(images, pixel_points(spatial, images.device), image_matrix, image_shift)
        offsets = patch_offsets(self.patch_size, 2, images.device)
        points = center[:, None, None] + offsets @ patch_matrix[:, None].transpose(-1, -2)
        # the patches of an image are sampled as one tall grid
        tall = points.reshape(batch, -1, self.patch_size, 2)
        patches = sample_warped(images, tall, image_matrix, image_shift) * _inside(tall, spatial).unsqueeze(1)
        patches = patches.reshape(batch, channels, -1, self.patch_size, self.patch_size).transpose(1, 2).flatten(0, 1)
        patches = self._change_contrast(patches)
        return self._add_noise(warped), self._add_noise(patches), index_to_normalized(center, spatial)

    def randomize(self, batch: int, spatial: Sequence[int]) -> tuple[np.ndarray, ...]:
        """Draw the geometry of a batch.

        Args:
            batch: number of images.
            spatial: spatial shape of the images.

        Returns:
            The map from warped to source image, relative to their centres: matrices (B, 2, 2) and shifts (B, 2)
            in px; the patch centres in the warped image (B * K, 2) in px; the patch matrices (B * K, 2, 2).
        """
        size = np.asarray(spatial, dtype=float)
        area = self.R.uniform(*self.crop_scale, size=batch)
        ratio = np.exp(self.R.uniform(*np.log(self.crop_ratio), size=batch))
        crop = np.minimum(np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)], axis=-1), 1.0)
        shift = self.R.uniform(-0.5, 0.5, size=(batch, 2)) * (1.0 - crop) * size
        zoom = crop / self.R.uniform(*self.image_scale, size=batch)[:, None]
        image_matrix = self._draw_rotation(self.image_rotate, batch) * zoom[:, None, :]
        patches = batch * self.patches_per_image
        # uniform from edge to edge of the image, so that targets fill [-1, 1]
        center = self.R.uniform(-0.5, size - 0.5, size=(patches, 2))
        patch_zoom = 1.0 / self.R.uniform(*self.patch_scale, size=patches)
        patch_matrix = self._draw_rotation(self.patch_rotate, patches) * patch_zoom[:, None, None]
        return image_matrix, shift, center, patch_matrix

    def _draw_rotation(self, degrees: float, batch: int) -> np.ndarray:
        angle = np.deg2rad(self.R.uniform(-degrees, degrees, size=batch))
        cos, sin = np.cos(angle), np.sin(angle)
        return np.stack([np.stack([cos, -sin], axis=-1), np.stack([sin, cos], axis=-1)], axis=-2)

    def _change_contrast(self, patches: torch.Tensor) -> torch.Tensor:
        shape = (len(patches), 1, 1, 1)
        exponent = np.exp(self.R.uniform(math.log(self.gamma[0]), math.log(self.gamma[1]), size=shape))
        gain = self.R.uniform(*self.gain, size=shape)
        return patches.clamp_min(0.0).pow(torch.from_numpy(exponent).to(patches)) * torch.from_numpy(gain).to(patches)

    def _add_noise(self, images: torch.Tensor) -> torch.Tensor:
        if self.noise == 0.0:
            return images
        level = torch.from_numpy(self.R.uniform(0.0, self.noise, size=(len(images), 1, 1, 1))).to(images)
        generator = torch.Generator(images.device).manual_seed(int(self.R.randint(2**31)))
        return images + level * torch.randn(images.shape, generator=generator, device=images.device)


def _inside(points: torch.Tensor, spatial: Sequence[int]) -> torch.Tensor:
    """1 where a point (..., 2) lies on the warped image, 0 in the zeros around it."""
    size = torch.tensor(spatial, dtype=points.dtype, device=points.device)
    return ((points > -0.5) & (points < size - 0.5)).all(dim=-1).to(points.dtype)
