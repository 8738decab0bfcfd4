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

"""The examples of landmarks, encoded once."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch

from scripts.data.example_images import ExamplePoint
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.metrics.cyclic_error import Matcher, matching_bias
from scripts.networks.fingerprint import Weighted, weights_fingerprint
from scripts.transforms.coordinates import index_scale_to_normalized
from scripts.transforms.patch import extract_patches

__all__ = ["ExampleBank", "StorableMatcher"]


class StorableMatcher(Matcher, Weighted, Protocol):
    """A matcher whose codes can be kept in a file: it tells by which weights, and on which device, they are made."""

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The parameters; none for a classical method."""


class ExampleBank:
    """Patches around example points, as codes of the network; add and drop them at any time, nothing is retrained.

    Args:
        network: what encodes the patches, in evaluation mode.
        patch_size: side of the patches in px of the network's image.
        correct_bias: find each patch in its own image too, and take off by how much it is missed there, see
            :func:`scripts.metrics.matching_bias`. Costs one image's code when an example is added, nothing later.
        second_look: moves what was found to where the edges are as in the examples, see :meth:`look_again`; None
            leaves it.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> bank = ExampleBank(NCCMatcher(), patch_size=16)
        >>> bank.add(torch.rand(1, 1, 64, 64), torch.tensor([[20.0, 30.0], [40.0, 10.0]]), ["apex", "valve"])
        >>> bank.add(torch.rand(1, 1, 64, 64), torch.tensor([[21.0, 31.0]]), ["apex"])
        >>> bank.labels, bank.count("apex"), len(bank)
        (['apex', 'valve'], 2, 3)
        >>> bank.drop("valve")
        >>> bank.labels
        ['apex']
    """

    def __init__(
        self,
        network: StorableMatcher,
        patch_size: int,
        *,
        correct_bias: bool = False,
        second_look: GradientRefinement | None = None,
    ) -> None:
        self.network = network
        self.patch_size = patch_size
        self.correct_bias = correct_bias
        self.second_look = second_look
        self._biases: list[torch.Tensor] = []
        self._codes: list[torch.Tensor] = []
        self._looks: list[torch.Tensor] = []
        self._labels: list[str] = []
        self._sources: list[str | None] = []
        self._stacked: tuple[torch.Tensor, torch.Tensor] | None = None

    def add(
        self,
        image: torch.Tensor,
        points: torch.Tensor,
        labels: Sequence[str],
        source: str | None = None,
        image_code: torch.Tensor | None = None,
    ) -> None:
        """Encode the patches around points of one image.

        Args:
            image: ``(1, C, *spatial)``, prepared as for the network.
            points: (N, spatial_dims), px of that image.
            labels: the landmark of each point.
            source: the series that the image is of, see :meth:`select`.
            image_code: the image's code where it is known; None encodes the image if need be.

        Raises:
            ValueError: the numbers of points and labels differ, or a point lies outside the image.
        """
        if len(points) != len(labels):
            raise ValueError(f"{len(points)} points and {len(labels)} labels; give one label a point")
        spatial = torch.tensor(image.shape[2:], device=points.device)
        for point, label in zip(points, labels, strict=True):
            if not ((point >= -0.5) & (point <= spatial - 0.5)).all():
                raise ValueError(f"example {label!r} at {point.tolist()} px lies outside its image {spatial.tolist()}")
        with torch.no_grad():
            codes = self.network.encode_patch(extract_patches(image, points, self.patch_size))
            bias = torch.zeros_like(points)
            if self.correct_bias:
                image_code = self.network.encode_image(image) if image_code is None else image_code
                bias = matching_bias(self.network, image_code, codes, points, image.shape[2:], self.patch_size)
        self._codes += list(codes)
        self._looks += list(self.second_look.look(image, points)) if self.second_look else []
        self._biases += list(index_scale_to_normalized(bias, image.shape[2:]))
        self._labels += list(labels)
        self._sources += [source] * len(labels)
        self._stacked = None

    def add_points(self, examples: Iterable[ExamplePoint], device: torch.device | str = "cpu") -> ExampleBank:
        """Encode example points as read from a table; returns the bank itself.

        Args:
            examples: see :func:`scripts.data.read_example_points`.
            device: where the network is.

        Raises:
            InputError: there is no example.
        """
        if not (examples := list(examples)):
            raise InputError("landmarks are found from examples; give --examples FILE.csv (image,frame,label,x,y)")
        for example in examples:
            point = example.network_point.unsqueeze(0).to(device)
            self.add(example.image.to(device), point, [example.label], example.prepared.source)
        return self

    def drop(self, label: str) -> None:
        """Forget all examples of a landmark.

        Raises:
            KeyError: there is none.
        """
        if label not in self._labels:
            raise KeyError(f"no example of {label!r}; there are {self.labels}")
        self._keep([i for i, other in enumerate(self._labels) if other != label])

    def drop_source(self, source: str) -> None:
        """Forget all examples of a series; there need be none."""
        self._keep([i for i, other in enumerate(self._sources) if other != source])

    def _keep(self, kept: Sequence[int]) -> None:
        self._codes = [self._codes[i] for i in kept]
        self._looks = [self._looks[i] for i in kept] if self.second_look else []
        self._biases = [self._biases[i] for i in kept]
        self._labels = [self._labels[i] for i in kept]
        self._sources = [self._sources[i] for i in kept]
        self._stacked = None

    def copy(self) -> ExampleBank:
        """A bank with the same examples, not encoded again; changes of one do not show in the other."""
        other = copy.copy(self)
        other._keep(range(len(self)))
        return other

    def rename(self, label: str, new: str) -> None:
        """Give a landmark another name.

        Raises:
            KeyError: there is none of that name.
            ValueError: the new name is taken.
        """
        if label not in self._labels:
            raise KeyError(f"no example of {label!r}; there are {self.labels}")
        if new in self._labels:
            raise ValueError(f"{new!r} is the name of another landmark")
        self._labels = [new if other == label else other for other in self._labels]

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def labels(self) -> list[str]:
        """The landmarks, in the order in which they first came."""
        return list(dict.fromkeys(self._labels))

    def count(self, label: str) -> int:
        """Number of examples of a landmark."""
        return self._labels.count(label)

    def select(self, label: str, source: str | None = None) -> list[int]:
        """Which examples (indices into :attr:`codes`) speak for a landmark.

        Args:
            label: the landmark.
            source: take the examples from this series alone, if there are any: within one subject they are closer
                than those of others. None takes all.
        """
        every = [i for i, other in enumerate(self._labels) if other == label]
        own = [i for i in every if source is not None and self._sources[i] == source]
        return own or every

    def select_others(self, label: str, source: str) -> list[int]:
        """Which examples speak for a landmark where those of one series shall not; there need be none."""
        return [i for i in self.select(label) if self._sources[i] != source]

    @property
    def codes(self) -> torch.Tensor:
        """Codes of all examples, (len(self), ...).

        Raises:
            ValueError: there is no example.
        """
        return self._stack()[0]

    @property
    def biases(self) -> torch.Tensor:
        """What to subtract from the means found with each code, (len(self), spatial_dims), normalised.

        Raises:
            ValueError: there is no example.
        """
        return self._stack()[1]

    def match(self, image_codes: torch.Tensor, network: Matcher) -> tuple[torch.Tensor, torch.Tensor]:
        """What each example says of where it is in images, less its bias.

        Args:
            image_codes: codes of B images.
            network: the network that encoded them and the examples.

        Returns:
            Means and log scales, (B, len(self), spatial_dims), normalised.

        Raises:
            ValueError: there is no example.
        """
        codes, images = self.codes, len(image_codes)
        repeated = codes.repeat(images, *[1] * (codes.ndim - 1))
        mean, scale = network.match(image_codes, repeated).unflatten(0, (images, len(codes))).chunk(2, dim=-1)
        return mean - self.biases, scale

    def look_again(self, image: torch.Tensor, points: torch.Tensor, examples: Sequence[Sequence[int]]) -> torch.Tensor:
        """Move landmarks to where the edges around them are as in their examples.

        Args:
            image: (1, C, X, Y), in which they were found.
            points: (L, 2), px of that image.
            examples: of each landmark, see :meth:`select`.

        Returns:
            (L, 2), px; the points as they are if there is no second look.
        """
        if self.second_look is None:
            return points
        templates = [self.second_look.template(torch.stack([self._looks[i] for i in chosen])) for chosen in examples]
        return self.second_look(image, torch.stack(templates), points)[0]

    def _stack(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes and biases in one tensor each, kept until the examples change: a live stream asks in each frame."""
        if not self._codes:
            raise ValueError("there is no example; add at least one")
        if self._stacked is None:
            self._stacked = torch.stack(self._codes), torch.stack(self._biases)
        return self._stacked

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write codes and labels with the fingerprint of the weights that made them.

        Raises:
            ValueError: there is no example.
        """
        content = {
            "codes": self.codes.cpu(),
            "biases": self.biases.cpu(),
            "looks": torch.stack(self._looks).cpu() if self._looks else torch.zeros(0),
            "second_look": repr(self.second_look),
            "labels": self._labels,
            "sources": self._sources,
            "patch_size": self.patch_size,
            "weights": weights_fingerprint(self.network),
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Take the examples of a file in place of those here.

        Raises:
            ValueError: they were encoded by other weights or at another patch size, so their codes mean nothing here,
                or for another second look.
        """
        content = torch.load(path, weights_only=True)
        if content["weights"] != weights_fingerprint(self.network):
            raise ValueError(f"{path} was encoded with other weights; encode its examples again from their images")
        if content["patch_size"] != self.patch_size:
            raise ValueError(f"{path} has patches of {content['patch_size']} px, not {self.patch_size} px")
        second_look = content.get("second_look", repr(None))  # files of before have none
        if second_look != repr(self.second_look):
            raise ValueError(f"{path} has the second look {second_look}, not {self.second_look}")
        device = next((parameter.device for parameter in self.network.parameters()), torch.device("cpu"))
        self._codes = list(content["codes"].to(device))
        self._biases = list(content["biases"].to(device))
        self._looks = list(content.get("looks", torch.zeros(0)).to(device))
        self._labels = list(content["labels"])
        self._sources = list(content["sources"])
        self._stacked = None
