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

"""Landmarks in one frame, from the examples that people have given so far."""

from __future__ import annotations

import copy
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from label_app.label_file import LabelPoint
from scripts.data.prepared_series import PreparedSeries, PrepareSeries
from scripts.inferers.assessment import assess_landmarks
from scripts.inferers.example_bank import ExampleBank
from scripts.inferers.fusion import Fusion, InverseSigmaFusion
from scripts.inferers.gradient_refinement import GradientRefinement
from scripts.inferers.trust import DOUBTS, Trust
from scripts.networks.template_matching_network import TemplateMatchingNetwork
from scripts.transforms.coordinates import normalized_scale_to_index, normalized_to_index

__all__ = ["Found", "LandmarkFinder", "is_used"]

_FrameKey = tuple[torch.nn.Module, str, int]


@dataclass(frozen=True)
class Found:
    """A landmark in one frame.

    Attributes:
        point: where it is, with its uncertainty, and whether to rely on it.
        disagreement: root mean square distance of the examples' own answers from it, px of the original image; NaN for
            one example.
    """

    point: LabelPoint
    disagreement: float


class LandmarkFinder:
    """Find landmarks in frames of any size; codes of the frames are kept.

    Args:
        network: the network, in evaluation mode.
        prepare: how images become the network's.
        patch_size: side of the patches, px of the network's image.
        fusion: how several examples of a landmark become one answer; eq. 3 by default.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1, times a temperature.
        correct_bias: take off each example's own matching bias.
        trust: limits of sigma and of the disagreement of the examples that were learned before; None takes lenient
            ones, within which an answer is unchecked.
        second_look: moves what was found to where the edges are as in the examples; None leaves it.
        device: where the network is.
        cached_codes: of how many frames the codes are kept.

    Example:
        >>> from scripts.classical import NCCMatcher
        >>> finder = LandmarkFinder(NCCMatcher(), PrepareSeries((64, 64)), 16)
        >>> finder.new_bank().labels
        []
    """

    def __init__(
        self,
        network: TemplateMatchingNetwork,
        prepare: PrepareSeries,
        patch_size: int,
        *,
        fusion: Fusion | None = None,
        sigma_per_scale: float = 1.0,
        correct_bias: bool = True,
        trust: Trust | None = None,
        second_look: GradientRefinement | None = None,
        device: torch.device | str = "cpu",
        cached_codes: int = 256,
    ) -> None:
        self.network = network
        self.prepare = prepare
        self.patch_size = patch_size
        self.fusion = fusion or InverseSigmaFusion()
        self.sigma_per_scale = sigma_per_scale
        self.correct_bias = correct_bias
        self.trust = trust
        self.second_look = second_look
        self.device = device
        self.cached_codes = cached_codes
        self._codes: OrderedDict[_FrameKey, tuple[weakref.ref[PreparedSeries], torch.Tensor]] = OrderedDict()
        self._lock = threading.RLock()

    def new_bank(self) -> ExampleBank:
        """A bank for examples of this network."""
        return ExampleBank(
            self.network,
            self.patch_size,
            correct_bias=self.correct_bias,
            sigma_per_scale=self.sigma_per_scale,
            second_look=self.second_look,
        )

    @torch.no_grad()
    def add(self, bank: ExampleBank, image: PreparedSeries, points: Sequence[LabelPoint]) -> None:
        """Add the landmarks of an image to a bank, frame by frame; those outside of the part that is used are left out.

        Args:
            bank: of :meth:`new_bank`.
            image: on which the points lie.
            points: px of the original image.
        """
        by_frame: dict[int, list[LabelPoint]] = {}
        for point in points:
            if is_used(point, image):
                by_frame.setdefault(point.frame or 0, []).append(point)
        for frame, group in by_frame.items():
            at = image.fit.to_network(torch.tensor([[point.x, point.y] for point in group])).to(self.device)
            labels = [point.label for point in group]
            code = self.encode(image, frame, bank.network)
            where = image.name if image.length == 1 else f"{image.name}, frame {frame}"
            about = {"frame": frame, "where": where, "fit": image.fit}
            bank.add(image.image(frame).to(self.device), at, labels, image.source, code, **about)

    @torch.no_grad()
    def encode(self, image: PreparedSeries, frame: int, network: TemplateMatchingNetwork | None = None) -> torch.Tensor:
        """The code of a frame, that of an earlier call if it is kept still.

        Args:
            image: the image.
            frame: index of its frame.
            network: that of a bank, which may be older than the weights of now; None for the network of now.
        """
        network = network or self.network
        key = (network, image.source, frame)
        with self._lock:
            of, code = self._codes.get(key, (None, None))
            if of is None or of() is not image:  # an image that was read again may be another
                code = network.encode_image(image.image(frame).to(self.device))
                self._codes[key] = weakref.ref(image), code
            self._codes.move_to_end(key)
            while len(self._codes) > self.cached_codes:
                self._codes.popitem(last=False)
            return code

    @torch.no_grad()
    def find(
        self,
        image: PreparedSeries,
        frame: int,
        bank: ExampleBank,
        labels: Sequence[str] | None = None,
        *,
        own_examples: bool = True,
    ) -> list[Found]:
        """Find landmarks in a frame; those that have examples in the same series are found by these alone.

        Args:
            image: the image.
            frame: index of its frame.
            bank: the examples; at least one.
            labels: the landmarks that are wanted, of those in the bank; None for all.
            own_examples: False takes the examples of all other series instead.

        Returns:
            One a landmark that has examples to be found by, px of the original image.
        """
        network = bank.network
        means, log_scales = (one[0].cpu() for one in bank.match(self.encode(image, frame, network), network))
        size, fit = self.prepare.image_size, image.fit
        points = fit.to_original(normalized_to_index(means, size))
        sigmas = fit.length_to_original(normalized_scale_to_index(log_scales.exp() * self.sigma_per_scale, size))
        select = bank.select if own_examples else bank.select_others
        examples = {label: select(label, image.source) for label in (bank.labels if labels is None else labels)}
        named_frame = None if image.length == 1 else frame
        return [
            self._fuse(bank, points, sigmas, chosen, label, named_frame, image)
            for label, chosen in examples.items()
            if chosen
        ]

    def _fuse(
        self,
        bank: ExampleBank,
        points: torch.Tensor,
        sigmas: torch.Tensor,
        examples: list[int],
        label: str,
        frame: int | None,
        image: PreparedSeries,
    ) -> Found:
        at, spread = self.fusion(points[examples], sigmas[examples])
        apart = (points[examples] - at).square().sum(dim=-1).mean().sqrt().item() if len(examples) > 1 else torch.nan
        if bank.second_look is not None:
            near = image.fit.to_network(at[None]).to(self.device)
            moved = bank.look_again(image.image(frame or 0).to(self.device), near, [examples])
            at = image.fit.to_original(moved[0].cpu())
        measures = torch.full((1, len(DOUBTS)), torch.nan)
        measures[0, :2] = torch.tensor([spread.max().item(), apart])
        doubts = [bank.doubt(examples)]
        (assessment,) = assess_landmarks(at[None], measures, image.fit, self.patch_size, self.trust, doubts)
        point = LabelPoint(label, frame, *at.tolist(), *spread.tolist(), *assessment, len(examples))
        return Found(point, apart)

    def take_weights(self, state: dict[str, torch.Tensor]) -> None:
        """Put a network of other weights in place of the one that is there; banks have to be made anew.

        Who is at work with a bank of before ends with the network of before.

        Raises:
            RuntimeError: the weights are of another network; then nothing changes.
        """
        network = copy.deepcopy(self.network)
        network.load_state_dict(state)
        with self._lock:
            self.network = network.eval()
            self._codes.clear()

    @property
    def patch_zoom(self) -> int:
        """How many times the patch encoder sees the whole patch smaller than its middle; 1 for no such encoder."""
        return getattr(getattr(self.network, "patch_encoder", None), "zoom", 1)

    @property
    def settings(self) -> dict[str, str]:
        """What answers depend on beside the weights and the examples, as texts."""
        own = ("patch_size", "patch_zoom", "sigma_per_scale", "correct_bias", "trust", "second_look")
        of_images = ("image_size", "region", "stretch", "voi", "plane", "storage")
        return {
            "fusion": f"{type(self.fusion).__name__}(shared={self.fusion.shared})",
            **{name: str(getattr(self, name)) for name in own},
            **{name: str(getattr(self.prepare, name)) for name in of_images},
        }


def is_used(point: LabelPoint, image: PreparedSeries) -> bool:
    """Whether a landmark lies on the part of its image that the network sees, see the setting ``region``.

    Example:
        >>> is_used(LabelPoint("valve", 3, 101.0, 64.5), clip)  # doctest: +SKIP
        True
    """
    return all(
        start - 0.5 <= at <= stop - 0.5
        for start, at, stop in zip(image.fit.start, (point.x, point.y), image.fit.stop, strict=True)
    )
