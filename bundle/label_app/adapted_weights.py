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

"""Weights that were adapted to a folder of images, which a running server takes up."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from label_app.landmark_finder import LandmarkFinder
from scripts.io.atomic import atomic_path
from scripts.networks.fingerprint import weights_fingerprint

__all__ = ["AdaptedWeights"]

_OF_NETWORK = ("patch_size", "patch_zoom", "image_size", "region", "stretch", "voi", "plane")


class AdaptedWeights:
    """A file of weights and ``adapted.json`` beside it, which tells how good they are and what they were made from.

    The JSON names the weights' file, which has a name of its own and is written first: so whoever reads the JSON finds
    the weights that it speaks of, whenever writing is cut off. Remove it, and start the server anew, to go back to the
    weights that the server is given.

    Args:
        folder: where the files are.
        finder: the network, with the weights that it has before any are adapted.

    Example:
        >>> weights = AdaptedWeights("images/.landmarks/weights", finder)  # doctest: +SKIP
        >>> weights.offer(state, before=8.1, after=7.4)  # doctest: +SKIP
        True
    """

    def __init__(self, folder: str | os.PathLike[str], finder: LandmarkFinder) -> None:
        self.folder = Path(folder)
        self.finder = finder
        self.base = weights_fingerprint(finder.network)
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The JSON."""
        return self.folder / "adapted.json"

    def describe(self) -> dict[str, Any]:
        """What the JSON tells; empty where nothing is adapted yet or it is damaged."""
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def offer(
        self, state: Mapping[str, torch.Tensor], before: float, after: float, told: Mapping[str, Any] | None = None
    ) -> bool:
        """Keep new weights if they are better than those of before.

        Args:
            state: the network's state dict.
            before: error of the weights of before, px of the network's image.
            after: error of the new ones, measured in the same way.
            told: more for the JSON, plain values.

        Returns:
            Whether they are kept.
        """
        if not after < before:  # NaN is no better
            return False
        name = self._write_weights(state)
        content = {
            "weights": name,
            "base": self.base,
            "network": self._network_settings(),
            "before_px": before,
            "after_px": after,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            **(told or {}),
        }
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        for old in self.folder.glob("adapted-*.pt"):
            if old.name != name:
                old.unlink(missing_ok=True)
        return True

    def refresh(self) -> None:
        """Give the network the adapted weights if they are new; those made from others are left alone, with a word."""
        with self._lock:
            try:
                status = self.path.stat()
            except OSError:
                return
            stamp = status.st_mtime_ns, status.st_ino
            if stamp == self._stamp:
                return
            self._stamp = stamp
            reason = self._take()
            if reason:
                logging.getLogger(type(self).__name__).warning("%s is not taken up: %s", self.path, reason)

    def _take(self) -> str:
        """Take the weights up; else the reason why not."""
        told = self.describe()
        if told.get("base") != self.base:
            return "it was made from other weights than those of ckpt_path"
        if told.get("network") != self._network_settings():
            return f"it was made with other settings, {told.get('network')}"
        try:
            path = self.folder / Path(told["weights"]).name
            self.finder.take_weights(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises many kinds for a file that is no state dict
            return f"its weights cannot be read ({error})"
        return ""

    def _write_weights(self, state: Mapping[str, torch.Tensor]) -> str:
        name = f"adapted-{time.time_ns()}.pt"
        with atomic_path(self.folder / name) as temporary:
            torch.save(dict(state), temporary)
        return name

    def _network_settings(self) -> dict[str, str]:
        return {name: self.finder.settings[name] for name in _OF_NETWORK}
