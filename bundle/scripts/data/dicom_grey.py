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

"""What the stored values of a DICOM file mean: the modality's values, bright as high, in a window if one is wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence

from scripts.data.luma import to_luma
from scripts.io.functional_groups import frame_group

__all__ = ["grey_values"]

_PIXEL_TAGS = ("PhotometricInterpretation", "BitsStored", "PixelRepresentation")
# an enhanced file has these for each frame, in the functional groups
_RESCALE = ("PixelValueTransformationSequence", ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"))
_WINDOW = ("FrameVOILUTSequence", ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"))
_LARGEST_DEPTH = 16


def grey_values(stored: np.ndarray, dataset: Dataset, frame: int, *, voi: bool, faults: set[str]) -> np.ndarray:
    """The grey values of one frame.

    Args:
        stored: (rows, columns), or (rows, columns, 3) for colours.
        dataset: the file.
        frame: index from 0.
        voi: apply the VOI LUT or the first window too, where there is one.
        faults: what of the header makes no sense and is passed over is added to it, in words.

    Returns:
        (rows, columns), float32.

    Raises:
        Exception: whatever pydicom raises on a damaged table.

    Example:
        >>> import pydicom
        >>> from pydicom.examples import get_path
        >>> dataset = pydicom.dcmread(get_path("ct"))
        >>> grey_values(np.array([[1024]]), dataset, 0, voi=False, faults=set())
        array([[0.]], dtype=float32)
    """
    interpretation = dataset.get("PhotometricInterpretation")
    if interpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
    if stored.ndim == 3:
        return to_luma(stored[..., :3])
    meaning = _grey_meaning(dataset, frame, voi, faults)
    values = _apply(stored, meaning, voi)
    if interpretation == "MONOCHROME1":
        # turned within the range that the stored bits can reach, so that all frames of a series share one scale
        turned_about = _apply(_stored_range(dataset), meaning, voi).sum() if "PixelData" in dataset else 0
        values = turned_about - values
    return values.astype(np.float32)


def _grey_meaning(dataset: Dataset, frame: int, voi: bool, faults: set[str]) -> Dataset:
    """The attributes that say what the values of a frame mean, as an old single-frame file has them, and in sense."""
    meaning = Dataset()
    # tables of 16-bit values are kept as bytes, in the file's order
    meaning.file_meta = dataset.file_meta
    for name in _PIXEL_TAGS:
        if name in dataset:
            setattr(meaning, name, dataset[name].value)
    for group, names in (_RESCALE, _WINDOW) if voi else (_RESCALE,):
        # scanners write empty ones, which pydicom's functions fall over
        told = _told(frame_group(dataset, group, frame), names) or _told(dataset, names)
        for element in told:
            meaning.add(element)
    _mend_rescale(meaning, faults)
    _mend_window(meaning, faults)
    return meaning


def _told(source: Dataset | None, names: Iterable[str]) -> list[DataElement]:
    return [source[name] for name in names if name in source and not source[name].is_empty] if source else []


def _mend_rescale(meaning: Dataset, faults: set[str]) -> None:
    """Slope 1 and intercept 0 in place of what is missing or no number, as GDCM; and 1 in place of a slope of 0."""
    if "RescaleSlope" in meaning or "RescaleIntercept" in meaning:
        slope = next(iter(_numbers(meaning, "RescaleSlope")), 1.0)
        intercept = next(iter(_numbers(meaning, "RescaleIntercept")), 0.0)
        if not math.isfinite(slope) or slope == 0:
            faults.add(f"RescaleSlope is {_text(meaning, 'RescaleSlope')}; 1 is taken for it")
            slope = 1.0
        if not math.isfinite(intercept):
            faults.add(f"RescaleIntercept is {_text(meaning, 'RescaleIntercept')}; 0 is taken for it")
            intercept = 0.0
        meaning.RescaleSlope, meaning.RescaleIntercept = slope, intercept
    if "ModalityLUTSequence" in meaning:
        # pydicom takes a depth such as 12 bits, which tables have, for a type of values
        table = Dataset()
        table.update(meaning.ModalityLUTSequence[0])
        entries, first, depth = table.LUTDescriptor
        if 8 < depth < _LARGEST_DEPTH:
            table.LUTDescriptor = [entries, first, _LARGEST_DEPTH]
            meaning.ModalityLUTSequence = Sequence([table])


def _mend_window(meaning: Dataset, faults: set[str]) -> None:
    """The first window that makes sense, or none."""
    centers, widths = _numbers(meaning, "WindowCenter"), _numbers(meaning, "WindowWidth")
    for name in ("WindowCenter", "WindowWidth"):
        if name in meaning:
            del meaning[name]
    sound = [(c, w) for c, w in zip(centers, widths, strict=False) if math.isfinite(c) and math.isfinite(w) and w > 0]
    if len(sound) < max(len(centers), len(widths)):
        faults.add("a window without a centre or with no width is passed over")
    if not sound:
        return
    meaning.WindowCenter, meaning.WindowWidth = sound[0]
    if sound[0][1] < 1 and meaning.get("VOILUTFunction", "LINEAR") == "LINEAR":
        # which has none so narrow: a writer of fractions meant the other
        meaning.VOILUTFunction = "LINEAR_EXACT"


def _numbers(meaning: Dataset, name: str) -> list[float]:
    """All values, NaN for what is no number."""
    if name not in meaning:
        return []
    value = meaning[name].value
    numbers = []
    for one in value if isinstance(value, MultiValue) else [value]:
        try:
            numbers.append(float(one))
        except (TypeError, ValueError):
            numbers.append(math.nan)
    return numbers


def _text(meaning: Dataset, name: str) -> str:
    return str(meaning[name].value)


def _apply(pixels: np.ndarray, meaning: Dataset, voi: bool) -> np.ndarray:
    values = apply_modality_lut(pixels, meaning)
    return (_apply_window(values, meaning) if voi else values).astype(np.float64)


def _apply_window(values: np.ndarray, meaning: Dataset) -> np.ndarray:
    window = Dataset()
    window.update(meaning)
    window.file_meta = meaning.file_meta
    if meaning.get("RescaleSlope", 1) < 0:
        # pydicom would turn what is bright in the window
        del window.RescaleSlope, window.RescaleIntercept
    if "BitsStored" not in window:  # floats: black to white is any range
        window.BitsStored, window.PixelRepresentation = _LARGEST_DEPTH, 0
    return apply_voi_lut(values, window)


def _stored_range(dataset: Dataset) -> np.ndarray:
    bits = int(dataset.BitsStored)
    lowest = -(2 ** (bits - 1)) if dataset.get("PixelRepresentation") else 0
    return np.array([lowest, lowest + 2**bits - 1], dtype=np.int64)
