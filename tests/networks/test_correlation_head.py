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
"""Tests of the correlation head: heatmaps of known place and spread, and naive correlation cell by cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scripts.networks.correlation_head import CorrelationHead
from scripts.networks.residual_encoder import ResidualEncoder

CELLS = (14, 10)


def make_head(dims: int = 2, **options) -> CorrelationHead:
    torch.manual_seed(0)
    encoder = ResidualEncoder(dims, channels=(4, 6, 8, 10))
    return CorrelationHead(encoder, encoder, dims, code_channels=8, **options).eval()


def centers(cells: int) -> np.ndarray:
    return -1 + (2 * np.arange(cells) + 1) / cells


def read(head: CorrelationHead, probability: np.ndarray) -> np.ndarray:
    """Means and scales of one heatmap, given as probabilities."""
    logits = torch.from_numpy(np.log(np.maximum(probability, 1e-30))).float()[None]
    found = head.read_heatmap(logits)[0].double().detach().numpy()
    return np.concatenate([found[: probability.ndim], np.exp(found[probability.ndim :])])


def gaussian(place: tuple[float, float], width: float, cells: tuple[int, int] = CELLS) -> np.ndarray:
    """A bump on cells; place and width in cells."""
    x, y = (np.arange(n) - p for n, p in zip(cells, place, strict=True))
    bump = np.exp(-(x[:, None] ** 2 + y[None, :] ** 2) / (2 * width**2))
    return bump / bump.sum()


# reading a heatmap


@pytest.mark.parametrize("cell", [(0, 0), (5, 7), (13, 9), (13, 0)])
def test_one_cell_gives_its_centre_and_the_spread_of_a_uniform_cell(cell):
    probability = np.zeros(CELLS)
    probability[cell] = 1
    mean_and_sigma = read(make_head(), probability)
    expected = [centers(n)[c] for n, c in zip(CELLS, cell, strict=True)]
    np.testing.assert_allclose(mean_and_sigma[:2], expected, atol=1e-6)
    # a uniform distribution of width w has the standard deviation w / sqrt(12); a cell is 2 / n wide
    np.testing.assert_allclose(mean_and_sigma[2:], [2 / n / math.sqrt(12) for n in CELLS], rtol=1e-4)


@pytest.mark.parametrize("window", [1, 2, 3])
def test_mean_is_the_expectation_in_the_window_and_spread_that_of_the_whole(window):
    probability = gaussian((6.3, 4.6), 1.7)
    i, j = np.unravel_index(probability.argmax(), CELLS)
    assert (i, j) == (6, 5)
    x, y = np.meshgrid(centers(CELLS[0]), centers(CELLS[1]), indexing="ij")
    local = probability[i - window : i + window + 1, j - window : j + window + 1]
    cut = slice(i - window, i + window + 1), slice(j - window, j + window + 1)
    mean = [(local * axis[cut]).sum() / local.sum() for axis in (x, y)]
    spread = [
        math.sqrt((probability * (axis - m) ** 2).sum() + (2 / n) ** 2 / 12)
        for axis, m, n in zip((x, y), mean, CELLS, strict=True)
    ]
    np.testing.assert_allclose(read(make_head(window=window), probability), mean + spread, rtol=1e-4)


def test_the_window_ends_at_the_border():
    probability = gaussian((0.2, 9.0), 1.0)
    x, y = centers(CELLS[0])[:3], centers(CELLS[1])[7:]
    local = probability[:3, 7:]
    mean = [(local.sum(1) * x).sum() / local.sum(), (local.sum(0) * y).sum() / local.sum()]
    np.testing.assert_allclose(read(make_head(), probability)[:2], mean, rtol=1e-4)


def test_a_narrow_bump_is_read_at_its_sub_cell_place():
    for place in [(6.0, 4.0), (6.3, 4.2), (5.75, 4.9)]:
        found = read(make_head(), gaussian(place, 0.7))[:2]
        expected = [(2 * p + 1) / n - 1 for p, n in zip(place, CELLS, strict=True)]
        np.testing.assert_allclose(found, expected, atol=0.02 * 2 / min(CELLS))


def test_a_second_distant_peak_does_not_move_the_mean_but_raises_sigma():
    one, second = gaussian((3.0, 4.0), 0.6), gaussian((11.0, 4.0), 0.6)
    alone, both = read(make_head(), one), read(make_head(), 0.6 * one + 0.4 * second)
    np.testing.assert_allclose(both[:2], alone[:2], atol=1e-4)
    assert both[2] > 4 * alone[2]
    # 8 cells = 8 / 7 away along axis 0, in 0.4 of the cases; nothing new along axis 1
    assert both[2] == pytest.approx(math.sqrt(alone[2] ** 2 + 0.4 * (8 / 7) ** 2), rel=1e-3)
    assert both[3] == pytest.approx(alone[3], rel=1e-3)


def test_log_scale_is_linear_in_log_spread_and_log_peak():
    head, probability = make_head(), gaussian((6.3, 4.6), 1.7)
    plain = read(head, probability)
    with torch.no_grad():
        head.log_scale.copy_(torch.tensor([0.3, 0.8, -0.2]))
    learned = read(head, probability)
    np.testing.assert_allclose(learned[:2], plain[:2])
    expected = 0.3 + 0.8 * np.log(plain[2:]) - 0.2 * math.log(probability.max())
    np.testing.assert_allclose(np.log(learned[2:]), expected, rtol=1e-4)


def test_volumes_are_read_too():
    probability = np.zeros((4, 5, 6))
    probability[1, 3, 2] = 1
    found = read(make_head(3), probability)
    np.testing.assert_allclose(found[:3], [centers(4)[1], centers(5)[3], centers(6)[2]], atol=1e-6)
    np.testing.assert_allclose(found[3:], [1 / n / math.sqrt(3) for n in (4, 5, 6)], rtol=1e-4)


def test_mean_and_scale_have_gradients():
    head = make_head()
    logits = torch.randn(2, *CELLS, generator=torch.Generator().manual_seed(0)).requires_grad_()
    head.read_heatmap(logits).sum().backward()
    assert logits.grad.isfinite().all()
    assert (logits.grad != 0).any()
    assert head.log_scale.grad.isfinite().all()


# correlating


def unit_codes(images: int, patches: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    image_code = F.normalize(torch.randn(images, 8, *CELLS, generator=generator), dim=1)
    return image_code, F.normalize(torch.randn(patches, 8, generator=generator), dim=1)


def test_heatmap_is_the_cosine_of_each_cell_times_the_temperature():
    image_code, patch_code = unit_codes(2, 6)
    logits = make_head(temperature=13.0).heatmap(image_code, patch_code).detach()
    assert logits.shape == (6, *CELLS)
    for n, i, j in np.ndindex(6, *CELLS):
        cosine = F.cosine_similarity(image_code[n // 3, :, i, j], patch_code[n], dim=0)
        assert logits[n, i, j].item() == pytest.approx(13.0 * cosine.item(), abs=1e-4)


@pytest.mark.parametrize("per_image", [1, 4])
def test_several_patches_an_image_equal_pairs_one_by_one(per_image):
    head = make_head()
    image_code, patch_code = unit_codes(3, 3 * per_image)
    together = head.match(image_code, patch_code)
    pairs = [head.match(image_code[i // per_image, None], patch_code[i, None]) for i in range(3 * per_image)]
    assert together.shape == (3 * per_image, 4)
    torch.testing.assert_close(together, torch.cat(pairs), atol=1e-5, rtol=1e-5)


def test_a_code_that_is_that_of_one_cell_is_found_there():
    head = make_head(temperature=200.0)
    image_code, _ = unit_codes(1, 1)
    found = head.match(image_code, image_code[:, :, 9, 2])
    expected = torch.tensor([[centers(CELLS[0])[9], centers(CELLS[1])[2]]]).float()
    torch.testing.assert_close(found[:, :2], expected, atol=1e-3, rtol=0)


# encoding


@pytest.mark.parametrize(("stride", "stages"), [(4, 3), (8, 2)])
@pytest.mark.parametrize("shape", [(64, 48), (32, 80)])
def test_codes_are_of_unit_length_and_of_the_stride(stride, stages, shape):
    torch.manual_seed(0)
    encoder = ResidualEncoder(channels=(4, 6, 8, 10)).eval()
    head = CorrelationHead(encoder, encoder, stride=stride, code_channels=8).eval()
    assert len(head.lateral) == stages
    image_code = head.encode_image(encoder(torch.rand(2, 1, *shape)))
    assert image_code.shape == (2, 8, shape[0] // stride, shape[1] // stride)
    torch.testing.assert_close(image_code.norm(dim=1), torch.ones(2, shape[0] // stride, shape[1] // stride))
    patch_code = head.encode_patch(encoder(torch.rand(5, 1, 32, 24)))
    assert patch_code.shape == (5, 8)
    torch.testing.assert_close(patch_code.norm(dim=1), torch.ones(5))


def test_every_stage_from_the_stride_on_has_a_say_in_the_image_code():
    head = make_head(stride=8)
    stages = [torch.randn(1, n, 32 // 2**i, 24 // 2**i) for i, n in enumerate((4, 6, 8, 10))]
    before = head.encode_image(stages)
    for i, has_a_say in enumerate([False, False, True, True]):
        changed = [stage + 1 if k == i else stage for k, stage in enumerate(stages)]
        assert torch.equal(head.encode_image(changed), before) != has_a_say


def test_every_stage_has_a_say_in_the_patch_code():
    head = make_head()
    stages = [torch.randn(1, n, 16 // 2**i, 16 // 2**i) for i, n in enumerate((4, 6, 8, 10))]
    before = head.encode_patch(stages)
    for i in range(4):
        changed = [stage + torch.randn_like(stage) if k == i else stage for k, stage in enumerate(stages)]
        assert not torch.allclose(head.encode_patch(changed), before, atol=1e-4)


@pytest.mark.parametrize(("stride", "channels"), [(3, (4, 4, 4)), (16, (4, 4, 4, 4)), (8, (4, 4, 4)), (1, (4, 4))])
def test_strides_that_the_encoder_has_not_are_refused(stride, channels):
    encoder = ResidualEncoder(channels=channels)
    with pytest.raises(ValueError, match=rf"stride {stride} needs .* strides are \[2, 4"):
        CorrelationHead(encoder, encoder, stride=stride)


def test_a_heatmap_is_read_in_full_precision_whatever_the_codes_have() -> None:
    encoder = ResidualEncoder()
    head = CorrelationHead(encoder, encoder)
    logits = 4 * torch.randn(5, 12, 9, generator=torch.Generator().manual_seed(0))
    expected = head.read_heatmap(logits)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head.read_heatmap(logits), expected)


def test_the_spread_is_that_of_the_whole_heatmap_about_the_mean() -> None:
    encoder = ResidualEncoder()
    head = CorrelationHead(encoder, encoder, window=1)
    logits = torch.full((1, 4, 4), -torch.inf)
    logits[0, 0, 1], logits[0, 3, 1] = math.log(0.75), math.log(0.25)
    mean_x, mean_y, log_x, log_y = head.read_heatmap(logits)[0].tolist()
    # cells' centres along an axis of 4 are -0.75, -0.25, 0.25, 0.75; the second peak is outside of the window
    assert (mean_x, mean_y) == pytest.approx((-0.75, -0.25))
    floor = (1 / 4) ** 2 / 3
    assert log_x == pytest.approx(0.5 * math.log(0.25 * 1.5**2 + floor))
    assert log_y == pytest.approx(0.5 * math.log(floor))
