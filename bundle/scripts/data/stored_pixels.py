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

"""The pixels of a DICOM file as they are stored, and which of them are padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.pixels import pixel_array

from scripts.data.dicom_decoder import choose_decoder
from scripts.io.functional_groups import number_of_frames

__all__ = ["StoredPixels", "read_stored_pixels"]

# PS3.3 C.7.5.1.1.2, C.7.6.24 and C.7.6.25: one value, or the limits of a range
_INTEGER_PADDING = ("PixelPaddingValue", "PixelPaddingRangeLimit")
_FLOAT_PADDING = {
    "FloatPixelData": ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    "DoubleFloatPixelData": ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
}


@dataclass(frozen=True)
class StoredPixels:
    """The pixels of a file before anything tells what they mean.

    Attributes:
        values: (T, rows, columns), or (T, rows, columns, 3) for colours.
        padding: (T, rows, columns), True where a pixel fills up the rectangle and shows nothing; None where no pixel
            can be so.
    """

    values: np.ndarray
    padding: np.ndarray | None


def read_stored_pixels(dataset: Dataset) -> StoredPixels:
    """Decode the pixels of a file.

    Raises:
        Exception: whatever pydicom and its decoders raise.

    Example:
        >>> import pydicom
        >>> from pydicom.examples import get_path
        >>> read_stored_pixels(pydicom.dcmread(get_path("ct"))).values.shape
        (1, 128, 128)
    """
    plugin = choose_decoder(dataset)
    values = pixel_array(dataset, decoding_plugin=plugin)
    limits = _padding_limits(dataset)
    beyond = limits is not None and not all(_is_stored(dataset, limit) for limit in limits)
    whole = values
    if _has_unused_bits(dataset) and (beyond or dataset.get("HighBit") != dataset.BitsStored - 1):
        # with the bits that are not stored, which may hold overlays, and which tell of some padding
        whole = pixel_array(dataset, decoding_plugin=plugin, correct_unused_bits=False)
        values = _shift_down(dataset, values, whole)
    padding = None if limits is None else _is_between(whole if beyond else values, *limits)
    if number_of_frames(dataset) == 1:
        # one frame comes without an axis of frames
        values, padding = values[None], None if padding is None else padding[None]
    return StoredPixels(values, padding)


def _is_between(values: np.ndarray, first: float, last: float) -> np.ndarray:
    """Limits of a range in either order, both in it; NaN for values that are NaN."""
    if np.isnan(first):
        return np.isnan(values)
    return (values >= min(first, last)) & (values <= max(first, last))


def _has_unused_bits(dataset: Dataset) -> bool:
    compressed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    return "PixelData" in dataset and not compressed and dataset.BitsStored < dataset.BitsAllocated


def _shift_down(dataset: Dataset, values: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The values of old files whose stored bits are not the lowest ones, which pydicom and GDCM do not heed.

    Some files tell such a HighBit and have their values in the lowest bits all the same: there is something in the bits
    below the stored ones, and nothing in those that are the highest.
    """
    stored, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    above = int(dataset.get("HighBit") or 0) + 1 - stored
    in_lowest = np.array_equal(values, whole) and (whole & (2 ** max(above, 0) - 1)).any()
    if not 0 < above <= allocated - stored or in_lowest:
        return values
    return whole << (allocated - stored - above) >> (allocated - stored)


def _is_stored(dataset: Dataset, value: float) -> bool:
    """Whether the stored bits reach a value."""
    if "PixelData" not in dataset:
        return True
    low = -(2 ** (dataset.BitsStored - 1)) if dataset.PixelRepresentation else 0
    return low <= value < low + 2**dataset.BitsStored


def _padding_limits(dataset: Dataset) -> tuple[float, float] | None:
    if dataset.SamplesPerPixel != 1:
        return None
    floating = next((names for pixels, names in _FLOAT_PADDING.items() if pixels in dataset), None)
    if floating is not None:
        value, limit = (_number(dataset, name) for name in floating)
    else:
        value, limit = (_as_stored(dataset, _number(dataset, name)) for name in _INTEGER_PADDING)
    if value is None:
        return None
    return value, value if limit is None or np.isnan(limit) else limit


def _number(dataset: Dataset, name: str) -> float | None:
    """A value, whatever its VR; None where there is none that makes sense."""
    try:
        value = dataset[name].value
        if isinstance(value, bytes):
            little = dataset.file_meta.TransferSyntaxUID.is_little_endian
            return int.from_bytes(value[:2], "little" if little else "big")
        return float(value)
    except (KeyError, TypeError, ValueError):
        return None


def _as_stored(dataset: Dataset, value: float | None) -> float | None:
    """What a value means that may be written with the sign of another VR, such as 63536 for -2000."""
    if value is None or np.isnan(value):
        return None
    bits, signed = int(dataset.BitsAllocated), bool(dataset.PixelRepresentation)
    if signed and 2**15 <= value < 2**16:
        return value - 2**16
    if not signed and value < 0:
        return value + 2**bits
    return value - 2**bits if signed and 2 ** (bits - 1) <= value < 2**bits else value
