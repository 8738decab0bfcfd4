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
import itertools
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import torch

from scripts.data.example_images import ExamplePoint
from scripts.inferers.doubtful_example import DoubtfulExample
from scripts.inferers.example_check import check_in_own_image
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.metrics.cyclic_error import Matcher
from scripts.networks.fingerprint import Weighted, weights_fingerprint
from scripts.transforms.coordinates import index_scale_to_normalized
from scripts.transforms.image_fit import ImageFit
from scripts.transforms.patch import extract_patches

__all__ = ["ExampleBank", "StorableMatcher"]


class StorableMatcher(Matcher, Weighted, Protocol):
    """A matcher whose codes can be kept in a file: it tells by which weights, and on which device, they are made."""

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The parameters; none for a classical method."""


_FEW_PX = 3.0  # within which a landmark may be marked twice in one frame, px of the network's image


@dataclass(frozen=True)
class _Place:
    """On which image examples lie: the series and the index in it, in words, and how it became the network's."""

    source: str | None
    frame: int | None
    where: str
    fit: ImageFit | None

    def is_same(self, other: _Place) -> bool:
        return self.source is not None and (self.source, self.frame) == (other.source, other.frame)


@dataclass(frozen=True)
class _Entry:
    """One example; its bias is normalised, its point in px of the network's image."""

    label: str
    place: _Place
    point: torch.Tensor
    code: torch.Tensor
    bias: torch.Tensor
    look: torch.Tensor | None
    doubt: DoubtfulExample | None = None


class ExampleBank:
    """Patches around example points, as codes of the network; add and drop them at any time, nothing is retrained.

    Each example is looked for in its own image when it is added, which costs one image's code. One that is not found
    again there (see :class:`scripts.metrics.OwnMatch`), that lies on a blank part of its image, or whose landmark is
    marked at another place of the same frame too, is named in the log and in :attr:`doubtful`. It has no bias to take
    off, and nothing is learned from answers of its landmark. Beside others it still speaks for its landmark: on real
    images leaving it out was no better. What was found from doubtful examples alone is doubtful.

    Args:
        network: what encodes the patches, in evaluation mode.
        patch_size: side of the patches in px of the network's image.
        correct_bias: take off by how much each patch is missed in its own image, see
            :func:`scripts.metrics.matching_bias`.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1, times a temperature.
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
        sigma_per_scale: float = 1.0,
        second_look: GradientRefinement | None = None,
    ) -> None:
        self.network = network
        self.patch_size = patch_size
        self.correct_bias = correct_bias
        self.sigma_per_scale = sigma_per_scale
        self.second_look = second_look
        self._entries: list[_Entry] = []
        self._stacked: tuple[torch.Tensor, torch.Tensor] | None = None

    def add(
        self,
        image: torch.Tensor,
        points: torch.Tensor,
        labels: Sequence[str],
        source: str | None = None,
        image_code: torch.Tensor | None = None,
        *,
        frame: int | None = None,
        where: str | None = None,
        fit: ImageFit | None = None,
    ) -> None:
        """Encode the patches around points of one image, and look for them there.

        Args:
            image: ``(1, C, *spatial)``, prepared as for the network.
            points: (N, spatial_dims), px of that image.
            labels: the landmark of each point.
            source: the series that the image is of, see :meth:`select`.
            image_code: the image's code where it is known; None encodes the image.
            frame: index of the image in that series.
            where: what to call image and frame in messages.
            fit: how the original image became this one, for lengths in messages; None tells them in px of this one.

        Raises:
            ValueError: the numbers of points and labels differ, or a point lies outside the image.
        """
        if len(points) != len(labels):
            raise ValueError(f"{len(points)} points and {len(labels)} labels; give one label a point")
        spatial = torch.tensor(image.shape[2:], device=points.device)
        for point, label in zip(points, labels, strict=True):
            if not ((point >= -0.5) & (point <= spatial - 0.5)).all():
                raise ValueError(f"example {label!r} at {point.tolist()} px lies outside its image {spatial.tolist()}")
        if not len(labels):
            return
        with torch.no_grad():
            codes = self.network.encode_patch(extract_patches(image, points, self.patch_size))
            image_code = self.network.encode_image(image) if image_code is None else image_code
        how: dict[str, Any] = {"sigma_per_scale": self.sigma_per_scale, "fit": fit}
        check = check_in_own_image(self.network, image, image_code, codes, points, self.patch_size, **how)
        biases = index_scale_to_normalized(check.biases * self.correct_bias, image.shape[2:])
        looks = self.second_look.look(image, points) if self.second_look else [None] * len(points)
        place = _Place(source, frame, where or source or "an image", fit)
        parts = zip(labels, points, codes, biases, looks, strict=True)
        new = [_Entry(label, place, point, code, bias, look) for label, point, code, bias, look in parts]
        judged = zip(new, check.distances, check.reasons, strict=True)
        new = [_doubted(entry, distance, reason) if reason else entry for entry, distance, reason in judged]
        self._entries += new
        self._doubt_double(len(new))
        for doubt in (entry.doubt for entry in self._entries[-len(new) :] if entry.doubt):
            logging.getLogger(type(self).__name__).warning("%s", doubt)
        self._stacked = None

    def _doubt_double(self, count: int) -> None:
        """Doubt the last ``count`` examples, which are of one frame, and those whose landmark they mark once more."""
        first = len(self._entries) - count
        place = self._entries[-1].place
        known = [i for i, entry in enumerate(self._entries[:first]) if entry.place.is_same(place)]
        for i, j in itertools.combinations([*known, *range(first, len(self._entries))], 2):
            one, other = self._entries[i], self._entries[j]
            apart = one.point - other.point
            if one.label == other.label and apart.norm() > _FEW_PX:
                distance = (place.fit.length_to_original(apart) if place.fit else apart).norm().item()
                reason = f"is marked twice in one frame, {distance:.1f} px apart"
                self._entries[i], self._entries[j] = _doubted(one, distance, reason), _doubted(other, distance, reason)

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
        for group in _by_frame(examples):
            prepared, frame = group[0].prepared, group[0].frame
            where = prepared.name if prepared.still else f"{prepared.name}, frame {frame}"
            points = torch.stack([one.network_point for one in group]).to(device)
            about: dict[str, Any] = {"source": prepared.source, "frame": frame, "where": where, "fit": prepared.fit}
            self.add(group[0].image.to(device), points, [one.label for one in group], **about)
        return self

    @property
    def doubtful(self) -> list[DoubtfulExample]:
        """The examples that do not speak for their landmark even in their own image, and why."""
        return [entry.doubt for entry in self._entries if entry.doubt]

    def doubt(self, examples: Sequence[int]) -> str:
        """What speaks against some examples, see :meth:`select`: all of them are doubtful; else an empty text."""
        doubts = [self._entries[i].doubt for i in examples]
        if not doubts or not all(doubts):
            return ""
        reason = next(one.reason for one in doubts if one)
        return f"its example {reason}" if len(doubts) == 1 else f"none of its examples is sound: one {reason}"

    def teaches(self, label: str) -> bool:
        """Whether something can be learned from answers of a landmark: none of its examples is doubtful."""
        return not any(self._entries[i].doubt for i in self.select(label))

    def has_example(self, label: str, source: str, frame: int) -> bool:
        """Whether a landmark has an example in a frame of a series."""
        return any((one.label, one.place.source, one.place.frame) == (label, source, frame) for one in self._entries)

    def drop(self, label: str) -> None:
        """Forget all examples of a landmark.

        Raises:
            KeyError: there is none.
        """
        if label not in self._labels:
            raise KeyError(f"no example of {label!r}; there are {self.labels}")
        self._keep([entry for entry in self._entries if entry.label != label])

    def drop_source(self, source: str) -> None:
        """Forget all examples of a series; there need be none."""
        self._keep([entry for entry in self._entries if entry.place.source != source])

    def _keep(self, entries: list[_Entry]) -> None:
        self._entries = entries
        self._stacked = None

    def copy(self) -> ExampleBank:
        """A bank with the same examples, not encoded again; changes of one do not show in the other."""
        other = copy.copy(self)
        other._keep(list(self._entries))
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
        self._entries = [_renamed(entry, new) if entry.label == label else entry for entry in self._entries]

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def _labels(self) -> list[str]:
        return [entry.label for entry in self._entries]

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
        own = [i for i in every if source is not None and self._entries[i].place.source == source]
        return own or every

    def select_others(self, label: str, source: str) -> list[int]:
        """Which examples speak for a landmark where those of one series shall not; there need be none."""
        return [i for i in self.select(label) if self._entries[i].place.source != source]

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
        looks = [torch.stack([_look(self._entries[i]) for i in chosen]) for chosen in examples]
        templates = [self.second_look.template(one) for one in looks]
        return self.second_look(image, torch.stack(templates), points)[0]

    def _stack(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Codes and biases in one tensor each, kept until the examples change: a live stream asks in each frame."""
        if not self._entries:
            raise ValueError("there is no example; add at least one")
        if self._stacked is None:
            codes, biases = ([getattr(entry, name) for entry in self._entries] for name in ("code", "bias"))
            self._stacked = torch.stack(codes), torch.stack(biases)
        return self._stacked

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write codes and labels, and which examples are doubtful, with the fingerprint of the weights that made them.

        Raises:
            ValueError: there is no example.
        """
        looks = [entry.look for entry in self._entries if entry.look is not None]
        content = {
            "codes": self.codes.cpu(),
            "biases": self.biases.cpu(),
            "points": torch.stack([entry.point for entry in self._entries]).cpu(),
            "looks": torch.stack(looks).cpu() if looks else torch.zeros(0),
            "second_look": repr(self.second_look),
            "labels": self._labels,
            "sources": [entry.place.source for entry in self._entries],
            "frames": [entry.place.frame for entry in self._entries],
            "doubts": [asdict(entry.doubt) if entry.doubt else None for entry in self._entries],
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
        self._keep(_entries_of(content, device))


def _entries_of(content: dict[str, Any], device: torch.device) -> list[_Entry]:
    """The examples of a file; those of before have no frames, points and doubts."""
    number = len(content["labels"])
    looks = content.get("looks", torch.zeros(0)).to(device)
    doubts = [DoubtfulExample(**one) if one else None for one in content.get("doubts", [None] * number)]
    places = [
        _Place(source, frame, doubt.where if doubt else source or "an image", None)
        for source, frame, doubt in zip(content["sources"], content.get("frames", [None] * number), doubts, strict=True)
    ]
    return [
        _Entry(*one)
        for one in zip(
            content["labels"],
            places,
            content.get("points", torch.full_like(content["biases"], torch.nan)).to(device),
            content["codes"].to(device),
            content["biases"].to(device),
            looks if len(looks) else [None] * number,
            doubts,
            strict=True,
        )
    ]


def _look(entry: _Entry) -> torch.Tensor:
    assert entry.look is not None  # of a bank with a second look
    return entry.look


def _renamed(entry: _Entry, new: str) -> _Entry:
    return replace(entry, label=new, doubt=entry.doubt and replace(entry.doubt, label=new))


def _doubted(entry: _Entry, distance: float, reason: str) -> _Entry:
    """The example with what is wrong with it, and without a bias; what was found wrong first stays."""
    place = entry.place
    doubt = entry.doubt or DoubtfulExample(entry.label, place.source, place.frame, place.where, distance, reason)
    return replace(entry, bias=torch.zeros_like(entry.bias), doubt=doubt)


def _by_frame(examples: Sequence[ExamplePoint]) -> Iterator[list[ExamplePoint]]:
    """Neighbouring examples of one frame together, in the order in which they came."""
    for _, group in itertools.groupby(examples, key=lambda one: (one.prepared.source, one.frame)):
        yield list(group)
