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

"""Two views of an image or of its patches, for contrastive learning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from monai.transforms import Randomizable

from scripts.transforms.random_map import between, random_crop
from scripts.transforms.seeded_noise import add_seeded_noise
from scripts.transforms.warp import sample_lattice

__all__ = ["RandViews"]

_NUMBERS = 11  # drawn for a view: four of the crop, six of the look, one of the noise


class RandViews(Randomizable):
    """Cut patches at random places, or take images whole, and make two random views of each.

    The views are those of SimCLR (arXiv 2002.05709, appendix A) for grey images, with its ranges: a random resized
    crop, jitter of brightness and contrast, blur. Gamma and noise are added, horizontal flips left out as in Frueh et
    al. 2022, sections III-D2 and III-D3. A view is sampled once, from the image; all work is batched on the device of
    the images. The draws of an image follow from its seed alone.

    Args:
        patch_size: side of the patches, px of the network's image; None takes whole images.
        patches_per_image: patches cut from each image; whole images are taken once.
        crop_scale: range of the area of the random resized crop, as a fraction of the patch or image.
        crop_ratio: range of the ratio of the crop's sides relative to those of the patch or image.
        brightness: largest change of the factor on the intensities.
        contrast: largest change of the factor on their distance from their mean.
        gamma: range of the exponent of the contrast curve, drawn uniformly in its logarithm.
        jitter: share of the views whose intensities are changed by these three.
        blur: share of the views that are blurred.
        blur_sigma: range of the blur's standard deviation, px; its kernel spans about a tenth of the view.
        noise: largest standard deviation of Gaussian noise, in intensity units.
        seed: seed of the images' seeds where a call gives none; None draws differently in each run.

    Raises:
        ValueError: several pairs of views of a whole image are asked for.

    Example:
        >>> views = RandViews(32, patches_per_image=4)(torch.rand(3, 1, 64, 48))
        >>> tuple(views.shape)
        (24, 1, 32, 32)
    """

    def __init__(
        self,
        patch_size: int | None = None,
        *,
        patches_per_image: int = 1,
        crop_scale: Sequence[float] = (0.08, 1.0),
        crop_ratio: Sequence[float] = (3 / 4, 4 / 3),
        brightness: float = 0.8,
        contrast: float = 0.8,
        gamma: Sequence[float] = (0.5, 2.0),
        jitter: float = 0.8,
        blur: float = 0.5,
        blur_sigma: Sequence[float] = (0.1, 2.0),
        noise: float = 0.05,
        seed: int | None = None,
    ) -> None:
        if patch_size is None and patches_per_image != 1:
            raise ValueError(f"a whole image has one pair of views, not {patches_per_image}; give a patch size")
        self.patch_size = patch_size
        self.patches_per_image = patches_per_image
        self.crop_scale = crop_scale
        self.crop_ratio = crop_ratio
        self.brightness = brightness
        self.contrast = contrast
        self.gamma = gamma
        self.jitter = jitter
        self.blur = blur
        self.blur_sigma = blur_sigma
        self.noise = noise
        self.set_random_state(seed)

    def __call__(self, images: torch.Tensor, seeds: Sequence[int] | None = None) -> torch.Tensor:
        """Draw two views of each patch, or of each image.

        Args:
            images: (B, C, X, Y), intensities in [0, 1].
            seeds: B seeds, not negative; None draws them.

        Returns:
            (2 * B * K, C, P, P), K = patches_per_image: the first views of all patches, those of one image after the
            other, then the second views in the same order. Of whole images (2 * B, C, X, Y).

        Raises:
            ValueError: images and seeds differ in number.
        """
        if seeds is None:
            seeds = self.R.randint(2**31, size=len(images)).tolist()
        if len(seeds) != len(images):
            raise ValueError(f"{len(images)} images and {len(seeds)} seeds; give one seed an image")
        generators = [np.random.default_rng(int(seed)) for seed in seeds]
        drawn = np.stack([one.random((self.patches_per_image, 2 + 2 * _NUMBERS)) for one in generators])
        drawn = drawn.reshape(-1, drawn.shape[-1])
        noise_seeds = np.stack([one.integers(2**62, size=(self.patches_per_image, 2)) for one in generators])
        views = []
        for i, of_view in enumerate(np.split(drawn[:, 2:], 2, axis=1)):
            view = self._cut(images, drawn[:, :2], of_view[:, :4])
            view = self._change_look(view, of_view[:, 4:])
            levels = torch.from_numpy(self.noise * of_view[:, -1]).to(view)
            add_seeded_noise(view, levels, noise_seeds[..., i].ravel().tolist())
            views.append(view)
        return torch.cat(views)

    def _cut(self, images: torch.Tensor, of_place: np.ndarray, of_crop: np.ndarray) -> torch.Tensor:
        """Crops (B * K, C, H, W) of patches about random places, or of whole images, resized to their size."""
        spatial = images.shape[2:]
        if self.patch_size is None:
            shape, center = tuple(spatial), (np.asarray(spatial) - 1.0) / 2.0
        else:
            # uniform from edge to edge of the image, which counts as zero-padded by half a patch
            shape, center = (self.patch_size,) * 2, of_place * np.asarray(spatial) - 0.5
        crop, shift = random_crop(of_crop, shape, self.crop_scale, self.crop_ratio)
        corner = torch.from_numpy(center + shift - crop * (np.asarray(shape) - 1.0) / 2.0).to(images)
        steps = torch.from_numpy(crop[:, :, None] * np.eye(2)).to(images)
        return sample_lattice(images, corner, steps, shape).transpose(1, 2).flatten(0, 1)

    def _change_look(self, views: torch.Tensor, drawn: np.ndarray) -> torch.Tensor:
        """Gamma, brightness, contrast and blur of views (N, C, H, W)."""
        gamma, brightness, contrast, jitter, blur, sigma = drawn[:, :6].T
        jittered = jitter < self.jitter
        factors = (
            np.exp(between(gamma, np.log(self.gamma))),
            between(brightness, (1.0 - self.brightness, 1.0 + self.brightness)),
            between(contrast, (1.0 - self.contrast, 1.0 + self.contrast)),
        )
        exponent, gain, spread = (
            torch.from_numpy(np.where(jittered, value, 1.0)).to(views)[:, None, None, None] for value in factors
        )
        views = views.clamp_min(0.0).pow(exponent) * gain
        mean = views.mean(dim=(1, 2, 3), keepdim=True)
        views = mean + spread * (views - mean)
        sigma = np.where(blur < self.blur, between(sigma, self.blur_sigma), 0.0)
        return _blur(views, torch.from_numpy(sigma).to(views))


def _blur(images: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Images (N, C, H, W), each convolved with a Gaussian of its own standard deviation (N,), px; 0 leaves it."""
    radius = max(1, round(0.05 * min(images.shape[2:])))
    offsets = torch.arange(-radius, radius + 1, device=images.device)
    # of a width near 0 all but the middle one vanish
    weights = torch.exp(-0.5 * (offsets / sigma.clamp_min(1e-3)[:, None]).square())
    kernels = (weights / weights.sum(dim=1, keepdim=True)).repeat_interleave(images.shape[1], dim=0)
    flat = F.pad(images, [radius] * 4, mode="replicate").flatten(0, 1)[None]
    flat = F.conv2d(flat, kernels[:, None, :, None], groups=len(kernels))
    return F.conv2d(flat, kernels[:, None, None, :], groups=len(kernels)).view_as(images)
