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

"""How long one image takes."""

from __future__ import annotations

import torch
from torch.utils.benchmark import Timer

from scripts.data.frame_dataset import FrameDataset
from scripts.evaluation.frames import Frame
from scripts.evaluation.result import EvaluationResult
from scripts.metrics.cyclic_error import Matcher, encode_patches, match_points

__all__ = ["InferenceTime"]


class InferenceTime:
    """Time to encode one image and match encoded examples in it (the time column of Frueh et al. 2022, Tables 2 and 3).

    Args:
        dataset: the first image of it is used.
        patch_size: side of the patches, px of the network's image.
        examples: number of examples that are matched.
        seconds: how long to measure.

    Example:
        >>> InferenceTime(dataset, 48)(network).metrics["ms_per_image"]  # doctest: +SKIP
        7.3
    """

    def __init__(self, dataset: FrameDataset, patch_size: int, *, examples: int = 20, seconds: float = 1.0) -> None:
        self.dataset = dataset
        self.patch_size = patch_size
        self.examples = examples
        self.seconds = seconds

    @torch.no_grad()
    def __call__(self, matcher: Matcher, device: torch.device | str = "cpu") -> EvaluationResult:
        """Median over the measured runs, on the device, or on as many threads as torch has."""
        image = Frame(self.dataset.series[0], 0).image(device)
        shape = image.shape[2:]
        places = torch.rand(self.examples, len(shape), generator=torch.Generator().manual_seed(0))
        points = (places * torch.tensor(shape)).to(device)
        codes = encode_patches(matcher, image, points, self.patch_size)
        threads = torch.get_num_threads()
        timer = Timer(
            "match(matcher, matcher.encode_image(image), codes, shape)",
            globals={"match": match_points, "matcher": matcher, "image": image, "codes": codes, "shape": shape},
            num_threads=threads,
        )
        median = timer.blocked_autorange(min_run_time=self.seconds).median
        metrics = {"ms_per_image": 1000 * median, "examples": self.examples, "device": str(device)}
        return EvaluationResult("inference_time", metrics | ({"threads": threads} if str(device) == "cpu" else {}))
