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

from collections.abc import Sequence

import numpy as np
import torch
from monai.transforms import Randomizable

from scripts.transforms.coordinates import index_to_normalized
from scripts.transforms.counterparts import Counterparts
from scripts.transforms.patch import patch_offsets
from scripts.transforms.random_map import between, random_image_map, random_rotation
from scripts.transforms.warp import lattice, on_image, sample_lattice, warp_points

__all__ = ["RandPatchCenter"]

_KNOTS = 4  # of a curve that intensities are sent through, beside that at 0


class RandPatchCenter(Randomizable):
    """Warp a batch of images and cut augmented patches from each, in one interpolation from the source.

    For every image (Frueh et al. 2022, section II-C):

    1. the image is rotated, scaled and cropped at random (a random resized crop);
    2. a centre is drawn uniformly over the warped image, which counts as zero-padded by half a patch;
    3. the patch around it is rotated and scaled about its own centre, so that the centre stays the target,
       and its contrast is changed by a gamma curve.

    Both outputs are sampled once, from the source image, with the composed map: no second interpolation blurs
    the patch. All work is batched on the device of the images. Everything random about an image comes from one seed
    of its own, so that its draws do not depend on what else is in the batch or on how many processes share the work;
    geometry and contrast are drawn on the CPU, the same on every device.

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
        remap: share of the images, and of the patches, whose intensities go through a random curve that may swap
            tissues: 0 at 0, and piecewise linear between values in [0, 1] drawn at a quarter, a half, three quarters
            and 1. For images whose contrast changes from one to the next, as in T1 mapping.
        overhang: share of the patches that keep what lies beyond the edge of the warped image, where the source shows
            it: as of an example in full view that is half out of view in the image. The others have zeros there.
        noise: largest standard deviation of Gaussian noise, drawn anew for image and patch, in intensity units.
            Without it a network may match the noise of an image to itself, which no second image repeats.
        seed: seed of the images' seeds where a call gives none; None draws differently in each run.

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
        remap: float = 0.0,
        overhang: float = 0.0,
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
        self.remap = remap
        self.overhang = overhang
        self.noise = noise
        self.set_random_state(seed)

    def __call__(
        self, images: torch.Tensor, seeds: Sequence[int] | None = None, counterparts: Counterparts | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Draw one warp an image, and its patches.

        Args:
            images: (B, C, X, Y), intensities in [0, 1].
            seeds: B seeds, not negative; None draws them.
            counterparts: other images, which the patches are cut from where their counterpart is known: by the same
                warp, but to the edges of the other image, as an example's patch is.

        Returns:
            The warped images (B, C, X, Y), the patches (B * K, C, patch_size, patch_size) and their centres in the
            warped images, (B * K, 2), normalised; K = patches_per_image, those of one image after the other.

        Raises:
            ValueError: the images are not two-dimensional, or have another number than the seeds.
        """
        if images.ndim != 4:
            raise ValueError(f"RandPatchCenter takes a batch of 2D images (B, C, X, Y), not {tuple(images.shape)}")
        batch, _, *spatial = images.shape
        if seeds is None:
            seeds = self.R.randint(2**31, size=batch).tolist()
        if len(seeds) != batch:
            raise ValueError(f"{batch} images and {len(seeds)} seeds; give one seed an image")
        of_image, of_patches = self._draw(seeds)
        maps = self._image_map(of_image, spatial) + self._patch_map(of_patches, spatial)
        image_matrix, image_shift, center, patch_matrix = (torch.from_numpy(value).to(images) for value in maps)
        source = warp_points(torch.zeros_like(image_shift), image_matrix, image_shift, spatial)
        warped = sample_lattice(images, source, image_matrix, spatial).squeeze(2)
        # a patch's lattice in the warped image, and, through the image's own map, in the source
        shape = [self.patch_size] * 2
        corner = center + patch_matrix @ patch_offsets(self.patch_size, 2, images.device)[0, 0]
        image_matrix, image_shift = (
            value.repeat_interleave(self.patches_per_image, dim=0) for value in (image_matrix, image_shift)
        )
        source = warp_points(corner, image_matrix, image_shift, spatial)
        patches = sample_lattice(images, source, image_matrix @ patch_matrix, shape).transpose(1, 2)
        inside = on_image(lattice(corner, patch_matrix, shape), spatial).to(patches)
        kept = self._draw_kept(seeds).to(inside).flatten()
        patches = patches * torch.maximum(inside, kept[:, None, None]).reshape(batch, -1, 1, *shape)
        if counterparts is not None:
            middle = warp_points(center, image_matrix, image_shift, spatial)
            place, known = counterparts.find(middle.unflatten(0, (batch, -1)))
            corner = place.flatten(0, 1) + source - middle
            others = sample_lattice(counterparts.images, corner, image_matrix @ patch_matrix, shape).transpose(1, 2)
            patches = others.where(known[..., None, None, None], patches)
        patches = self._change_contrast(patches, of_patches)
        if self.remap > 0.0:
            warped, patches = self._swap_tissues(warped, patches, seeds)
        if self.noise > 0.0:
            self._add_noise(warped, patches, seeds, of_image, of_patches)
        return warped, patches.flatten(0, 1), index_to_normalized(center, spatial)

    def _draw(self, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers in [0, 1): (images, 7) of the images and (images, K, 7) of their patches.

        Of an image six of :func:`random_image_map` and the noise; of a patch its place along x and y, rotation, scale,
        gamma, gain and noise.
        """
        count = 7 * (1 + self.patches_per_image)
        drawn = np.stack([np.random.default_rng(int(seed)).random(count) for seed in seeds])
        return drawn[:, :7], drawn[:, 7:].reshape(len(seeds), self.patches_per_image, 7)

    def _draw_kept(self, seeds: Sequence[int]) -> torch.Tensor:
        """Which patches (images, K) keep what lies beyond the edge."""
        if self.overhang == 0.0:
            return torch.zeros(len(seeds), self.patches_per_image)
        drawn = np.stack([np.random.default_rng([int(seed), 2]).random(self.patches_per_image) for seed in seeds])
        return torch.from_numpy(drawn < self.overhang)

    def _image_map(self, drawn: np.ndarray, spatial: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The map from warped to source images, relative to their centres: matrices (B, 2, 2), shifts (B, 2) px."""
        return random_image_map(
            drawn[:, :6],
            spatial,
            rotate=self.image_rotate,
            scale=self.image_scale,
            crop_scale=self.crop_scale,
            crop_ratio=self.crop_ratio,
        )

    def _patch_map(self, drawn: np.ndarray, spatial: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Centres in the warped images (B * K, 2) px, and matrices of the patches about them (B * K, 2, 2)."""
        x, y, angle, scale = drawn.reshape(-1, 7).T[:4]
        # uniform from edge to edge of the image, so that targets fill [-1, 1]
        center = np.stack([x, y], axis=-1) * np.asarray(spatial) - 0.5
        zoom = 1.0 / between(scale, self.patch_scale)
        return center, random_rotation(angle, self.patch_rotate) * zoom[:, None, None]

    def _change_contrast(self, patches: torch.Tensor, drawn: np.ndarray) -> torch.Tensor:
        factors = np.exp(between(drawn[..., 4], np.log(self.gamma))), between(drawn[..., 5], self.gain)
        exponent, gain = (torch.from_numpy(value[..., None, None, None]).to(patches) for value in factors)
        return patches.clamp_min(0.0).pow(exponent) * gain

    def _swap_tissues(
        self, warped: torch.Tensor, patches: torch.Tensor, seeds: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Send a share of images (B, C, X, Y) and patches (B, K, C, p, p) each through a random curve of its own."""
        shape = 1 + self.patches_per_image, 1 + _KNOTS
        drawn = np.stack([np.random.default_rng([int(seed), 1]).random(shape) for seed in seeds])
        values = np.concatenate([np.zeros_like(drawn[..., :1]), drawn[..., 1:]], axis=-1)
        values = np.where(drawn[..., :1] < self.remap, values, np.linspace(0.0, 1.0, 1 + _KNOTS))
        curves = torch.from_numpy(values).to(patches)
        return _through_curves(warped, curves[:, 0]), _through_curves(patches, curves[:, 1:])

    def _add_noise(
        self,
        warped: torch.Tensor,
        patches: torch.Tensor,
        seeds: Sequence[int],
        of_image: np.ndarray,
        of_patches: np.ndarray,
    ) -> None:
        """Add noise to images (B, C, X, Y) and patches (B, K, C, p, p) in place."""
        image_level, patch_level = (
            torch.from_numpy(self.noise * drawn[..., 6]).to(warped) for drawn in (of_image, of_patches)
        )
        generator = torch.Generator(warped.device)
        numbers = torch.empty(warped[0].numel() + patches[0].numel(), device=warped.device)
        for i, seed in enumerate(seeds):
            numbers.normal_(generator=generator.manual_seed(int(seed)))
            in_image, in_patches = numbers.split([warped[0].numel(), patches[0].numel()])
            warped[i] += image_level[i] * in_image.view_as(warped[i])
            patches[i] += patch_level[i, :, None, None, None] * in_patches.view_as(patches[i])


def _through_curves(images: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """Intensities (*N, C, X, Y) through curves (*N, n): values at equal steps from 0 to 1, linear there and beyond."""
    steps = curves.shape[-1] - 1
    place = images.flatten(-3) * steps
    left = place.floor().clamp(0, steps - 1)
    low, high = (curves.gather(-1, left.long() + side) for side in (0, 1))
    return (low + (place - left) * (high - low)).view_as(images)
