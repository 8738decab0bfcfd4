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

"""Label next what stands for most of what is not labelled yet."""

from __future__ import annotations

import torch

from label_app.strategies.diversity import Diversity

__all__ = ["Coverage"]


class Coverage(Diversity):
    """Bring all images nearer to a labelled one (greedy k-medoids), where diversity seeks the farthest one alone.

    An odd image is far from all others and brings none of them nearer, so that it is not chosen. Begins with the
    medoid, too. The score is by how much the mean distance from the nearest labelled image gets smaller; codes and
    distances are those of :class:`label_app.strategies.Diversity`.

    Args:
        store: the images.
        finder: the network.

    Example:
        >>> Coverage(store, finder)({})  # doctest: +SKIP
        {'id': 'b.png', 'score': 0.02, 'strategy': 'coverage'}
    """

    name = "coverage"
    description = "The image that stands for most of those that are like no labelled one; at first the typical one"

    def scores(self, vectors: torch.Tensor, nearest: torch.Tensor) -> torch.Tensor:
        """How much nearer all images would be to a labelled one."""
        return (nearest[:, None] - torch.cdist(vectors, vectors)).clamp(min=0).mean(dim=0)
