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

"""Modules as ONNX files, and running these without torch's help."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from scripts.io.input_error import InputError, first_line

__all__ = ["OnnxGraph", "export_onnx", "require_onnx"]


def require_onnx() -> None:
    """Refuse to begin where a package is missing that the end needs.

    Raises:
        InputError: onnx, onnxruntime or onnxscript cannot be imported.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"the export to ONNX needs packages that are not here ({first_line(error)}); "
            "install them with: pip install onnx onnxruntime onnxscript"
        ) from error


def export_onnx(
    module: nn.Module,
    path: str | os.PathLike[str],
    inputs: Mapping[str, torch.Tensor],
    output: str,
    *,
    free: Mapping[str, str],
    opset: int = 18,
) -> None:
    """Write a module as one ONNX file, its weights within.

    The file holds no names of local folders, which torch's exporter notes at each node, and is the same each time.

    Args:
        module: what is exported, on the CPU and in evaluation mode.
        path: the file.
        inputs: an example of each of ``module.forward``'s arguments, by its name and in its order; where the first
            axis is free, of 2 or more there, because torch takes a 1 for fixed.
        output: name of the one output.
        free: for inputs and the output whose first axis is free, the name of that axis; all other axes are fixed.
        opset: version of ONNX's operators.

    Raises:
        InputError: the module has an operation that ONNX has not, or whose result depends on more than shapes.

    Example:
        >>> free = {"x": "rows", "y": "rows"}
        >>> export_onnx(nn.Linear(3, 2), "linear.onnx", {"x": torch.rand(2, 3)}, "y", free=free)  # doctest: +SKIP
    """
    require_onnx()
    import onnx

    dynamic = tuple({0: free[name]} if name in free else {} for name in inputs)
    try:
        with _quiet(), torch.no_grad():
            torch.onnx.export(
                module,
                tuple(inputs.values()),
                path,
                input_names=list(inputs),
                output_names=[output],
                dynamic_shapes=dynamic,
                opset_version=opset,
                # the older exporter cannot pool 6 cells to 4, which the heads do
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # torch raises many kinds, some private
        raise InputError(
            f"{type(module).__name__} cannot be written as ONNX ({first_line(error)}); take another encoder "
            "(residual, resnet18) or the versions in constraints.txt"
        ) from error
    model = onnx.load(path)
    for node in model.graph.node:
        node.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    if output in free:
        # torch writes images*((patches//images)) where there are patches
        model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = free[output]
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back hundreds of lines of the exporter's own steps, and torch's warnings of deprecated parts of torch."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class OnnxGraph:
    """An ONNX file of one output, run by ONNX Runtime on the CPU.

    Args:
        path: the file.

    Raises:
        InputError: ONNX Runtime is not installed.

    Example:
        >>> OnnxGraph("linear.onnx")(torch.rand(5, 3)).shape  # doctest: +SKIP
        torch.Size([5, 2])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        require_onnx()
        import onnxruntime

        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.inputs = [node.name for node in self._session.get_inputs()]

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The output for inputs in their order."""
        feed = {name: value.numpy() for name, value in zip(self.inputs, inputs, strict=True)}
        return torch.from_numpy(self._session.run(None, feed)[0])
