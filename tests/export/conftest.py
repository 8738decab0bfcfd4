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
"""Small networks, and one export of the correlation head as the configs make it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.networks import CorrelationHead, RegressionHead, TemplateMatchingNetwork, build_encoder

BUNDLE = Path(__file__).parents[2] / "bundle"
IMAGE_SIZE = (64, 80)
PATCH_SIZE = 32


def _make_network(head: str = "correlation", encoder: str = "residual") -> TemplateMatchingNetwork:
    """A network of random weights whose batch norms have seen images, with the patches' two views of the configs."""
    torch.manual_seed(0)
    encoders = build_encoder(encoder), build_encoder(encoder, zoom=2)
    head_type = {"correlation": CorrelationHead, "regression": RegressionHead}[head]
    network = TemplateMatchingNetwork(*encoders, head_type(*encoders), patch_size=PATCH_SIZE)
    with torch.no_grad():
        for _ in range(5):
            network(torch.rand(2, 1, *IMAGE_SIZE), torch.rand(4, 1, PATCH_SIZE, PATCH_SIZE))
    return network.eval()


@pytest.fixture
def make_network() -> Callable[..., TemplateMatchingNetwork]:
    return _make_network


class Exported(NamedTuple):
    """What an export was made of, and where it is."""

    network: TemplateMatchingNetwork
    weights: Path
    folder: Path
    image_size: tuple[int, int]
    patch_size: int


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The run ``exporting``, in this process."""
    network = _make_network()
    folder = tmp_path_factory.mktemp("exported")
    weights = folder / "model.pt"
    torch.save(network.state_dict(), weights)
    made = Exported(network, weights, folder / "export", IMAGE_SIZE, PATCH_SIZE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(BUNDLE)
        patch.setattr(sys, "excepthook", sys.excepthook)  # the config replaces it
        workflow = ConfigWorkflow(
            config_file=["configs/inference.json", "configs/export.json"],
            meta_file="configs/metadata.json",
            logging_file="configs/logging.conf",
            workflow_type="infer",
            run_id="exporting",
            ckpt_path=str(weights),
            output_dir=str(made.folder),
            image_size=list(IMAGE_SIZE),
            patch_size=PATCH_SIZE,
            sigma_per_scale=2.0,
        )
        workflow.initialize()
        workflow.run()
    return made
