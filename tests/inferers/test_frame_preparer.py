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
"""Tests of preparing frames against numpy's percentiles and areas computed by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from scripts.inferers.frame_preparer import FrameFaultError, FramePreparer


@pytest.fixture
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(1, 120, (40, 30)).astype(np.float64)


def scaled_to_unit(frame: np.ndarray) -> np.ndarray:
    low, high = np.percentile(frame, [0.5, 99.5])
    return np.clip((frame - low) / (high - low), 0.0, 1.0)


def test_intensities_are_scaled_by_the_frames_own_percentiles(frame):
    prepare = FramePreparer((40, 30))
    for one in (frame, frame * 9 + 100):
        prepared = prepare(one)
        assert prepared.shape == (1, 1, 40, 30)
        assert prepared.dtype == torch.float32
        np.testing.assert_allclose(prepared[0, 0], scaled_to_unit(one), atol=1e-5)


def test_frames_are_shrunk_by_whole_areas_and_padded_on_both_sides():
    coarse = np.array([[0.0, 1.0], [0.5, 0.25], [0.75, 0.0]])
    prepared = FramePreparer((12, 16))(coarse.repeat(8, axis=0).repeat(8, axis=1))[0, 0].numpy()
    assert prepared.shape == (12, 16)
    # 24 x 16 px at a scale of 0.5 become 12 x 8 px: axis 0 is filled, axis 1 has 4 px on either side
    assert (prepared[:, :4] == 0).all() and (prepared[:, 12:] == 0).all()
    np.testing.assert_allclose(prepared[1::4, 5:12:4], coarse, atol=1e-3)


def test_a_region_is_all_that_is_used(frame):
    region = FramePreparer((20, 10), (5, 12, 25, 22))
    prepared = region(frame)
    np.testing.assert_allclose(prepared[0, 0], scaled_to_unit(frame[5:25, 12:22]), atol=1e-5)
    frame[:5], frame[25:], frame[:, 22:] = np.nan, np.inf, 1e30
    assert torch.equal(region(frame), prepared)
    assert region.fit.to_network(torch.tensor([[5.0, 12.0]])).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("region", [(0, 0, 41, 30), (-1, 0, 40, 30), (9, 9, 9, 20), (20, 9, 10, 20)])
def test_a_region_outside_of_the_frame_is_refused(frame, region):
    with pytest.raises(ValueError, match="region .* is not inside an image"):
        FramePreparer((20, 20), region)(frame)


REAL_TYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g", ">f4", ">i2", ">u4"]


@pytest.mark.parametrize("name", REAL_TYPES)
def test_all_real_types_of_numpy_give_the_same(frame, name):
    expected = scaled_to_unit(frame)
    np.testing.assert_allclose(FramePreparer((40, 30))(frame.astype(name))[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "dtype",
    [
        *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32),
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    ],
)
def test_all_real_types_of_torch_give_the_same(frame, dtype):
    tensor = torch.from_numpy(frame).to(dtype)
    np.testing.assert_allclose(FramePreparer((40, 30))(tensor)[0, 0], scaled_to_unit(frame), atol=1e-5)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_a_mask_is_a_frame(frame, kind):
    mask = frame > 60
    assert torch.equal(FramePreparer((40, 30))(kind(mask))[0, 0], torch.from_numpy(mask).float())


def test_views_of_any_order_and_a_leading_axis_give_the_same(frame):
    expected = FramePreparer((40, 30))(frame)
    backwards = frame[::-1, ::-1].copy()[::-1, ::-1]
    spread = np.zeros((80, 60))
    spread[::2, ::2] = frame
    tensor = torch.from_numpy(frame).requires_grad_()
    for one in (np.asfortranarray(frame), backwards, spread[::2, ::2], frame[None], tensor, tensor.T.contiguous().T):
        assert torch.equal(FramePreparer((40, 30))(one), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_the_callers_frame_is_not_changed_and_not_kept(frame, dtype):
    mine = frame.astype(dtype)
    before = mine.copy()
    prepared = FramePreparer((40, 30))(mine)
    kept = prepared.clone()
    assert np.array_equal(mine, before)
    mine[:] = 0
    assert torch.equal(prepared, kept)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((4, 5), dtype=object), "real numbers, not object"),
        (np.zeros((4, 5), dtype=complex), "real numbers, not complex128"),
        (np.full((4, 5), "a"), "real numbers, not <U1"),
        (np.zeros((4, 5), dtype="M8[s]"), "real numbers, not datetime64"),
        (torch.zeros(4, 5, dtype=torch.complex64), "real numbers, not complex"),
        ([[1.0, 2.0], [3.0, 4.0]], "numpy array or a torch tensor, not list"),
        ("frame.png", "numpy array or a torch tensor, not str"),
        (None, "numpy array or a torch tensor, not NoneType"),
        (3.5, "numpy array or a torch tensor, not float"),
    ],
)
def test_what_has_no_real_numbers_is_refused(frame, message):
    with pytest.raises(TypeError, match=message):
        FramePreparer((8, 8))(frame)


@pytest.mark.parametrize("shape", [(), (5,), (0, 5), (5, 0), (2, 5, 5), (1, 1, 5, 5), (5, 5, 1), (1, 0, 5)])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_other_shapes_are_refused(shape, kind):
    with pytest.raises(ValueError, match=r"must have the shape \(X, Y\) or \(1, X, Y\)"):
        FramePreparer((8, 8))(kind(np.random.default_rng(0).random(shape)))


def test_frames_of_another_size_are_refused_and_the_stream_goes_on(frame):
    prepare = FramePreparer((20, 20))
    with pytest.raises(ValueError, match="not known before the first"):
        _ = prepare.fit
    first = prepare(frame)
    with pytest.raises(ValueError, match=r"the frame has \(30, 40\) px .* those before have \(40, 30\)"):
        prepare(frame.T)
    assert torch.equal(prepare(frame), first)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_one_value_that_is_not_finite_spoils_a_frame(frame, value, dtype):
    spoilt = frame.astype(dtype)
    spoilt[17, 23] = value
    with pytest.raises(FrameFaultError, match="not finite"):
        FramePreparer((8, 8))(spoilt)


@pytest.mark.filterwarnings("error")
def test_values_too_large_for_single_precision_count_as_infinite(frame):
    frame[3, 4] = 1e300
    with pytest.raises(FrameFaultError, match="not finite"):
        FramePreparer((8, 8))(frame)


@pytest.mark.parametrize("value", [0, 7, -3.5, 1e30, 2**31])
def test_a_constant_frame_is_a_fault(value):
    prepare = FramePreparer((8, 8))
    for one in (np.full((9, 7), value), np.full((1, 1), value)):
        with pytest.raises(FrameFaultError, match="constant"):
            prepare(one) if one.size > 1 else FramePreparer((8, 8))(one)


def test_one_pixel_that_differs_is_enough():
    frame = np.full((500, 400), 100, dtype=np.uint8)
    frame[251, 133] = 101
    prepared = FramePreparer((500, 400))(frame)[0, 0]
    assert prepared.sum() == 1.0
    assert prepared[251, 133] == 1.0


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 60), (60, 1), (3, 500)])
def test_extreme_frames_keep_a_pixel_an_axis(shape):
    prepared = FramePreparer((16, 12))(np.arange(np.prod(shape)).reshape(shape))
    assert prepared.shape == (1, 1, 16, 12)
    assert prepared.isfinite().all()
    assert prepared.max() > 0.0


def test_a_range_of_values_too_large_for_single_precision_is_a_fault_or_scaled(frame):
    wide = ((frame / 60 - 1) * 3e38).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            prepared = FramePreparer((40, 30))(wide)
        except FrameFaultError:
            return
    np.testing.assert_allclose(prepared[0, 0], scaled_to_unit(frame), atol=1e-4)


def test_a_frame_that_cannot_be_written_gives_no_warning(frame):
    single = frame.astype(np.float32)
    single.setflags(write=False)
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            FramePreparer((8, 8))(single)
    finally:
        torch.set_warn_always(False)


def test_frames_keep_the_patients_aspect_ratio_unless_they_are_stretched(frame):
    """40 x 30 px of 1.5 x 1 mm are 60 x 30 mm."""
    prepare, square, stretched = (
        FramePreparer((60, 60), **options) for options in ({"spacing": (1.5, 1.0)}, {}, {"stretch": True})
    )
    for one in (prepare, square, stretched):
        one(frame)
    assert [one.fit.scaled for one in (prepare, square, stretched)] == [(60, 30), (60, 45), (60, 60)]
    assert prepare.fit.to_network(torch.tensor([[0.0, 0.0], [39.0, 29.0]])).tolist() == [[0.25, 15.0], [58.75, 44.0]]
