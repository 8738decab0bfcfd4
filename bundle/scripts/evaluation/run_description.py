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

"""What a report tells of the data, the weights and the software."""

from __future__ import annotations

import os
import platform
from collections import Counter
from pathlib import Path

from monai.config import get_config_values

from scripts.data.frame_dataset import FrameDataset
from scripts.inferers.example_bank import StorableMatcher
from scripts.networks.weights_file import WeightsFile

__all__ = ["describe_run"]


def describe_run(
    dataset: FrameDataset, network: StorableMatcher, patch_size: int, weights: str | os.PathLike[str] | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Name and value of what was evaluated, by caption.

    Args:
        dataset: the images.
        network: the network.
        patch_size: side of the patches, px of the network's image.
        weights: file of the weights; none is told of if it is not there.

    Returns:
        The rows of ``Data``, ``Weights`` and ``Versions``.

    Example:
        >>> describe_run(dataset, network, 48)["Data"][0]  # doctest: +SKIP
        ('Series', '950')
    """
    sizes = Counter(one.fit.original for one in dataset.series)
    common = ", ".join(f"{' x '.join(map(str, size))} px ({number})" for size, number in sizes.most_common(3))
    patients = {one.series.patient for one in dataset.series if one.series.patient is not None}
    parts = [type(network)] + [
        type(getattr(network, name)) for name in ("image_encoder", "head") if hasattr(network, name)
    ]
    about = {
        "Data": [
            ("Series", str(len(dataset.series))),
            ("Images", str(len(dataset))),
            ("Patients", str(len(patients)) if patients else "not told by the data list"),
            ("Formats", ", ".join(sorted({one.series.format for one in dataset.series}))),
            ("Sizes", common + (" and others" if len(sizes) > 3 else "")),
            ("Size at the network", f"{' x '.join(map(str, dataset.image_size))} px, patches of {patch_size} px"),
        ],
        "Weights": [
            ("Network", ", ".join(part.__name__ for part in parts)),
            ("Parameters", f"{sum(parameter.numel() for parameter in network.parameters()):,}"),
        ],
        "Versions": [(name, str(version)) for name, version in get_config_values().items()],
    }
    if weights is not None and Path(weights).is_file():
        file = WeightsFile.of(weights)
        about["Weights"] += [("Name", file.name + (", as shipped" if file.shipped else ""))]
        about["Weights"] += [("File", file.path), ("SHA-256", file.sha256)]
    about["Versions"] += [("Python", platform.python_version()), ("System", platform.platform())]
    return about
