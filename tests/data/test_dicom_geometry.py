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
"""Tests of the place and the spacing of DICOM frames, against values computed by hand and SimpleITK's."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.examples import get_path
from pydicom.sequence import Sequence

from scripts.data.dicom_geometry import dicom_geometry
from scripts.transforms.coordinates import LPS_TO_RAS


def header(**tags: object) -> Dataset:
    dataset = Dataset()
    for name, value in tags.items():
        setattr(dataset, name, [] if value is None else value)
    return dataset


def region(box: tuple[int, int, int, int], delta: tuple[float, float], **tags: object) -> Dataset:
    """A tissue region in cm; ``delta`` is along x, then y."""
    x0, y0, x1, y1 = box
    corners = {"MinX0": x0, "MinY0": y0, "MaxX1": x1, "MaxY1": y1}
    values = {f"RegionLocation{name}": value for name, value in corners.items()}
    codes = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": delta[0],
        "PhysicalDeltaY": delta[1],
    }
    return header(**{**values, **codes, **tags})


def test_an_ultrasound_region_tells_mm():
    geometry = dicom_geometry(header(SequenceOfUltrasoundRegions=Sequence([region((0, 0, 99, 99), (0.03, 0.05))])))
    np.testing.assert_allclose(geometry.affines, [np.diag([-0.3, -0.5, 1, 1])])
    assert (geometry.spacing_known, geometry.spacing_source) == (True, "SequenceOfUltrasoundRegions")


def test_the_largest_region_of_tissue_counts():
    regions = [
        region((0, 0, 9, 9), (0.01, 0.01)),
        region((10, 0, 109, 59), (0.02, -0.04)),  # an axis may point the other way
        region((0, 0, 499, 499), (0.5, 0.5), RegionDataType=3),  # a Doppler spectrum
        region((0, 0, 499, 499), (0.5, 0.5), RegionSpatialFormat=3),
        region((0, 0, 499, 499), (0.5, 0.5), PhysicalUnitsXDirection=4),  # seconds
        region((0, 0, 499, 499), (0.0, 0.5)),
        region((499, 499, 0, 0), (0.7, 0.7)),
    ]
    geometry = dicom_geometry(header(SequenceOfUltrasoundRegions=Sequence(regions)))
    np.testing.assert_allclose(np.diag(geometry.affines[0])[:2], [-0.2, -0.4])
    assert geometry.spacing_known


@pytest.mark.parametrize(
    "tags",
    [{"RegionDataType": 3}, {"PhysicalUnitsYDirection": 0}, {"PhysicalDeltaX": 0.0}],
)
def test_a_region_that_is_not_of_tissue_in_cm_tells_nothing(tags):
    geometry = dicom_geometry(header(SequenceOfUltrasoundRegions=Sequence([region((0, 0, 9, 9), (0.1, 0.1), **tags)])))
    assert (geometry.spacing_known, geometry.spacing_source) == (False, None)
    np.testing.assert_array_equal(geometry.affines, [LPS_TO_RAS])


def test_pixel_spacing_goes_before_a_region():
    dataset = header(PixelSpacing=[0.7, 1.3], SequenceOfUltrasoundRegions=Sequence([region((0, 0, 9, 9), (0.1, 0.1))]))
    assert dicom_geometry(dataset).spacing_source == "PixelSpacing"


@pytest.mark.parametrize(
    ("tags", "y"),
    [
        ({"PixelAspectRatio": [6, 5]}, 1.2),
        ({"ImagerPixelSpacing": [0.1, 0.2], "PixelAspectRatio": [6, 5]}, 0.5),
        ({"NominalScannedPixelSpacing": [0.3, 0.2]}, 1.5),
        ({"PixelAspectRatio": [0, 5]}, 1.0),
        ({"PixelAspectRatio": [6]}, 1.0),
    ],
)
def test_the_shape_of_pixels_is_told_where_their_length_in_the_patient_is_not(tags, y):
    geometry = dicom_geometry(header(**tags))
    np.testing.assert_allclose(geometry.affines[0], np.diag([-1, -y, 1, 1]))
    assert not geometry.spacing_known


@pytest.mark.parametrize(
    ("tags", "known", "source"),
    [
        ({"ImagerPixelSpacing": [0.2, 0.2]}, False, "ImagerPixelSpacing"),
        ({"NominalScannedPixelSpacing": [0.2, 0.2]}, False, "NominalScannedPixelSpacing"),
        # PixelSpacing that only repeats the detector's
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.2, 0.2]}, False, "ImagerPixelSpacing"),
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.15, 0.15]}, True, "PixelSpacing"),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            True,
            "PixelSpacing",
        ),
        ({"PixelSpacing": [0, 0]}, False, None),
        ({"PixelSpacing": 0.5}, False, None),
        ({"PixelSpacing": None}, False, None),
    ],
)
def test_what_tells_the_distance_in_the_patient(tags, known, source):
    geometry = dicom_geometry(header(**tags))
    assert (geometry.spacing_known, geometry.spacing_source) == (known, source)
    if not known:
        np.testing.assert_array_equal(geometry.affines, [LPS_TO_RAS])


@pytest.mark.parametrize("tags", [{"RegionDataType": 2}, {"RegionLocationMaxX1": None}])
def test_regions_that_slicer_takes_are_taken(tags):
    regions = Sequence([region((0, 0, 9, 9), (0.05, 0.02), **tags)])
    geometry = dicom_geometry(header(SequenceOfUltrasoundRegions=regions))
    assert geometry.spacing_known and geometry.pixel_size == pytest.approx((0.5, 0.2))


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageOrientationPatient": [1, 0, 0]},
        {"ImageOrientationPatient": [0] * 6},
        {"ImageOrientationPatient": [0, 1, 0, 0, 1, 0]},
        {"ImageOrientationPatient": [0, 1, 0, 0, 0.1, 0.995]},
        {"ImagePositionPatient": [1, 2]},
        {"ImagePositionPatient": 7},
    ],
)
def test_a_place_that_cannot_be_one_counts_as_absent(tags):
    geometry = dicom_geometry(header(PixelSpacing=[0.5, 0.25], **tags))
    np.testing.assert_array_equal(geometry.affines, [LPS_TO_RAS @ np.diag([0.25, 0.5, 1, 1])])
    assert geometry.pixel_size == (0.25, 0.5)


@pytest.mark.parametrize(
    ("spacing", "imager", "known"),
    [
        (["0.143", "0.143"], ["0.1430", "0.143"], False),
        (["0.14", "0.14"], ["0.143", "0.143"], False),  # rounded
        (["0.1434", "0.1434"], ["0.143", "0.143"], False),
        (["0.139", "0.139"], ["0.139031", "0.139031"], False),
        (["0.1", "0.1"], ["0.14", "0.14"], True),  # magnified 1.4 times
        (["0.15", "0.15"], ["0.2", "0.2"], True),
        (["0.194", "0.194"], ["0.2", "0.2"], True),
        (["0.143", "0.139"], ["0.143", "0.143"], True),  # along one axis only
    ],
)
def test_a_spacing_that_repeats_the_detectors_but_for_rounding_is_the_detectors(spacing, imager, known):
    tags = {"PixelSpacing": spacing, "ImagerPixelSpacing": imager}
    assert dicom_geometry(header(**tags)).spacing_known is known
    assert dicom_geometry(header(**tags, PixelSpacingCalibrationType="GEOMETRY")).spacing_known


# enhanced multi-frame files

ALONG = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]


def enhanced(positions: list[list[float]], *, shared: dict[str, object], own: dict[str, object]) -> Dataset:
    frames = [header(PlanePositionSequence=Sequence([header(ImagePositionPatient=one)]), **own) for one in positions]
    return header(
        NumberOfFrames=len(positions),
        SharedFunctionalGroupsSequence=Sequence([header(**shared)]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )


MEASURES = {"PixelMeasuresSequence": Sequence([header(PixelSpacing=[0.7, 1.3])])}
ORIENTATION = {"PlaneOrientationSequence": Sequence([header(ImageOrientationPatient=ALONG)])}


@pytest.mark.parametrize(
    ("shared", "own"), [({**MEASURES, **ORIENTATION}, {}), ({}, {**MEASURES, **ORIENTATION}), (MEASURES, ORIENTATION)]
)
def test_functional_groups_tell_the_place_whether_shared_or_not(shared, own):
    geometry = dicom_geometry(enhanced([[10.0, -20.0, 35.5]] * 2, shared=shared, own=own))
    # by hand: 1.3 mm along (0.8, 0.6, 0), 0.7 mm along (0, 0, -1), and their cross product; x and y turned to RAS
    by_hand = [[-1.04, 0, 0.6, -10], [-0.78, 0, -0.8, 20], [0, -0.7, 0, 35.5], [0, 0, 0, 1]]
    np.testing.assert_allclose(geometry.affines, [by_hand] * 2, atol=1e-12)
    assert (geometry.spacing_known, geometry.spacing_source) == (True, "PixelMeasuresSequence")
    assert geometry.places == 1


def test_places_are_counted():
    stack = [[0.0, 0.0, 5.0 * (i % 3)] for i in range(6)]
    assert dicom_geometry(enhanced(stack, shared=MEASURES, own={})).places == 3
    rounding = [[0.0, 0.0, 0.004 * i] for i in range(3)]
    assert dicom_geometry(enhanced(rounding, shared=MEASURES, own={})).places == 1
    assert dicom_geometry(header(NumberOfFrames=3, GridFrameOffsetVector=[0, 5, 10])).places == 3
    assert dicom_geometry(header(NumberOfFrames=4, SliceVector=[1, 1, 2, 2])).places == 2
    assert dicom_geometry(header(NumberOfFrames=2, SliceLocationVector=[0, 2.5])).places == 2
    assert dicom_geometry(header(NumberOfFrames=3, GridFrameOffsetVector=[0, 1e-6, "-0"])).places == 1


def test_places_of_a_file_are_compared_as_those_of_files_are():
    drift = [[0.0, 0.0, 0.008 * i] for i in range(6)]
    assert dicom_geometry(enhanced(drift, shared=MEASURES, own={})).places == 1
    slices = [[0.0, 0.0, 0.5 * i] for i in range(6)]
    assert dicom_geometry(enhanced(slices, shared=MEASURES, own={})).places == 6
    fine = {"PixelMeasuresSequence": Sequence([header(PixelSpacing=[0.01, 0.01])])}
    assert dicom_geometry(enhanced(drift, shared=fine, own={})).places == 6


@pytest.mark.parametrize(("step", "places"), [(0.0, 1), (1e-9, 1), (0.5, 4)])
def test_places_in_a_volume_are_numbers_too(step, places):
    frames = [
        header(PlanePositionVolumeSequence=Sequence([header(ImagePositionVolume=[0.0, 0.0, step * i])]))
        for i in range(4)
    ]
    dataset = header(NumberOfFrames=4, PerFrameFunctionalGroupsSequence=Sequence(frames))
    assert dicom_geometry(dataset).places == places


def test_one_frame_that_tells_no_spacing_makes_it_unknown():
    dataset = enhanced([[0.0, 0.0, 0.0]] * 2, shared={}, own=MEASURES)
    del dataset.PerFrameFunctionalGroupsSequence[1].PixelMeasuresSequence
    assert not dicom_geometry(dataset).spacing_known


@pytest.mark.parametrize("name", ["ct", "mr"])
def test_place_agrees_with_simpleitk(name):
    sitk = pytest.importorskip("SimpleITK")
    path = get_path(name)
    image = sitk.ReadImage(str(path))
    affine = dicom_geometry(pydicom.dcmread(path)).affines[0]
    for index in [(0, 0), (7, 0), (0, 11), (63, 31)]:
        expected = LPS_TO_RAS[:3, :3] @ image.TransformIndexToPhysicalPoint((*index, 0))
        np.testing.assert_allclose((affine @ [*index, 0, 1])[:3], expected, atol=1e-6)
