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

"""What every tracker of landmarks asks of its examples and of the frames' particulars."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from scripts.transforms.image_fit import ImageFit

__all__ = ["check_examples", "check_particulars"]


def check_examples(points: Sequence[Sequence[float]], labels: Sequence[str], fit: ImageFit) -> torch.Tensor:
    """The points of examples as a tensor, if they are of use.

    Args:
        points: (N, 2), px of the frame, index order.
        labels: the landmark of each.
        fit: of the frame on which they lie.

    Returns:
        (N, 2), float32.

    Raises:
        ValueError: there are none, not as many as labels, or one lies outside of the frame.

    Example:
        >>> check_examples([(3, 4)], ["valve"], ImageFit((8, 6), (8, 6)))
        tensor([[3., 4.]])
    """
    places = torch.as_tensor(np.array(points, dtype=np.float32))
    if places.shape != (len(labels), 2) or not len(labels):
        raise ValueError(f"give points (N, 2) and N labels, one at least, not {places.shape} and {len(labels)}")
    for place, label, there in zip(places.tolist(), labels, fit.contains(places).tolist(), strict=True):
        if not there:
            raise ValueError(f"example {label!r} at {place} px lies outside of its frame")
    return places


def check_particulars(affine: np.ndarray | torch.Tensor | None, time_ms: float | None) -> None:
    """Refuse an affine or a time that is of no use.

    Args:
        affine: (4, 4), index to world; None for none.
        time_ms: when the frame was taken; None where that is not known.

    Raises:
        ValueError: the affine has another shape, or the time is not finite.

    Example:
        >>> check_particulars(np.eye(4), 40.0)
    """
    if time_ms is not None and not math.isfinite(time_ms):
        raise ValueError(f"time_ms is {time_ms}; give a finite number of milliseconds")
    if affine is not None and np.shape(affine) != (4, 4):
        raise ValueError(f"an affine has the shape (4, 4), not {np.shape(affine)}")
