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
"""The config for several GPUs, with two processes on the CPU."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from bundle_command import run_bundle
from scripts.data.phantom import write_phantom

SMALL = ["--image_size", "[48,44]", "--patch_size", "16", "--batch_size", "2", "--patches_per_image", "2"]
SMALL += ["--max_epochs", "1", "--steps_per_epoch", "2"]


class LandmarkTemplateMatchingDistTest(unittest.TestCase):
    def test_train(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_phantom(folder / "images", subjects=range(2), size=(48, 44), n_frames=6, motion_px=4.0)
            where = ["--dataset_dir", str(folder / "images"), "--ckpt_dir", name, "--output_dir", name]
            run = run_bundle("training", ["train.json", "multi_gpu_train.json"], *where, *SMALL, processes=2)
            assert run.returncode == 0, run.stderr[-3000:]
            assert (folder / "model.pt").is_file()


if __name__ == "__main__":
    unittest.main()
