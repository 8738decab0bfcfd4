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
"""Training, evaluation and inference from Python with overrides, in the form of the Model Zoo's unit tests."""

from __future__ import annotations

import os
import sys
import tempfile
import unittest
from pathlib import Path

from monai.bundle import ConfigWorkflow

from bundle_command import BUNDLE

OVERRIDES = {"image_size": [48, 44], "patch_size": 16, "bundle_root": str(BUNDLE)}
TRAINING = {"max_epochs": 1, "steps_per_epoch": 2, "patches_per_image": 2, "batch_size": 4}


class LandmarkTemplateMatchingTest(unittest.TestCase):
    def setUp(self) -> None:
        from scripts.data.phantom import write_phantom

        self._before = os.getcwd()
        os.chdir(BUNDLE)
        sys.path.insert(0, str(BUNDLE))
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.images = self.folder / "images"
        write_phantom(self.images, subjects=range(2), size=(48, 44), n_frames=6, motion_px=4.0)

    def tearDown(self) -> None:
        os.chdir(self._before)
        sys.path.remove(str(BUNDLE))
        self._folder.cleanup()

    def run_workflow(self, kind: str, name: str, **overrides: object) -> ConfigWorkflow:
        workflow = ConfigWorkflow(
            workflow_type=kind,
            config_file=str(BUNDLE / "configs" / f"{name}.json"),
            logging_file=str(BUNDLE / "configs" / "logging.conf"),
            meta_file=str(BUNDLE / "configs" / "metadata.json"),
            **{**OVERRIDES, "dataset_dir": str(self.images), "output_dir": str(self.folder / "out"), **overrides},
        )
        workflow.initialize()
        assert not workflow.check_properties()
        workflow.run()
        workflow.finalize()
        return workflow

    def test_train_evaluate_infer(self) -> None:
        self.run_workflow("train", "train", ckpt_dir=str(self.folder), **TRAINING)
        trained = {"ckpt_path": str(self.folder / "model.pt"), "examples": str(self.images / "examples.csv")}
        self.run_workflow("infer", "evaluate", **trained)
        assert (self.folder / "out" / "metrics.json").is_file()
        self.run_workflow("infer", "inference", **trained)
        assert len((self.folder / "out" / "landmarks.csv").read_text().splitlines()) > 12


if __name__ == "__main__":
    unittest.main()
