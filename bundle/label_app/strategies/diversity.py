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

"""Label next what is least like all that is labelled."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from label_app.landmark_datastore import FINAL, LandmarkDatastore
from label_app.landmark_finder import LandmarkFinder
from label_app.strategies.image_strategy import ImageStrategy, evenly_drawn, frames_to_look_at
from scripts.data.prepared_series import PreparedSeries
from scripts.io.input_error import InputError
from scripts.networks.template_matching_network import TemplateMatchingNetwork

__all__ = ["Diversity"]

_CELLS = 4  # an axis, that a code is pooled to
_MOST_LABELLED = 200


class Diversity(ImageStrategy):
    """Cover the images by those that are labelled (greedy k-centre, Sener and Savarese 2018, arXiv 1708.00489).

    Chooses the image that is farthest from all labelled ones, by the distance of the network's codes pooled to 4 x 4
    cells and scaled to unit length. Where nothing is labelled yet it chooses the medoid, which is nearest to all
    others: the image to label first. The score is the distance to the nearest labelled image or, of the medoid, the
    mean distance to the others.

    Args:
        store: the images.
        finder: the network.

    Example:
        >>> Diversity(store, finder)({})  # doctest: +SKIP
        {'id': 'b.png', 'score': 0.4, 'strategy': 'diversity'}
    """

    name = "diversity"
    description = "The image that is least like all labelled ones; at first the typical one"

    def __init__(self, store: LandmarkDatastore, finder: LandmarkFinder) -> None:
        super().__init__(self.name, self.description, store)
        self.finder = finder

    def choose(self, images: Sequence[str], request: dict[str, Any]) -> dict[str, Any]:
        """The image with the highest score, or the medoid."""
        pooled = functools.partial(self._pooled, self.finder.network)
        candidates = self.look_at(images, pooled)
        try:
            labelled = self.look_at(evenly_drawn(self.store.get_labeled_images(FINAL), _MOST_LABELLED), pooled)
        except InputError:  # none of them can be read any more, which was logged
            labelled = {}
        vectors = torch.stack(list(candidates.values()))
        if labelled:
            scores = self.scores(vectors, torch.cdist(vectors, torch.stack(list(labelled.values()))).amin(dim=1))
            best = scores.argmax()
        else:
            scores = torch.cdist(vectors, vectors).sum(dim=1) / max(1, len(vectors) - 1)
            best = scores.argmin()
        return self.answer(list(candidates)[best], scores[best].item())

    def scores(self, vectors: torch.Tensor, nearest: torch.Tensor) -> torch.Tensor:
        """How much each image is worth a look.

        Args:
            vectors: (N, F), the pooled codes of the images.
            nearest: (N,), distance of each from the nearest labelled image.

        Returns:
            (N,), the higher the better.
        """
        return nearest

    def _pooled(self, network: TemplateMatchingNetwork, image: PreparedSeries) -> torch.Tensor:
        """The mean over its frames of the pooled codes."""
        codes = torch.cat([self.finder.encode(image, frame, network) for frame in frames_to_look_at(image)])
        cells = F.adaptive_avg_pool2d(codes.float(), _CELLS) if codes.ndim == 4 else codes.float()
        return F.normalize(cells.flatten(1), dim=1).mean(dim=0).cpu()
