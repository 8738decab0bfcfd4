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

"""Which DICOM files of one frame are stills by what they are, whatever series they are in."""

from __future__ import annotations

from pydicom import Dataset

from scripts.io.functional_groups import number_of_frames

__all__ = ["STILL_TAGS", "is_still"]

STILL_TAGS = ("SOPClassUID", "Modality", "NumberOfFrames")
_STANDARD = "1.2.840.10008."
_STORAGE = _STANDARD + "5.1.4.1.1."
_STILL_CLASSES = {
    _STORAGE + end
    for end in (
        *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1"),  # CR, DX, mammography, intra-oral
        *("12.1", "12.1.1", "12.2", "12.2.1", "12.3"),  # XA and XRF, their enhanced classes, biplane (retired)
        *("3", "3.1", "6", "6.1"),  # ultrasound, the retired classes too
        *("77.1", "77.2"),  # visible light, trial
    )
}
# endoscopy, microscopy, photography, of the eye and the skin too; not tomography of the eye
_PHOTOGRAPHS, _EYE_TOMOGRAPHY = _STORAGE + "77.1.", _STORAGE + "77.1.5.4"
_STILL_MODALITIES = {"CR", "DX", "MG", "IO", "PX", "XA", "RF", "RG", "DF", "DS", "CF", "US", "IVUS", "EC", "DD"}
_STILL_MODALITIES |= {"XC", "GM", "SM", "ES", "OP", "OPM", "DMS", "CP", "CS", "DM", "FS", "LP", "FA"}


def is_still(header: Dataset) -> bool:
    """Whether a file is a projection, an ultrasound image or a photograph of one frame.

    Series of these are what was taken in one examination: views, sides, places of the transducer. Their frames over
    time come as one file of several frames. The SOP class tells, and Modality only where the SOP class is none of the
    standard's. RT images and secondary captures are not among them: portal cines and exported clips come as single
    files.

    Example:
        >>> header = Dataset()
        >>> header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
        >>> is_still(header)
        True
    """
    if number_of_frames(header) > 1:
        return False
    kind = _text(header, "SOPClassUID")
    if kind.startswith(_STANDARD):
        return _is_still_class(kind)
    stored = _text(getattr(header, "file_meta", None) or Dataset(), "MediaStorageSOPClassUID")
    return _is_still_class(stored) or _text(header, "Modality").upper() in _STILL_MODALITIES


def _is_still_class(kind: str) -> bool:
    return kind in _STILL_CLASSES or (kind.startswith(_PHOTOGRAPHS) and kind != _EYE_TOMOGRAPHY)


def _text(header: Dataset, name: str) -> str:
    return str(header.get(name) or "").strip(" \0")
