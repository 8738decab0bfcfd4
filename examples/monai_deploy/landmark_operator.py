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

"""An operator of MONAI Deploy that finds landmarks in a folder of images with this bundle."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow
from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext

__all__ = ["LandmarkOperator"]


class LandmarkOperator(Operator):
    """Run the bundle's ``inferring`` on a folder, and emit the folder of its results.

    The bundle reads the files itself. The loader of MONAI Deploy keeps one file of those that lie in the same place of
    the patient, which of a cine series is one frame.

    Args:
        fragment: the application.
        bundle: the bundle's folder.
        config_files: of the bundle's ``configs``, merged in this order.
        input_folder: images, of any kind that the bundle reads, in any sub-folders.
        output_folder: where ``landmarks.csv``, ``index.html``, ``markups`` and ``sr`` go.
        overrides: values of the configs, such as ``{"examples": "/path/to/examples.csv"}``.

    Raises:
        RuntimeError: input is at fault. Its cause is an ``InputError`` of the bundle, whose message names the file and,
            where nothing catches the error, is the last line on standard error.
    """

    def __init__(
        self,
        fragment: Fragment,
        *args: Any,
        bundle: Path,
        config_files: Sequence[str],
        input_folder: Path,
        output_folder: Path,
        overrides: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.bundle = bundle.resolve()
        self.config_files = [str(self.bundle / "configs" / name) for name in config_files]
        self.overrides = {
            **(overrides or {}),
            "bundle_root": str(self.bundle),
            "dataset_dir": str(input_folder.resolve()),
            "output_dir": str(output_folder.resolve()),
        }
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """One output, ``landmarks``: the folder of the results, a :class:`pathlib.Path`."""
        spec.output("landmarks")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        """Find the landmarks, and emit where they are written."""
        sys.path.insert(0, str(self.bundle))  # the configs name the bundle's own components
        os.chdir(self.bundle)
        workflow = ConfigWorkflow(
            workflow_type="infer",
            config_file=self.config_files,
            meta_file=str(self.bundle / "configs" / "metadata.json"),
            logging_file=str(self.bundle / "configs" / "logging.conf"),
            **self.overrides,
        )
        workflow.initialize()
        workflow.run()
        workflow.finalize()
        op_output.emit(Path(self.overrides["output_dir"]), "landmarks")
