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

"""Supervised regression of landmarks: the network, and its answers for a data set."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from scripts.data.frame_dataset import FrameDataset
from scripts.networks.parts import Encoder
from scripts.transforms.coordinates import normalized_to_index
from scripts.transforms.scale_intensity import restore_intensity

__all__ = ["LandmarkRegressor", "regress_landmarks"]


class LandmarkRegressor(nn.Module):
    """All landmarks of an image from its features, averaged over the image, by one linear layer.

    The supervised baseline of Frueh et al. 2022, section III-D1, with a ResNet-50 (arXiv 1512.03385) for the encoder.

    Args:
        encoder: an encoder of :func:`scripts.networks.build_encoder`; its coarsest stage is used.
        landmarks: number of landmarks L.

    Example:
        >>> from scripts.networks import build_encoder
        >>> network = LandmarkRegressor(build_encoder("resnet18"), landmarks=9)
        >>> tuple(network(torch.rand(2, 1, 64, 48)).shape)
        (2, 9, 2)
    """

    def __init__(self, encoder: Encoder, landmarks: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.output = nn.Linear(encoder.channels[-1], 2 * landmarks)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Landmarks (B, L, 2) of images (B, C, X, Y), normalised (see :mod:`scripts.transforms.coordinates`)."""
        features = self.encoder(image)[-1].mean(dim=(-2, -1))
        return self.output(features).unflatten(1, (-1, 2))


@torch.no_grad()
def regress_landmarks(
    network: nn.Module, frames: FrameDataset, device: torch.device | str = "cpu", *, batch_size: int = 16
) -> torch.Tensor:
    """Where a trained network sees the landmarks in all frames of a data set.

    Args:
        network: a :class:`LandmarkRegressor` on the device, in evaluation mode.
        frames: the frames, prepared with the settings that the network was trained with.
        device: where the network is.
        batch_size: frames at once.

    Returns:
        (T, L, 2), px of the original images, index order; T frames in the order of the data set, L landmarks in the
        order of the ``labels`` of :class:`scripts.baselines.LandmarkDataset`.

    Example:
        >>> network = LandmarkRegressor(build_encoder("resnet50"), landmarks=9)  # doctest: +SKIP
        >>> network = load_weights(network, "models/model.pt").to("cuda")  # doctest: +SKIP
        >>> regress_landmarks(network, FrameDataset(series, (224, 224)), "cuda").shape  # doctest: +SKIP
        torch.Size([50, 9, 2])
    """
    found = []
    loader = DataLoader(frames, batch_size=batch_size)
    for batch in tqdm(loader, desc="regressing landmarks", unit="batch", leave=False, disable=None):
        answers = network(restore_intensity(batch["image"].to(device))).float().cpu()
        points = normalized_to_index(answers, frames.image_size)
        fits = [frames.series[index].fit for index in batch["series"].tolist()]
        found += [fit.to_original(one) for fit, one in zip(fits, points, strict=True)]
    return torch.stack(found)
