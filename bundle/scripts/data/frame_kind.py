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

"""What the pixels of a DICOM frame show, beside when and where: the traits by which images are told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.tag import BaseTag

from scripts.data.frame_times import value_of
from scripts.io.dicom_position import numbers_of
from scripts.io.functional_groups import frame_group, functional_groups, number_of_frames
from scripts.io.same_place import first_alike

__all__ = ["KIND_TAGS", "KIND_TRAITS", "Trait", "mixed_kinds", "told"]

_SHOWN = 3  # values named in a message
# (PS3.3 C.8.4.8) they have a number for each frame of a file of nuclear medicine
_VECTORS = ("EnergyWindowVector", "DetectorVector")
# what vendors have for what the standard says elsewhere, or did not say then: creator, group and element in its block
_GE_TYPE = ("GEMS_PARM_01", 0x0043, 0x2F)
_SIEMENS_B_VALUE = ("SIEMENS MR HEADER", 0x0019, 0x0C)
_PHILIPS_B_VALUE = ("Philips Imaging DD 001", 0x2001, 0x03)

Reader = Callable[..., tuple]  # of a header and the index of a frame
Frame = tuple[Dataset, int]  # a file's header, and the index of a frame in it


@dataclass(frozen=True)
class Trait:
    """Something that is the same in all frames of one image.

    Attributes:
        name: of the attribute that tells it, for messages.
        read: its numbers or texts in a frame; () where the frame does not tell.
        tolerance: how far numbers may differ; None for texts, which are compared as they are.
        is_code: whether its values may be shown: codes of the standard and numbers, but no free text.
    """

    name: str
    read: Reader
    tolerance: float | None = None
    is_code: bool = True

    def values(self, frames: Sequence[Frame]) -> list[tuple]:
        """What each frame tells; a damaged value tells nothing."""
        return [value_of(partial(self.read, frame=frame), header) or () for header, frame in frames]

    def labels(self, frames: Sequence[Frame]) -> list[int]:
        """For each frame the index of the first that is like it."""
        values = self.values(frames)
        if self.tolerance is None:
            firsts: dict[tuple, int] = {}
            return [firsts.setdefault(value, i) for i, value in enumerate(values)]
        width = max(1, *map(len, values))
        rows = np.array([[*value, *[np.nan] * (width - len(value))] for value in values], dtype=float)
        return first_alike(rows, self.tolerance).tolist()


def told(header: Dataset, frame: int, name: str, *groups: str) -> Any:
    """An attribute of a frame, from the first functional group that has it, else of the file; None where it is empty.

    Args:
        header: of the file.
        frame: index of the frame, from 0.
        name: keyword of the attribute, the same in the groups and in the file.
        groups: keywords of sequences.

    Example:
        >>> header = Dataset()
        >>> header.EchoTime = 4
        >>> float(told(header, 0, "EchoTime", "MREchoSequence"))
        4.0
    """
    for group in groups:
        item = frame_group(header, group, frame)
        if item is not None and item.get(name) not in (None, ""):
            return item[name].value
    value = header.get(name)
    return None if value == "" else value


def mixed_kinds(header: Dataset) -> str | None:
    """By what the frames of a file are images of several kinds, in words; None where they are of one.

    Args:
        header: of a file of several frames: an enhanced one, or one of nuclear medicine.

    Example:
        >>> mixed_kinds(Dataset()) is None
        True
    """
    several = functional_groups(header, "FrameContentSequence") or any(header.get(name) for name in _VECTORS)
    if number_of_frames(header) < 2 or not several:
        return None
    frames = [(header, frame) for frame in range(number_of_frames(header))]
    for trait in KIND_TRAITS:
        firsts = list(dict.fromkeys(trait.labels(frames)))
        if len(firsts) < 2:
            continue
        values = [trait.values([frames[first]])[0] for first in firsts]
        if not trait.is_code:
            return f"{len(values)} kinds of {trait.name},"
        shown = [_shown(value) for value in sorted(values)[:_SHOWN]]
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        listed = ", ".join(shown) + more if more else " and ".join([", ".join(shown[:-1]), shown[-1]])
        return f"{listed}, by {trait.name},"
    return None


def _shown(value: tuple) -> str:
    return "\\".join(f"{one:g}" if isinstance(one, float) else one for one in value) or "none"


def _texts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) or not np.ndim(value) else value
    return tuple(text for one in values if one is not None and (text := " ".join(str(one).split()).upper()))


def _text(name: str, *groups: str) -> Reader:
    return lambda header, frame: _texts(told(header, frame, name, *groups))


def _number(name: str, *groups: str) -> Reader:
    return lambda header, frame: numbers_of(told(header, frame, name, *groups))


_FRAME_TYPES = ("MRImage", "CTImage", "PET", "XRay3D", "USImageDescription")


def _image_type(header: Dataset, frame: int) -> tuple[str, ...]:
    """FrameType or ImageType without its first value: what the pixels show, such as magnitude or phase.

    The first value is ORIGINAL or DERIVED. It tells how pixels were made: a frame that was compressed with loss after
    the others is DERIVED, and a frame of theirs all the same.
    """
    for name in _FRAME_TYPES:
        group = name + ("Sequence" if name.endswith("Description") else "FrameTypeSequence")
        item = frame_group(header, group, frame)
        if item is not None and item.get("FrameType"):
            return _texts(list(item.FrameType)[1:] if np.ndim(item.FrameType) else ())
    values = header.get("ImageType") or ()
    return _texts(list(values)[1:] if not isinstance(values, str) else ())


def _echo_time(header: Dataset, frame: int) -> tuple[float, ...]:
    effective = told(header, frame, "EffectiveEchoTime", "MREchoSequence")
    return numbers_of(header.get("EchoTime") if effective is None else effective)


def _agent(header: Dataset, frame: int) -> tuple[str, ...]:
    given = told(header, frame, "ContrastBolusAgentAdministered", "ContrastBolusUsageSequence")
    return _texts(given) or _texts(header.get("ContrastBolusAgent"))


def _tube_voltage(header: Dataset, frame: int) -> tuple[float, ...]:
    """Of CT, which images with two energies. A fluoroscope changes it as it goes."""
    return numbers_of(told(header, frame, "KVP", "CTXRayDetailsSequence")) if header.get("Modality") == "CT" else ()


def _of_vector(name: str) -> Reader:
    """A frame's own number in a vector, or the last one of a vector that is too short, as where all have one number."""

    def read(header: Dataset, frame: int) -> tuple[float, ...]:
        values = numbers_of(header.get(name))
        return values[frame : frame + 1] or values[-1:]

    return read


def _view(header: Dataset, frame: int) -> tuple[str, ...]:
    """Codes of the view and of what modifies it."""
    views = told(header, frame, "ViewCodeSequence", "DetectorInformationSequence") or ()
    told_of = [(view, *(view.get("ViewModifierCodeSequence") or ())) for view in views]
    return tuple(str(code.get("CodeValue") or code.get("CodeMeaning") or "") for codes in told_of for code in codes)


def _private(creator: str, group: int, element: int) -> Reader:
    """The first number of a vendor's own attribute."""

    def read(header: Dataset, frame: int) -> tuple[float, ...]:
        owner, tag = (group, 0x0010), (group, 0x1000 + element)
        if owner not in header or tag not in header or str(header[owner].value).strip() != creator:
            return ()
        return numbers_of(header[tag].value)[:1]

    return read


# by the order in which they are named. Not among them, since frames over time have several: flip angle, inversion time,
# directions of diffusion, exposure.
KIND_TRAITS = (
    Trait("ComplexImageComponent", _text("ComplexImageComponent", "MRImageFrameTypeSequence")),
    Trait("ImageType", _image_type),
    Trait("the vendor's type of image", _private(*_GE_TYPE), 0.5),
    Trait("AcquisitionContrast", _text("AcquisitionContrast", "MRImageFrameTypeSequence")),
    Trait("EchoTime", _echo_time, 0.05),  # ms
    Trait("EchoNumbers", _number("EchoNumbers"), 0.5),
    Trait("DiffusionBValue", _number("DiffusionBValue", "MRDiffusionSequence"), 0.5),  # s/mm2
    Trait("DiffusionBValue", _private(*_SIEMENS_B_VALUE), 0.5),
    Trait("DiffusionBValue", _private(*_PHILIPS_B_VALUE), 0.5),
    Trait("VelocityEncodingDirection", _number("VelocityEncodingDirection", "MRVelocityEncodingSequence"), 1e-3),
    Trait("ASLContext", _text("ASLContext", "MRArterialSpinLabelingSequence")),
    Trait("ContrastBolusAgent", _agent, is_code=False),
    Trait("KVP", _tube_voltage, 5.0),
    Trait("ConvolutionKernel", _text("ConvolutionKernel", "CTReconstructionSequence"), is_code=False),
    *(Trait(name, _of_vector(name), 0.5) for name in _VECTORS),
    Trait("ViewPosition", _text("ViewPosition")),
    Trait("ViewCodeSequence", _view, is_code=False),
    Trait("ImageLaterality", _text("ImageLaterality")),
    Trait("Laterality", _text("Laterality")),
    Trait("FrameLaterality", _text("FrameLaterality", "FrameAnatomySequence")),
    Trait("BodyPartExamined", _text("BodyPartExamined"), is_code=False),
)
# what the traits need to be read of a file
KIND_TAGS: tuple[str | BaseTag, ...] = (
    "ImageType",
    "ComplexImageComponent",
    "AcquisitionContrast",
    "EchoTime",
    "EffectiveEchoTime",
    "EchoNumbers",
    "DiffusionBValue",
    "VelocityEncodingDirection",
    "ASLContext",
    "ContrastBolusAgent",
    "ContrastBolusAgentAdministered",
    "KVP",
    "ConvolutionKernel",
    *_VECTORS,
    "DetectorInformationSequence",
    "ViewPosition",
    "ViewCodeSequence",
    "ImageLaterality",
    "Laterality",
    "FrameLaterality",
    "BodyPartExamined",
    *(
        BaseTag((group << 16) + at)
        for _, group, element in (_GE_TYPE, _SIEMENS_B_VALUE, _PHILIPS_B_VALUE)
        for at in (0x0010, 0x1000 + element)
    ),
)
