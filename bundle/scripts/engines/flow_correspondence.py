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

"""Pairs of subjects to train on: where the tissue of one lies in the other, found without labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import map_coordinates

from scripts.classical.dense_flow import DenseFlow
from scripts.transforms.counterparts import Counterparts

__all__ = ["FlowCorrespondence", "most_alike"]

_CELLS = (28, 28)  # of the blurred pictures: enough for the body's outline, too few for ribs


@dataclass
class FlowCorrespondence:
    """Where the tissue of images lies in the images most like them of their batch, by dense optical flow.

    A patch that is to be found in the very image it was cut from teaches a network to know an image again, not what a
    rib of another patient looks like. Flow from patient to patient errs, here one way and there another, and a network
    that learns from many pairs takes what they have in common. It errs least between images that are alike: each image
    goes with that of the others whose blurred picture correlates best with its own. A pixel counts as known where the
    flow there and the flow back end where they began. The flow compares grey values, so images of a batch should be of
    one kind and view.

    Args:
        tolerance: how far from its beginning a known pixel may end, as a fraction of the shorter side of the image.
        equalize: see :class:`scripts.classical.dense_flow.DenseFlow`.
        enlarge: see there, too.

    Raises:
        ValueError: the images would be made smaller.

    Example:
        >>> counterparts = FlowCorrespondence()(torch.rand(4, 1, 112, 112))  # doctest: +SKIP
        >>> counterparts.moves.shape, counterparts.known.shape  # doctest: +SKIP
        (torch.Size([4, 2, 112, 112]), torch.Size([4, 112, 112]))
    """

    tolerance: float = 0.027
    equalize: bool = True
    enlarge: int = 2

    def __post_init__(self) -> None:
        self._flow = DenseFlow(equalize=self.equalize, enlarge=self.enlarge)

    def __call__(self, images: torch.Tensor) -> Counterparts:
        """Pair each image with another; one that is alone goes with itself.

        Args:
            images: (B, C, X, Y), intensities in [0, 1]; channels are averaged for the flow.

        Raises:
            ValueError: the images are smaller than the flow can take.
        """
        grey = images.mean(dim=1, keepdim=True)
        others = most_alike(grey)
        frames = (grey * 255).clamp(0, 255).round().byte().mT.contiguous().cpu().numpy()[:, 0]
        looks = [self._flow.look(frame) for frame in frames]
        pairs = zip(looks, others.tolist(), strict=True)
        moves, known = zip(*[self._pair(one, looks[other]) for one, other in pairs], strict=True)
        return Counterparts(
            images[others],
            torch.from_numpy(np.stack(moves)).permute(0, 3, 2, 1).to(images),
            torch.from_numpy(np.stack(known)).mT.to(images.device),
        )

    def _pair(self, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flow from one image to the other, (rows, columns, 2), and where it comes back."""
        there, back = self._flow(one, other), self._flow(other, one)
        columns, rows = np.meshgrid(*(np.arange(size, dtype=np.float32) for size in there.shape[1::-1]))
        place = rows + there[..., 1], columns + there[..., 0]
        missed = there + np.stack(
            [map_coordinates(back[..., axis], place, order=1, mode="nearest") for axis in (0, 1)], -1
        )
        return there, np.linalg.norm(missed, axis=-1) <= self.tolerance * min(there.shape[:2])


def most_alike(images: torch.Tensor) -> torch.Tensor:
    """Which of the other images (B, 1, X, Y) correlates best with each, blurred to few cells: (B,).

    Example:
        >>> x = torch.arange(32.0).expand(1, 32, 32)
        >>> most_alike(torch.stack([x, 32.0 - x, x.mT, 1.0 + 2.0 * x])).tolist()
        [3, 2, 0, 0]
    """
    cells = F.adaptive_avg_pool2d(images, _CELLS).flatten(1)
    cells = F.normalize(cells - cells.mean(dim=1, keepdim=True), dim=1)
    itself = torch.eye(len(cells), dtype=torch.bool, device=cells.device)
    return (cells @ cells.T).masked_fill(itself, -torch.inf).argmax(dim=1)
