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

"""How well landmarks are followed through the series on which they were given."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from scripts.data.example_images import ExamplePoint
from scripts.data.image_series import ImageSeries
from scripts.data.known_landmarks import read_known_landmarks
from scripts.metrics.cyclic_error import Matcher, round_trips

__all__ = ["LandmarkTrack", "TrueTracks", "mean_cyclic_error", "motion", "track_errors", "track_landmarks"]


@dataclass(frozen=True)
class LandmarkTrack:
    """One example followed through its series.

    Attributes:
        example: what was given.
        points: (T, 2), where it was found in each frame, px of the original image.
        cyclic_errors: (T,), eq. 4 at this point for each frame as the target, px of the original image.
    """

    example: ExamplePoint
    points: torch.Tensor
    cyclic_errors: torch.Tensor


def track_landmarks(
    matcher: Matcher,
    examples: Sequence[ExamplePoint],
    patch_size: int,
    device: torch.device | str = "cpu",
    *,
    correct_bias: bool = False,
) -> list[LandmarkTrack]:
    """Follow each example through all frames of its own series, each frame on its own, and match it back.

    The examples of one frame share each image's code.

    Args:
        matcher: the network, in evaluation mode, or another matcher.
        examples: points, of any number of series.
        patch_size: side of the patches, px of the network's image.
        device: where the matcher is.
        correct_bias: take off each patch's bias, out and back, see :func:`scripts.metrics.matching_bias`.

    Returns:
        A track for each example; those of one frame come together, where the first of them is.
    """
    frames_with_examples: dict[tuple[ImageSeries, int], list[ExamplePoint]] = defaultdict(list)
    for example in examples:
        frames_with_examples[example.prepared.series, example.frame].append(example)
    tracks: list[LandmarkTrack] = []
    for together in tqdm(frames_with_examples.values(), desc="tracking", unit="series", disable=None):
        tracks += _track_together(matcher, together, patch_size, device, correct_bias)
    return tracks


def _track_together(
    matcher: Matcher, examples: list[ExamplePoint], patch_size: int, device: torch.device | str, correct_bias: bool
) -> list[LandmarkTrack]:
    prepared, key = examples[0].prepared, examples[0].image.to(device)
    start = torch.stack([example.network_point for example in examples]).to(device)
    frames = (frame.to(device) for frame in prepared.frames.split(1))
    trips = list(round_trips(matcher, key, frames, start, patch_size, correct_bias=correct_bias))
    points = prepared.fit.to_original(torch.stack([trip.found for trip in trips]).cpu())
    returned = prepared.fit.to_original(torch.stack([trip.returned for trip in trips]).cpu())
    return [
        LandmarkTrack(example, points[:, i], (returned[:, i] - example.point).norm(dim=-1))
        for i, example in enumerate(examples)
    ]


def mean_cyclic_error(tracks: Iterable[LandmarkTrack]) -> float:
    """Mean cyclic error over landmarks and target frames, the example's own frame left out, px."""
    return torch.cat([_other_frames(track.cyclic_errors, track) for track in tracks]).mean().item()


def motion(tracks: Iterable[LandmarkTrack]) -> dict[str, float]:
    """Largest distance of each landmark from where it was given, px; near 0 for a tracker that never moves.

    NaN where an answer was not finite.
    """
    largest: dict[str, float] = {}
    for track in tracks:
        moved = (track.points - track.example.point).norm(dim=-1).max().item()
        largest[track.example.label] = float(np.maximum(largest.get(track.example.label, 0.0), moved))
    return largest


class TrueTracks:
    """True positions of landmarks in the frames of series.

    Args:
        path: file of known landmarks, see :func:`scripts.data.read_known_landmarks`.
        examples: points whose series are to be compared.

    Attributes:
        missing: a line for each example whose landmark the file does not give in all frames of its series.

    Raises:
        InputError: the file is at fault.
    """

    def __init__(self, path: str | os.PathLike[str], examples: Sequence[ExamplePoint]) -> None:
        images = list({example.prepared.source: example.prepared for example in examples}.values())
        rows = read_known_landmarks(path, images)
        self._rows = {(row.image, row.frame or 0, row.label): (row.x, row.y) for row in rows}
        self.missing = []
        for example in examples:
            absent = int(self.of(example).isnan().any(dim=-1).sum())
            if absent:
                frames = f"{absent} of {example.prepared.length} frames"
                self.missing.append(f"{example.label} of {example.prepared.name}: no true position in {frames}")

    def of(self, example: ExamplePoint) -> torch.Tensor:
        """Where the example's landmark is in each frame, (T, 2), px of the original image; NaN where not given."""
        unknown = (math.nan, math.nan)
        frames = range(example.prepared.length)
        return torch.tensor([self._rows.get((example.prepared.name, t, example.label), unknown) for t in frames])


def track_errors(tracks: Iterable[LandmarkTrack], truth: TrueTracks) -> tuple[dict[str, float], dict[str, float]]:
    """Errors of the tracker, and of leaving each landmark where it was given.

    Args:
        tracks: the tracks.
        truth: the true tracks.

    Returns:
        Mean Euclidean error a label, px, of the tracks and of the copied first position; frames of the examples and
        those with no true position are left out, and so are labels with no other frame.
    """
    errors: dict[str, list[torch.Tensor]] = defaultdict(list)
    copied: dict[str, list[torch.Tensor]] = defaultdict(list)
    for track in tracks:
        points = truth.of(track.example)
        errors[track.example.label].append(_other_frames((track.points - points).norm(dim=-1), track))
        copied[track.example.label].append(_other_frames((track.example.point - points).norm(dim=-1), track))
    return _means(errors), _means(copied)


def _other_frames(values: torch.Tensor, track: LandmarkTrack) -> torch.Tensor:
    return torch.cat([values[: track.example.frame], values[track.example.frame + 1 :]])


def _means(errors: dict[str, list[torch.Tensor]]) -> dict[str, float]:
    means = {label: torch.cat(values).nanmean().item() for label, values in errors.items()}
    return {label: mean for label, mean in means.items() if not math.isnan(mean)}
