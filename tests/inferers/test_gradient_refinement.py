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

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from scripts.inferers import GradientRefinement

SIZE = 80
SURE = {"prior": 100.0, "weight": 5000.0}  # the answer is the highest correlation, wherever it is
STAYS = {"prior": 1e-3}  # the answer is where one began, and the correlation that of there


def texture(seed: int) -> torch.Tensor:
    noise = torch.rand(1, 1, SIZE + 8, SIZE + 8, generator=torch.Generator().manual_seed(seed))
    smooth = F.avg_pool2d(F.avg_pool2d(noise, 5, 1), 5, 1)
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


def correlation(one: torch.Tensor, at: tuple[int, int], other: torch.Tensor, there: tuple[int, int]) -> float:
    """Of numpy's gradients around two places, averaged over the axes and the sizes 7, 11 and 21."""
    values = []
    for size in (7, 11, 21):
        for axis in (0, 1):
            cut = []
            for image, place in ((one, at), (other, there)):
                gradient = np.gradient(image[0, 0].double().numpy(), axis=axis)
                x, y = (p - size // 2 for p in place)
                cut.append(gradient[x : x + size, y : y + size].ravel())
            values.append(np.corrcoef(*cut)[0, 1])
    return float(np.mean(values))


@given(x=st.integers(-5, 5), y=st.integers(-5, 5), gain=st.floats(0.5, 1.5), offset=st.floats(-0.5, 0.5))
def test_the_place_is_found_whatever_gain_offset_and_slope_the_intensities_have(x, y, gain, offset):
    image = texture(0)
    slope = torch.linspace(0, 0.5, SIZE)[:, None]
    refine = GradientRefinement(**SURE)
    template = refine.template(refine.look(image, torch.tensor([[40.0, 35.0]]))[None])
    other = gain * image.roll((x, y), (2, 3)) + offset + slope
    found, similarity = refine(other, template, torch.tensor([[40.0, 35.0]]))
    torch.testing.assert_close(found, torch.tensor([[40.0 + x, 35.0 + y]]), atol=0.05, rtol=0)
    assert similarity.item() == pytest.approx(1.0, abs=0.01)


def test_the_similarity_is_numpys_correlation_coefficient():
    one, other = texture(1), texture(2)
    refine = GradientRefinement(**STAYS)
    template = refine.template(refine.look(one, torch.tensor([[30.0, 41.0]]))[None])
    found, similarity = refine(other, template, torch.tensor([[44.0, 38.0]]))
    assert found.tolist() == [[44.0, 38.0]]
    assert similarity.item() == pytest.approx(correlation(one, (30, 41), other, (44, 38)), abs=1e-4)


def test_with_many_examples_it_is_the_mean_of_the_correlations_with_each():
    examples = [(texture(seed), (30 + seed, 40 - seed)) for seed in range(3, 7)]
    other, place = texture(9), (40, 36)
    refine = GradientRefinement(**STAYS)
    looks = torch.cat([refine.look(image, torch.tensor([at], dtype=torch.float32)) for image, at in examples])
    _, similarity = refine(other, refine.template(looks)[None], torch.tensor([place], dtype=torch.float32))
    each = [correlation(image, at, other, place) for image, at in examples]
    assert similarity.item() == pytest.approx(np.mean(each), abs=1e-4)


def test_points_of_many_images_are_each_refined_in_their_own():
    images = torch.cat([texture(1), texture(2), texture(3)])
    points = torch.tensor([[30.0, 30.0], [41.2, 50.6], [25.0, 44.0]])
    refine = GradientRefinement(**SURE)
    templates = refine.template(refine.look(images, points)[None])
    found, _ = refine(images, templates, points + torch.tensor([[1.0, -2.0], [2.0, 2.0], [0.0, 3.0]]))
    torch.testing.assert_close(found, points, atol=0.1, rtol=0)
    alone = [refine(images[i : i + 1], templates[i : i + 1], points[i : i + 1])[0] for i in range(3)]
    torch.testing.assert_close(torch.cat(alone), refine(images, templates, points)[0])


def test_a_flat_image_moves_no_point():
    refine = GradientRefinement()
    template = refine.template(refine.look(texture(0), torch.tensor([[40.0, 35.0]]))[None])
    found, similarity = refine(torch.full((1, 1, SIZE, SIZE), 0.4), template, torch.tensor([[22.5, 60.0]]))
    torch.testing.assert_close(found, torch.tensor([[22.5, 60.0]]))
    assert similarity.item() == 0.0


def test_the_narrower_the_prior_the_smaller_the_move():
    image = texture(0)
    begin = torch.tensor([[43.0, 35.0]])
    moves = []
    for prior in (0.3, 0.8, 2.5):
        refine = GradientRefinement(prior=prior)
        template = refine.template(refine.look(image, torch.tensor([[40.0, 35.0]]))[None])
        moves.append((refine(image, template, begin)[0] - begin).norm().item())
    assert moves == sorted(moves) and moves[0] < 1.5 and moves[-1] > 2.0


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"sizes": (7, 10)}, "give odd sizes"),
        ({"sizes": ()}, "give odd sizes"),
        ({"sizes": (1,)}, "give odd sizes"),
        ({"reach": 0}, "the reach is 0"),
        ({"prior": 0}, "the prior 0.0"),
    ],
)
def test_faulty_settings_are_refused(fault, told):
    with pytest.raises(ValueError, match=told):
        GradientRefinement(**fault)


def test_settings_from_json_are_the_same_as_from_python():
    assert repr(GradientRefinement(sizes=[7, 11], prior=2, weight=60)) == repr(
        GradientRefinement(sizes=(7, 11), prior=2.0)
    )


def test_a_landmark_at_the_edge_of_the_image_is_refined_too():
    image = texture(5)
    refine = GradientRefinement(**SURE)
    template = refine.template(refine.look(image, torch.tensor([[1.0, 2.0]]))[None])
    found, _ = refine(image, template, torch.tensor([[3.0, 2.0]]))
    torch.testing.assert_close(found, torch.tensor([[1.0, 2.0]]), atol=0.3, rtol=0)
