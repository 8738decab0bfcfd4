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

"""Template matching by normalised cross-correlation: the classical peer of the learned matcher."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from scripts.transforms.coordinates import index_to_normalized
from scripts.transforms.paraboloid import paraboloid_shift

__all__ = ["NCCMatcher", "ncc_match"]

_CHUNK = 16  # patches correlated at a time; bounds the memory, and larger batches are not faster
_VARIANCE_FLOOR = 1e-12  # of the image's energy; less variance than this is rounding, not contrast


def ncc_match(image: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    """Find where in an image each patch fits best by zero-mean normalised cross-correlation.

    The search covers the whole image, zero-padded by half a patch, so that a centre may lie at the margin. A paraboloid
    through the best score and its eight neighbours refines the position; unlike a parabola along each axis it is right
    for slanted structures too. The score does not change with the gain and the offset of the patch. Windows without
    contrast score 0. Scores are computed in double precision by the Fourier transform, whose cost does not depend on
    the patch size.

    Args:
        image: one image of shape (1, X, Y), any real dtype.
        patches: N square patches of shape (N, 1, P, P) with P at most the shorter image side, on the same device.

    Returns:
        Positions of the patch centres of shape (N, 2), float32, in image pixels and index order. Patch pixel ``j`` lies
        at ``j - (P - 1) / 2`` from the centre, so that the centre of a patch of even P is between pixels. Where
        nothing can match, because the patch or the image is constant, the position is the image centre.

    Raises:
        ValueError: if a shape is not as described.

    Example:
        >>> image = torch.rand(1, 60, 50)
        >>> ncc_match(image, image[None, :, 20:31, 30:41]).round()
        tensor([[25., 35.]])
    """
    _check_shapes(image, patches)
    if len(patches) == 0:  # the Fourier transform refuses empty batches
        return torch.zeros(0, 2, device=image.device)
    side = patches.shape[-1]
    padded = F.pad(image.to(torch.float64), [side // 2] * 4)[0]
    # Any constant may be taken off without changing a score, and small numbers lose fewer digits.
    padded = padded - padded.mean()
    # Over all shifts the correlation is circular; a transform as large as the padded image keeps the valid ones apart.
    transform_size = [_round_up(n) for n in padded.shape]
    image_code = torch.fft.rfft2(padded, s=transform_size)
    contrast = _local_contrast(padded, side)
    positions = [
        _peak_positions(_scores(image_code, transform_size, contrast, chunk)) for chunk in patches[:, 0].split(_CHUNK)
    ]
    centers = torch.cat(positions) - side // 2 + (side - 1) / 2
    middle = (torch.tensor(image.shape[1:], device=image.device) - 1) / 2
    return torch.where(centers.isnan(), middle, centers).to(torch.float32)


class NCCMatcher(nn.Module):
    """Cross-correlation in the network's place: whatever evaluates the network evaluates the classical method too.

    It has no uncertainty: all log scales are 0.

    Example:
        >>> image = torch.rand(1, 1, 60, 50)
        >>> matcher = NCCMatcher()
        >>> matcher.match(matcher.encode_image(image), matcher.encode_patch(image[..., 20:31, 30:41])).shape
        torch.Size([1, 4])
    """

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        """The image itself, (B, 1, X, Y)."""
        return image

    def encode_patch(self, patch: torch.Tensor) -> torch.Tensor:
        """The patch itself, (N, 1, P, P)."""
        return patch

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Positions of the patches, those of one image after the other, (N, 4): normalised means and zeros."""
        groups = patch_code.chunk(len(image_code))
        found = torch.cat([ncc_match(image, patches) for image, patches in zip(image_code, groups, strict=True)])
        return torch.cat([index_to_normalized(found, image_code.shape[2:]), torch.zeros_like(found)], dim=1)


def _check_shapes(image: torch.Tensor, patches: torch.Tensor) -> None:
    if image.ndim != 3 or image.shape[0] != 1:
        raise ValueError(f"image must have the shape (1, X, Y), got {tuple(image.shape)}.")
    if patches.ndim != 4 or patches.shape[1] != 1 or patches.shape[2] != patches.shape[3]:
        raise ValueError(f"patches must have the shape (N, 1, P, P), got {tuple(patches.shape)}.")
    if not 1 <= patches.shape[-1] <= min(image.shape[1:]):
        raise ValueError(f"patches of {patches.shape[-1]} px do not fit an image of {tuple(image.shape[1:])} px.")


def _round_up(n: int) -> int:
    """The next multiple of 32: transforms of such sizes are fast."""
    return -(-n // 32) * 32


def _local_contrast(image: torch.Tensor, side: int) -> torch.Tensor:
    """Root of the sum of squared deviations in each window, (X', Y'); infinite where there is no contrast."""
    total, energy = _window_sums(torch.stack([image, image.square()]), side)
    deviation = energy - total.square() / side**2
    floor = _VARIANCE_FLOOR * image.square().sum()
    return torch.where(deviation > floor, deviation.clamp(min=0).sqrt(), torch.inf)


def _window_sums(images: torch.Tensor, side: int) -> torch.Tensor:
    """Sums over all windows of side x side, (C, X', Y'), by running sums."""
    sums = F.pad(images, (1, 0, 1, 0)).cumsum(-1).cumsum(-2)
    rows = sums[:, side:] - sums[:, :-side]
    return rows[..., side:] - rows[..., :-side]


def _scores(
    image_code: torch.Tensor, transform_size: list[int], contrast: torch.Tensor, patches: torch.Tensor
) -> torch.Tensor:
    """Correlation coefficients (N, X', Y') of patches (N, P, P) with every window; 0 where either is constant."""
    patches = patches.to(torch.float64)
    energy = patches.square().sum((-2, -1))
    patches = patches - patches.mean((-2, -1), keepdim=True)
    deviation = patches.square().sum((-2, -1))
    norm = torch.where(deviation > _VARIANCE_FLOOR * energy, deviation.sqrt(), torch.inf)
    product = image_code * torch.fft.rfft2(patches, s=transform_size).conj()
    correlation = torch.fft.irfft2(product, s=transform_size)[:, : contrast.shape[0], : contrast.shape[1]]
    return correlation / contrast / norm[:, None, None]


def _peak_positions(scores: torch.Tensor) -> torch.Tensor:
    """Sub-pixel places (N, 2) of the largest of the scores (N, X', Y'); NaN where no score is positive."""
    width, height = scores.shape[-2:]
    best, flat = scores.flatten(1).max(dim=1)
    place = torch.stack([flat // height, flat % height], dim=1)
    # A copy of the last score beyond the border would bend the surface; a peak there stays on its pixel instead.
    inside = (place > 0) & (place < torch.tensor([width - 1, height - 1], device=scores.device))
    steps = torch.arange(-1, 2, device=scores.device)
    rows = (place[:, 0, None] + steps).clamp(0, width - 1)
    columns = (place[:, 1, None] + steps).clamp(0, height - 1)
    n = torch.arange(len(scores), device=scores.device)
    around = scores[n[:, None, None], rows[:, :, None], columns[:, None, :]]
    shift = paraboloid_shift(around).where(inside, 0.0)
    return (place + shift).where((best > 0)[:, None], torch.nan)
