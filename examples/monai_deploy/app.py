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

"""Landmarks of a folder of images, as an application of MONAI Deploy: ``python app.py -i IN -o OUT -m BUNDLE``."""

from __future__ import annotations

from pathlib import Path

from cuda.pathfinder import load_nvidia_dynamic_lib

load_nvidia_dynamic_lib("cudart")  # Holoscan, which needs it without a GPU too, looks for it in the system alone

from holoscan.conditions import CountCondition
from landmark_operator import LandmarkOperator
from monai.deploy.core import (
    Application,
    ExecutionContext,
    InputContext,
    Operator,
    OperatorSpec,
    OutputContext,
)

__all__ = ["LandmarkApp", "ReportOperator"]


class ReportOperator(Operator):
    """Tell what was found; what sends results on to an archive stands in its place."""

    def setup(self, spec: OperatorSpec) -> None:
        """One input, ``landmarks``: the folder of the results."""
        spec.input("landmarks")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        """Count the DICOM reports and say where they are."""
        folder = op_input.receive("landmarks")
        reports = len(list(folder.glob("sr/**/*.dcm")))
        print(f"{reports} DICOM report{'' if reports == 1 else 's'} and landmarks.csv in {folder}")


class LandmarkApp(Application):
    """Find landmarks, then tell of them. Which, with which weights, says ``app.yaml``."""

    def compose(self) -> None:
        """Join the operators; folders come from the command line or from MONAI Deploy's variables."""
        context = Application.init_app_context(self.argv)
        find = LandmarkOperator(
            self,
            CountCondition(self, 1),
            bundle=Path(context.model_path),
            input_folder=Path(context.input_path),
            output_folder=Path(context.output_path),
            name="find_landmarks",
            **self.kwargs("landmarks"),
        )
        self.add_flow(find, ReportOperator(self, name="report"), {("landmarks", "landmarks")})


if __name__ == "__main__":
    app = LandmarkApp()
    app.config(str(Path(__file__).with_name("app.yaml")))
    app.run()
