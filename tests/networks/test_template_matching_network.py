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
"""Tests of the dual-encoder network: what is shared, what is encoded once, and that it scripts."""

from __future__ import annotations

import io

import pytest
import torch
import torch.nn.functional as F

from scripts.io.input_error import InputError
from scripts.losses import GaussianNLLLoss, HeatmapCrossEntropyLoss, MatchingLoss
from scripts.networks import CorrelationHead, RegressionHead, ResidualEncoder, TemplateMatchingNetwork, build_encoder
from scripts.transforms import RandPatchCenter

HEADS = [CorrelationHead, RegressionHead]


def make_network(head: type, dims: int = 2, patch_size: int = 16) -> TemplateMatchingNetwork:
    torch.manual_seed(0)
    image_encoder, patch_encoder = (ResidualEncoder(dims, channels=(4, 6, 8, 10)) for _ in range(2))
    return TemplateMatchingNetwork(
        image_encoder, patch_encoder, head(image_encoder, patch_encoder, dims), patch_size
    ).eval()


def rand(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture(params=HEADS, ids=lambda head: head.__name__)
def network(request) -> TemplateMatchingNetwork:
    return make_network(request.param)


def test_the_encoders_share_no_weight(network):
    of_images = {id(p) for p in network.image_encoder.parameters()}
    of_patches = {id(p) for p in network.patch_encoder.parameters()}
    assert of_images
    assert of_patches
    assert not of_images & of_patches
    storage = {p.untyped_storage().data_ptr() for p in network.image_encoder.parameters()}
    assert not storage & {p.untyped_storage().data_ptr() for p in network.patch_encoder.parameters()}


def test_training_one_match_gives_every_part_a_gradient(network):
    network.train()
    network(rand(2, 1, 64, 48), rand(2, 1, 16, 16), True).square().sum().backward()
    for part in (network.image_encoder, network.patch_encoder):
        assert all(p.grad is not None and p.grad.isfinite().all() for p in part.parameters())


@pytest.mark.parametrize(("shape", "cut"), [((64, 48), (24, 16)), ((65, 49), (24, 16)), ((96, 32), (40, 8))])
def test_with_no_patch_the_central_crop_is_the_patch(network, shape, cut):
    image = rand(2, 1, *shape)
    patch = image[:, :, cut[0] : cut[0] + 16, cut[1] : cut[1] + 16]
    assert torch.equal(network(image), network(image, patch))
    assert not torch.equal(network(image), network(image, patch.flip(2)))


def test_with_no_patch_an_image_smaller_than_a_patch_is_its_own_patch():
    network = make_network(CorrelationHead, patch_size=80)
    image = rand(1, 1, 64, 96)
    assert torch.equal(network(image), network(image, image[..., 8:88]))


def test_the_heatmap_comes_behind_the_point():
    network = make_network(CorrelationHead)
    image, patches = rand(2, 1, 64, 48), rand(6, 1, 16, 16)
    plain, whole = network(image, patches), network(image, patches, heatmap=True)
    assert plain.shape == (6, 4)
    assert whole.shape == (6, 4 + 16 * 12)
    assert torch.equal(whole[:, :4], plain)
    heatmap = whole[:, 4:].reshape(6, 16, 12)
    torch.testing.assert_close(network.head.read_heatmap(heatmap), plain)


def test_a_head_with_no_heatmap_appends_none():
    assert make_network(RegressionHead)(rand(2, 1, 64, 48), rand(6, 1, 16, 16), heatmap=True).shape == (6, 4)


def test_encode_once_and_match_many_equals_forward(network):
    images, patches = rand(3, 1, 64, 48), rand(5, 1, 16, 16)
    image_codes, patch_codes = network.encode_image(images), network.encode_patch(patches)
    for i in range(3):
        many = network.match(image_codes[i, None], patch_codes)
        assert many.shape == (5, 4)
        for k in range(5):
            one = network(images[i, None], patches[k, None])
            torch.testing.assert_close(many[k, None], one, atol=1e-5, rtol=1e-5)


def test_a_batch_in_which_each_image_has_patches_equals_pairs(network):
    images, patches = rand(3, 1, 64, 48), rand(6, 1, 16, 16)
    together = network(images, patches)
    pairs = [network(images[i // 2, None], patches[i, None]) for i in range(6)]
    torch.testing.assert_close(together, torch.cat(pairs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.6), (torch.float16, 0.1)])
def test_in_half_precision_positions_stay_and_the_output_is_float32(dtype, tolerance):
    """Of a network that has learned to match, as far as 100 steps go: its heatmaps have peaks."""
    network = make_network(CorrelationHead)
    augment = RandPatchCenter(16, patches_per_image=8, seed=0)
    images = F.interpolate(rand(8, 1, 10, 10), (64, 64), mode="bicubic")
    loss = MatchingLoss(GaussianNLLLoss(), HeatmapCrossEntropyLoss((16, 16)))
    optimizer = torch.optim.Adam(network.train().parameters(), 5e-3)
    for _ in range(100):
        image, patch, center = augment(images)
        optimizer.zero_grad()
        loss(network(image, patch, heatmap=True), center).backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        full = network(image, patch)
        with torch.autocast("cpu", dtype):
            half = network(image, patch)
    assert half.dtype == torch.float32
    # where the peak is clear, the mean differs by parts of a pixel; 32 px are 1
    sure = full[:, 2:].amax(dim=1) < full[:, 2:].amax(dim=1).median()
    assert (half - full)[sure, :2].abs().median() * 32 < tolerance / 4
    assert (half - full)[sure, :2].abs().quantile(0.9) * 32 < tolerance


@pytest.mark.parametrize("layers", [1, 3])
def test_the_regression_heads_positions_are_not_rounded_in_half_precision(layers):
    encoders = ResidualEncoder(channels=(4, 6)), ResidualEncoder(channels=(4, 6))
    head = RegressionHead(*encoders, layers=layers, hidden_channels=16, pool_size=2)
    network = TemplateMatchingNetwork(*encoders, head).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = network(rand(1, 1, 32, 32), rand(64, 1, 16, 16))
    assert found.dtype == torch.float32
    assert not torch.equal(found.bfloat16().float(), found)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripting_keeps_every_output(network):
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(network), buffer)
    buffer.seek(0)
    scripted = torch.jit.load(buffer)
    image, patches = rand(2, 1, 64, 48), rand(4, 1, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(scripted(image), network(image))
        torch.testing.assert_close(scripted(image, patches), network(image, patches))
        torch.testing.assert_close(scripted(image, patches, True), network(image, patches, True))
        image_code, patch_code = scripted.encode_image(image), scripted.encode_patch(patches)
        torch.testing.assert_close(image_code, network.encode_image(image))
        torch.testing.assert_close(patch_code, network.encode_patch(patches))
        torch.testing.assert_close(scripted.match(image_code, patch_code), network.match(image_code, patch_code))


@pytest.mark.parametrize("head", HEADS)
def test_volumes(head):
    network = make_network(head, dims=3)
    image, patches = rand(1, 1, 32, 16, 48), rand(2, 1, 16, 16, 16)
    found = network(image, patches)
    assert found.shape == (2, 6)
    assert found.isfinite().all()
    assert torch.equal(network(image), network(image, image[:, :, 8:24, :, 16:32]))


def test_the_default_network_is_a_file_of_less_than_25_mb():
    encoders = ResidualEncoder(), ResidualEncoder()
    network = TemplateMatchingNetwork(*encoders, CorrelationHead(*encoders))
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    assert 1e6 < buffer.tell() < 25e6


def test_patches_that_the_encoder_would_shrink_to_nothing_are_refused():
    encoders = build_encoder("densenet121"), build_encoder("densenet121")
    with pytest.raises(InputError, match="patches of 24 px are too small .*--patch_size 32"):
        TemplateMatchingNetwork(*encoders, RegressionHead(*encoders), patch_size=24)
