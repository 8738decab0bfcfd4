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

"""All files of an export, made, checked and written together."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from scripts.export.agreement import Agreement, Difference
from scripts.export.onnx_graph import OnnxGraph, export_onnx, require_onnx
from scripts.export.torchscript import export_torchscript
from scripts.export.tracking_graphs import EncodeExample, TrackFrame
from scripts.io.atomic import atomic_path
from scripts.io.input_error import InputError
from scripts.networks.template_matching_network import TemplateMatchingNetwork

__all__ = ["NetworkExport"]

_FILES = ("model.ts", "model.onnx", "encode_example.onnx", "track_frame.onnx")
# export.json's own number: another one means that its names changed
_FORMAT = 1


class NetworkExport:
    """Write the network as TorchScript and ONNX, with a description, after comparing each file with the network.

    Made in ``output_dir``:

    - ``model.ts``: TorchScript, any size of image and patch.
    - ``model.onnx``: ``image`` and ``patch`` to ``prediction``, for any number of images and patches.
    - ``encode_example.onnx``: ``patch`` to ``code``, for any number of examples.
    - ``track_frame.onnx``: ``image``, one, and ``codes``, of any number of examples, to ``prediction``.
    - ``export.json``: names, shapes, conventions, versions, the weights' and files' SHA-256, the differences found.

    All are renamed to these names when all are made and right; before, and if one is not, older ones stay.

    Args:
        network: the network with its weights; a copy of it is exported.
        weights: the file they are of.
        output_dir: folder of the files.
        image_size: spatial shape of the images, px, which the ONNX files are bound to.
        patch_size: side of the patches, px, likewise.
        sigma_per_scale: standard deviation of the distribution trained for at scale 1; for ``export.json``.
        channels: channels of images and patches.
        metadata: the bundle's metadata.
        opset: version of ONNX's operators.
        tolerance_px: the largest difference allowed for a position along an axis, px.

    Raises:
        InputError: a package is not installed.

    Example:
        >>> NetworkExport(network, "models/model.pt", "out", (224, 224), 48).run()  # doctest: +SKIP
    """

    def __init__(
        self,
        network: TemplateMatchingNetwork,
        weights: str | os.PathLike[str],
        output_dir: str | os.PathLike[str],
        image_size: Sequence[int],
        patch_size: int,
        *,
        sigma_per_scale: float = 1.0,
        channels: int = 1,
        metadata: Mapping[str, Any] | None = None,
        opset: int = 18,
        tolerance_px: float = 1e-3,
    ) -> None:
        require_onnx()
        self.network = copy.deepcopy(network).cpu().eval()
        self.weights = Path(weights)
        self.output_dir = Path(output_dir)
        self.image_size = tuple(image_size)
        self.patch_size = patch_size
        self.sigma_per_scale = sigma_per_scale
        self.channels = channels
        self.metadata = dict(metadata or {})
        self.opset = opset
        self.tolerance_px = tolerance_px
        self.agreement = Agreement(self.network, self.image_size, patch_size, channels=channels)
        self._logger = logging.getLogger(type(self).__name__)

    def run(self) -> None:
        """Make, check and write all files.

        Raises:
            InputError: the network cannot be written as ONNX, or a file does not find what the network finds.
        """
        self._logger.info(f"exporting {self.weights} to {self.output_dir}")
        with ExitStack() as renamed:
            # the description gets its name last
            description = renamed.enter_context(atomic_path(self.output_dir / "export.json"))
            made = {name: renamed.enter_context(atomic_path(self.output_dir / name)) for name in _FILES}
            files = {
                "model.ts": self._torchscript(made["model.ts"]),
                "model.onnx": self._matching_graph(made["model.onnx"]),
                **self._tracking_graphs(made["encode_example.onnx"], made["track_frame.onnx"]),
            }
            description.write_text(json.dumps(self._describe(files), indent=4) + "\n", encoding="utf-8")
        self._logger.info(f"{self.output_dir / 'export.json'} tells how to use them")

    def _torchscript(self, path: Path) -> dict[str, Any]:
        began = time.perf_counter()
        export_torchscript(self.network, path, self.metadata)
        scripted = torch.jit.load(path)
        matching = self.agreement.matching(scripted)
        tracking = self.agreement.tracking(
            scripted.encode_patch, lambda image, codes: scripted.match(scripted.encode_image(image), codes)
        )
        difference = Difference.largest([matching, tracking])
        self._require("model.ts", difference, path, began)
        return self._file(path, self._matching_shapes(), difference)

    def _matching_graph(self, path: Path) -> dict[str, Any]:
        began = time.perf_counter()
        inputs = {"image": self._zeros(2, self.image_size), "patch": self._zeros(4, self._patch_shape)}
        shapes = self._matching_shapes()
        export_onnx(self.network, path, inputs, "prediction", free=_free(shapes), opset=self.opset)
        difference = self.agreement.matching(OnnxGraph(path))
        self._require("model.onnx", difference, path, began)
        return self._file(path, shapes, difference)

    def _tracking_graphs(self, encode_path: Path, track_path: Path) -> dict[str, dict[str, Any]]:
        """Both: each is right where one after the other is."""
        began = time.perf_counter()
        encode, track = EncodeExample(self.network), TrackFrame(self.network)
        patch = self._zeros(2, self._patch_shape)
        with torch.no_grad():
            codes = torch.zeros_like(encode(patch))
        image = self._zeros(1, self.image_size)
        encode_shapes = {
            "inputs": {"patch": ["examples", *patch.shape[1:]]},
            "outputs": {"code": ["examples", *codes.shape[1:]]},
        }
        track_shapes = {
            "inputs": {"image": list(image.shape), "codes": ["examples", *codes.shape[1:]]},
            "outputs": {"prediction": ["examples", 2 * len(self.image_size)]},
        }
        export_onnx(encode, encode_path, {"patch": patch}, "code", free=_free(encode_shapes), opset=self.opset)
        inputs = {"image": image, "codes": codes}
        export_onnx(track, track_path, inputs, "prediction", free=_free(track_shapes), opset=self.opset)
        difference = self.agreement.tracking(OnnxGraph(encode_path), OnnxGraph(track_path))
        self._require("encode_example.onnx and track_frame.onnx", difference, track_path, began)
        return {
            "encode_example.onnx": self._file(encode_path, encode_shapes, difference),
            "track_frame.onnx": self._file(track_path, track_shapes, difference),
        }

    @property
    def _patch_shape(self) -> tuple[int, ...]:
        return (self.patch_size,) * len(self.image_size)

    def _zeros(self, number: int, shape: Sequence[int]) -> torch.Tensor:
        return torch.zeros(number, self.channels, *shape)

    def _matching_shapes(self) -> dict[str, dict[str, list[str | int]]]:
        return {
            "inputs": {
                "image": ["images", self.channels, *self.image_size],
                "patch": ["patches", self.channels, *self._patch_shape],
            },
            "outputs": {"prediction": ["patches", 2 * len(self.image_size)]},
        }

    def _require(self, name: str, difference: Difference, path: Path, began: float) -> None:
        """Refuse a file that is wrong; tell of one that is right."""
        if not difference.within(self.tolerance_px):
            raise InputError(
                f"{name} does not find what the network finds: positions differ by {difference.px:.3g} px, log scales "
                f"by {difference.log_scale:.3g}, where {self.tolerance_px:g} px and 0.01 are allowed; nothing was "
                f"written. Check the weights {self.weights}, or take the versions of torch, onnx, onnxscript and "
                "onnxruntime in constraints.txt"
            )
        self._logger.info(
            f"{name}: checked, positions differ by {difference.px:.1g} px at most, "
            f"{path.stat().st_size / 1e6:.1f} MB, {time.perf_counter() - began:.0f} s"
        )

    def _file(self, path: Path, shapes: dict[str, Any], difference: Difference) -> dict[str, Any]:
        return {
            **shapes,
            "largest_difference_px": difference.px,
            "largest_difference_log_scale": difference.log_scale,
            "sha256": _sha256(path),
        }

    def _describe(self, files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        packages = ("torch", "monai", "numpy", "onnx", "onnxscript", "onnxruntime")
        return {
            "format": _FORMAT,
            "bundle": {name: self.metadata[name] for name in ("name", "version") if name in self.metadata},
            "image_size": list(self.image_size),
            "patch_size": self.patch_size,
            "channels": self.channels,
            "dtype": "float32",
            "intensity": "percentiles 0.5 and 99.5 of the whole series become 0 and 1; what is beyond is clipped",
            "coordinates": {
                "point": "point[i] indexes axis i of an image (X, Y); pixel centres are integers",
                "prediction": "for each axis the mean, then for each axis the natural log of the scale, normalised",
                "position_px": "((mean + 1) * size - 1) / 2, with the size of the axis in image_size",
                "sigma_px": "exp(log_scale) * sigma_per_scale * size / 2",
            },
            "sigma_per_scale": self.sigma_per_scale,
            "opset": self.opset,
            "weights": {"file": self.weights.name, "sha256": _sha256(self.weights)},
            "largest_difference_px": max(file["largest_difference_px"] for file in files.values()),
            "files": dict(files),
            "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        }


def _free(shapes: Mapping[str, Mapping[str, Sequence[str | int]]]) -> dict[str, str]:
    """The named first axes of inputs and outputs."""
    return {name: shape[0] for part in shapes.values() for name, shape in part.items() if isinstance(shape[0], str)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
