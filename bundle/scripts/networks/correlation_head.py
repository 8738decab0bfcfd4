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

"""A head that correlates the patch's code with every place of a dense image feature map."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from monai.networks.blocks import Convolution
from monai.networks.layers.factories import Conv, Pool
from torch import nn

from scripts.networks.parts import Encoder

__all__ = ["CorrelationHead"]


class CorrelationHead(nn.Module):
    """Match by correlation: a heatmap over the image, read out by a soft-argmax.

    The image's stages from ``stride`` on are fused to one map of unit-length features, the patch's stages to one
    unit-length code. Their product, times a learned factor, is the heatmap's logits. The mean is the expectation
    of the heatmap in a window around its peak (a soft-argmax as in DSNT, arXiv 1801.07372; the window, as in
    TAPIR, arXiv 2306.08637, keeps a second, distant peak from pulling the mean between the two). The log scale
    is a learned, linear function of the log spread of the whole heatmap along the axis and of the log of its
    peak, so that two peaks or none show as a large sigma.

    Args:
        image_encoder: the network's image encoder; only its ``channels`` and ``strides`` are read.
        patch_encoder: the network's patch encoder; only its ``channels`` are read.
        spatial_dims: number of spatial axes.
        stride: stride of the heatmap, 4 or 8.
        code_channels: length of the code.
        pool_size: the patch's stages are pooled to this many cells an axis before the code is made.
        window: half width of the soft-argmax window, in cells.
        temperature: initial factor of the codes' cosine; it is learned.
        coordinates: tell the image's code where in the image each cell lies, so that a patch's code can learn where
            such anatomy is to be expected and fewer lookalikes far away are taken for it.

    Raises:
        ValueError: the image encoder has not one stage of this stride and a coarser one.

    Example:
        >>> from scripts.networks import ResidualEncoder
        >>> encoder = ResidualEncoder()
        >>> head = CorrelationHead(encoder, encoder)
        >>> image_code = head.encode_image(encoder(torch.rand(1, 1, 64, 48)))
        >>> patch_code = head.encode_patch(encoder(torch.rand(5, 1, 32, 32)))
        >>> tuple(head.match(image_code, patch_code).shape)
        (5, 4)
    """

    def __init__(
        self,
        image_encoder: Encoder,
        patch_encoder: Encoder,
        spatial_dims: int = 2,
        *,
        stride: int = 4,
        code_channels: int = 64,
        pool_size: int = 4,
        window: int = 2,
        temperature: float = 20.0,
        coordinates: bool = True,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.window = window
        self.coordinates = coordinates
        strides = image_encoder.strides
        fused = [i for i, image_stride in enumerate(strides) if image_stride >= stride]
        if len(fused) < 2 or strides[fused[0]] != stride:
            raise ValueError(
                f"a heatmap of stride {stride} needs an image encoder with a stage of that stride and a coarser one, "
                f"but its strides are {strides}"
            )
        self.first_stage = fused[0]
        self.upsample = {1: "linear", 2: "bilinear", 3: "trilinear"}[spatial_dims]
        self.lateral = nn.ModuleList(
            [Conv[Conv.CONV, spatial_dims](image_encoder.channels[i], code_channels, kernel_size=1) for i in fused]
        )
        self.fuse = nn.Sequential(
            Convolution(
                spatial_dims,
                code_channels + (spatial_dims if coordinates else 0),
                code_channels,
                kernel_size=1,
                act="relu",
                norm="batch",
            ),
            Conv[Conv.CONV, spatial_dims](code_channels, code_channels, kernel_size=1),
        )
        self.pool = Pool[Pool.ADAPTIVEAVG, spatial_dims](pool_size)
        self.patch_code = nn.Linear(sum(patch_encoder.channels) * pool_size**spatial_dims, code_channels)
        self.log_temperature = nn.Parameter(torch.tensor(math.log(temperature)))
        # log sigma = bias + a * log spread + b * log peak; starts as the plain spread of the heatmap
        self.log_scale = nn.Parameter(torch.tensor([0.0, 1.0, 0.0]))

    def encode_image(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """Fuse the stages to a map of unit-length features, ``(B, code_channels, *spatial / stride)``."""
        finest = stages[self.first_stage]
        fused = torch.zeros_like(finest[:, :1])
        for i, lateral in enumerate(self.lateral):
            code = lateral(stages[self.first_stage + i])
            if i > 0:
                code = F.interpolate(code, size=finest.shape[2:], mode=self.upsample, align_corners=False)
            fused = fused + code
        if self.coordinates:
            axes = [self._cell_centers(n, fused) for n in fused.shape[2:]]
            grid = torch.stack(torch.meshgrid(axes, indexing="ij"), dim=0).unsqueeze(0)
            fused = torch.cat([fused, grid.expand([fused.shape[0]] + list(grid.shape[1:]))], dim=1)
        return F.normalize(self.fuse(fused), dim=1)

    def encode_patch(self, stages: list[torch.Tensor]) -> torch.Tensor:
        """Pool the stages to one unit-length code a patch, (N, code_channels)."""
        pooled = torch.cat([self.pool(stage).flatten(1) for stage in stages], dim=1)
        return F.normalize(self.patch_code(pooled), dim=1)

    def heatmap(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Logits of the patches' places, ``(N, *spatial / stride)``, of B image codes and N = B * K patch codes."""
        images = image_code.shape[0]
        # the few patch codes take the factor, not the many logits
        scaled = patch_code * self.log_temperature.exp().to(patch_code.dtype)
        logits = torch.bmm(scaled.reshape(images, -1, patch_code.shape[1]), image_code.flatten(2))
        # float32 from here on: in half precision logits and cells' centres would be off by more than a good match
        return logits.float().reshape([-1] + list(image_code.shape[2:]))

    def match(self, image_code: torch.Tensor, patch_code: torch.Tensor) -> torch.Tensor:
        """Means and log scales of the patches' places, (N, 2 * spatial_dims), normalised."""
        return self.read_heatmap(self.heatmap(image_code, patch_code))

    def read_heatmap(self, logits: torch.Tensor) -> torch.Tensor:
        """Soft-argmax and log scale of logits ``(N, *cells)``: (N, 2 * spatial_dims), normalised."""
        size = list(logits.shape[1:])
        probability = logits.flatten(1).softmax(dim=1)
        peak, peak_cell = probability.max(dim=1)
        log_peak = peak.clamp_min(1e-12).log()
        axes = [self._cell_centers(n, logits) for n in size]
        grid = [centers.flatten() for centers in torch.meshgrid(axes, indexing="ij")]
        maps = probability.reshape(logits.shape)
        cells, weights = self._window(probability, peak_cell, size)
        means: list[torch.Tensor] = []
        log_scales: list[torch.Tensor] = []
        for axis, centers in enumerate(grid):
            mean = (weights * centers[cells]).sum(dim=1)
            # of the axis' marginal: the heatmaps are large, and each pass over them costs
            marginal = maps if axis == 0 else maps.flatten(1, axis).sum(dim=1)
            marginal = marginal if axis == len(grid) - 1 else marginal.flatten(2).sum(dim=2)
            # a uniform cell's own variance is the floor of the spread
            spread = (marginal * (axes[axis] - mean.unsqueeze(1)).square()).sum(dim=1) + (1.0 / size[axis]) ** 2 / 3.0
            means.append(mean)
            log_scales.append(self.log_scale[0] + self.log_scale[1] * 0.5 * spread.log() + self.log_scale[2] * log_peak)
        return torch.stack(means + log_scales, dim=1)

    def _window(
        self, probability: torch.Tensor, peak_cell: torch.Tensor, size: list[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Cells around each peak, (N, window cells), and the weights of those inside of the image, which sum to 1."""
        offset = torch.arange(-self.window, self.window + 1, device=probability.device)
        steps = [step.flatten() for step in torch.meshgrid([offset] * len(size), indexing="ij")]
        cells = torch.zeros_like(peak_cell).unsqueeze(1)
        inside = torch.ones_like(cells, dtype=torch.bool)
        stride = 1
        for axis in range(len(size) - 1, -1, -1):
            index = (peak_cell // stride % size[axis]).unsqueeze(1) + steps[axis]
            inside = inside & (index >= 0) & (index < size[axis])
            cells = cells + index.clamp(0, size[axis] - 1) * stride
            stride = stride * size[axis]
        local = probability.gather(1, cells) * inside
        return cells, local / local.sum(dim=1, keepdim=True)

    def _cell_centers(self, cells: int, like: torch.Tensor) -> torch.Tensor:
        """Normalised centres of the cells along an axis."""
        return (2.0 * torch.arange(cells, dtype=like.dtype, device=like.device) + 1.0) / cells - 1.0
