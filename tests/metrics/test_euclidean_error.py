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
"""Tests of the Euclidean error against distances worked out by hand and by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError
from monai.utils import CommonKeys

from scripts.metrics.euclidean_error import MeanEuclideanError, euclidean_error
from scripts.transforms.coordinates import index_to_normalized

SHAPE = (100, 40)


def test_equals_the_distance_in_px_of_a_non_square_image():
    truth = torch.tensor([[10.0, 20.0], [0.0, 0.0], [99.0, 39.0]])
    found = torch.tensor([[13.0, 24.0], [0.0, 0.0], [99.0, 27.0]])
    errors = euclidean_error(index_to_normalized(found, SHAPE), index_to_normalized(truth, SHAPE), SHAPE)
    torch.testing.assert_close(errors, torch.tensor([5.0, 0.0, 12.0]), atol=1e-4, rtol=0)


def test_columns_after_the_means_do_not_count():
    means, truth = torch.rand(4, 2), torch.rand(4, 2)
    with_more = torch.cat([means, torch.full((4, 7), 1e3)], dim=1)
    torch.testing.assert_close(euclidean_error(with_more, truth, SHAPE), euclidean_error(means, truth, SHAPE))


def test_three_axes():
    # 2 / 200 of a normalised axis is one px of 200: differences of 2, 3 and 6 px
    difference = torch.tensor([[4 / 20, 6 / 30, 12 / 200]])
    error = euclidean_error(difference, torch.zeros(1, 3), (20, 30, 200))
    torch.testing.assert_close(error, torch.tensor([7.0]))


def batches(*sizes: int) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        {
            CommonKeys.PRED: torch.rand(n, 4, generator=generator).requires_grad_(),
            CommonKeys.LABEL: torch.rand(n, 2, generator=generator),
        }
        for n in sizes
    ]


def test_an_engines_mean_is_over_samples_not_batches_and_starts_anew_each_epoch():
    data = batches(3, 1, 6)
    engine = Engine(lambda engine, batch: batch)
    MeanEuclideanError(SHAPE).attach(engine, "error_px")
    found = np.concatenate([batch[CommonKeys.PRED].detach().numpy()[:, :2] for batch in data])
    truth = np.concatenate([batch[CommonKeys.LABEL].numpy() for batch in data])
    expected = np.hypot(*((found - truth) * [50, 20]).T).mean()

    state = engine.run(data, max_epochs=1)
    assert isinstance(state.metrics["error_px"], float)
    assert state.metrics["error_px"] == pytest.approx(expected, rel=1e-5)

    engine.run(data[:1], max_epochs=1)
    assert engine.state.metrics["error_px"] == pytest.approx(
        np.hypot(*((found - truth)[:3] * [50, 20]).T).mean(), rel=1e-5
    )


def test_without_a_sample_there_is_no_mean():
    with pytest.raises(NotComputableError, match="no sample"):
        MeanEuclideanError(SHAPE).compute()


def test_several_landmarks_an_image_count_where_they_are_known():
    truth = torch.tensor([[[10.0, 20.0], [5.0, 5.0]], [[torch.nan, torch.nan], [0.0, 0.0]]])
    found = torch.tensor([[[13.0, 24.0], [5.0, 5.0]], [[50.0, 30.0], [0.0, 7.0]]])
    prediction, target = (index_to_normalized(points, SHAPE) for points in (found, truth))
    errors = euclidean_error(prediction, target, SHAPE)
    expected = torch.tensor([[5.0, 0.0], [torch.nan, 7.0]])
    torch.testing.assert_close(errors, expected, atol=1e-4, rtol=0, equal_nan=True)
    metric = MeanEuclideanError(SHAPE)
    metric.update((prediction, target))
    assert metric.compute() == pytest.approx(4.0, abs=1e-4)


def test_an_answer_that_is_no_number_is_not_passed_over():
    metric = MeanEuclideanError(SHAPE)
    metric.update((torch.full((1, 2, 2), torch.nan), torch.zeros(1, 2, 2)))
    assert np.isnan(metric.compute())
