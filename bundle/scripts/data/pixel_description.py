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

"""What the header of a DICOM file tells of the form of its pixels, where some writers leave out a part."""

from __future__ import annotations

from pydicom import Dataset

__all__ = ["complete_pixel_description"]


def complete_pixel_description(header: Dataset) -> list[str]:
    """Fill in what a header does not tell of its pixels, or cannot mean, as GDCM does.

    One number a pixel, unsigned, bright as high; all allocated bits are stored. What has no such default (the size, the
    bits that are allocated, the order of colours) is left as it is.

    Args:
        header: a header or a whole file, which is changed.

    Returns:
        What was filled in, in words.

    Example:
        >>> complete_pixel_description(Dataset())
        ['SamplesPerPixel is taken for 1', 'PhotometricInterpretation is taken for MONOCHROME2']
        >>> header = Dataset()
        >>> header.update({"SamplesPerPixel": 3, "BitsAllocated": 8, "PixelRepresentation": 0})
        >>> complete_pixel_description(header), header.BitsStored
        (['BitsStored is taken for 8'], 8)
    """
    defaults: dict[str, str | int] = {}
    kind = header.get("PhotometricInterpretation")
    if header.get("SamplesPerPixel") is None and (not kind or str(kind).startswith(("MONOCHROME", "PALETTE"))):
        defaults["SamplesPerPixel"] = 1
    if not kind and header.get("SamplesPerPixel", 1) == 1:
        defaults["PhotometricInterpretation"] = "MONOCHROME2"
    allocated = header.get("BitsAllocated")
    floating = "FloatPixelData" in header or "DoubleFloatPixelData" in header
    if allocated and not floating:
        if not 0 < int(header.get("BitsStored") or 0) <= allocated:
            defaults["BitsStored"] = allocated
        if header.get("PixelRepresentation") is None:
            defaults["PixelRepresentation"] = 0
    for name, value in defaults.items():
        setattr(header, name, value)
    return [f"{name} is taken for {value}" for name, value in defaults.items()]
