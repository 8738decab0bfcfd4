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
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from monai.data import load_net_with_metadata

from scripts.export import Agreement, export_torchscript
from scripts.networks import TemplateMatchingNetwork


@pytest.mark.parametrize("head", ["correlation", "regression"])
def test_the_file_finds_what_the_network_finds(
    head: str, make_network: Callable[..., TemplateMatchingNetwork], tmp_path: Path
) -> None:
    network = make_network(head)
    export_torchscript(network, tmp_path / "model.ts", {"version": "0.1.0"})
    scripted, metadata, _ = load_net_with_metadata(str(tmp_path / "model.ts"))
    assert metadata == {"version": "0.1.0"}
    # any size, not only that of an export
    for size in ((64, 80), (48, 44)):
        agreement = Agreement(network, size, 32)
        assert agreement.matching(scripted).within(1e-3)
        tracked = agreement.tracking(
            scripted.encode_patch, lambda image, codes: scripted.match(scripted.encode_image(image), codes)
        )
        assert tracked.within(1e-3)


def test_without_a_patch_the_central_crop_is_looked_for(
    make_network: Callable[..., TemplateMatchingNetwork], tmp_path: Path
) -> None:
    network = make_network()
    export_torchscript(network, tmp_path / "model.ts")
    image = torch.rand(2, 1, 64, 80)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.load(tmp_path / "model.ts")(image), network(image))
