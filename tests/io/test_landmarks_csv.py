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

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import Landmark, read_landmarks_csv, write_landmarks_csv

STILL = Landmark("knee, left.png", None, 'patella "top", centre', 120.1234, 88.0, 1.25, 0.5, 3)
FRAME = Landmark(
    "clip.dcm",
    7,
    "Klappe\nä",
    -0.5,
    1e4,
    0.0,
    12.0,
    1,
    True,
    LandmarkStatus.DOUBTFUL,
    "it strays, far",
    -12.3456,
    -0.00001,
    40.0,
)


def test_the_file_is_what_the_format_says(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.csv"
    write_landmarks_csv(path, [replace(STILL, image="knee.png", label="patella, top"), replace(FRAME, label="valve")])
    assert path.read_text().splitlines() == [
        "image,frame,label,x,y,sigma_x,sigma_y,n_examples,is_example,status,reason,lps_x,lps_y,lps_z",
        'knee.png,,"patella, top",120.12340,88.00000,1.250,0.500,3,0,unchecked,,,,',
        'clip.dcm,7,valve,-0.50000,10000.00000,0.000,12.000,1,1,doubtful,"it strays, far",-12.3456,0.0000,40.0000',
    ]


def test_commas_quotes_and_line_breaks_survive(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.csv"
    write_landmarks_csv(path, [STILL, FRAME])
    read = read_landmarks_csv(path)
    assert [(row.image, row.frame, row.label, row.reason) for row in read] == [
        ("knee, left.png", None, 'patella "top", centre', ""),
        ("clip.dcm", 7, "Klappe\nä", "it strays, far"),
    ]


@pytest.mark.parametrize("status", ["valid", "doubtful", "unchecked"])
@pytest.mark.parametrize("is_example", [True, False])
def test_what_a_landmark_says_of_itself_comes_back(tmp_path: Path, status: str, is_example: bool) -> None:
    path = tmp_path / "landmarks.csv"
    row = replace(STILL, x=1.0, status=LandmarkStatus(status), is_example=is_example)
    write_landmarks_csv(path, [row])
    (cells,) = csv.DictReader(path.read_text().splitlines())
    assert (cells["status"], cells["is_example"]) == (status, str(int(is_example)))
    assert read_landmarks_csv(path) == [row]


def test_numpy_scalars_and_integers_are_written_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.csv"
    write_landmarks_csv(path, [Landmark("a", np.int64(2), "b", np.float32(1.5), 4, np.float64(2), 1, np.int64(3))])
    assert read_landmarks_csv(path) == [Landmark("a", 2, "b", 1.5, 4.0, 2.0, 1.0, 3)]


@pytest.mark.parametrize("place", [{}, {"lps_x": 6.0, "lps_y": 7.0, "lps_z": 8.0}])
def test_files_of_before_are_read_too_and_are_unchecked(tmp_path: Path, place: dict[str, float]) -> None:
    path = tmp_path / "landmarks.csv"
    cells = {"image": "clip.dcm", "frame": 7, "label": "valve", "x": 1, "y": 2, "sigma_x": 3, "sigma_y": 4}
    cells |= {"n_examples": 5, **place}
    path.write_text(f"{','.join(cells)}\n{','.join(map(str, cells.values()))}\n")
    (row,) = read_landmarks_csv(path)
    assert row == Landmark("clip.dcm", 7, "valve", 1, 2, 3, 4, 5, **place)
    assert (row.status, row.is_example, row.reason) == ("unchecked", False, "")


NAME = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)
PIXEL = st.floats(-1e5, 1e5)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            Landmark,
            image=NAME,
            frame=st.none() | st.integers(0, 10**6),
            label=NAME,
            x=PIXEL,
            y=PIXEL,
            sigma_x=PIXEL,
            sigma_y=PIXEL,
            n_examples=st.integers(0, 100),
            is_example=st.booleans(),
            status=st.sampled_from(LandmarkStatus),
            reason=st.just("") | NAME,
            lps_x=st.none() | PIXEL,
            lps_y=st.none() | PIXEL,
            lps_z=st.none() | PIXEL,
        ),
        max_size=5,
    )
)
def test_round_trip_to_what_the_decimals_hold(tmp_path: Path, landmarks: list[Landmark]) -> None:
    path = tmp_path / "landmarks.csv"
    write_landmarks_csv(path, landmarks)
    read = read_landmarks_csv(path)
    assert len(read) == len(landmarks)
    for was, now in zip(landmarks, read, strict=True):
        for name, decimals in (("x", 5), ("y", 5), ("sigma_x", 3), ("sigma_y", 3)):
            assert getattr(now, name) == pytest.approx(getattr(was, name), abs=0.51 * 10**-decimals)
        for name in ("lps_x", "lps_y", "lps_z"):
            value = getattr(was, name)
            assert getattr(now, name) == (None if value is None else pytest.approx(value, abs=0.51e-4))
        for name in ("image", "frame", "label", "n_examples", "is_example", "status", "reason"):
            assert getattr(now, name) == getattr(was, name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header"),
        ("image,label\n", "line 1: the header"),
        ("image,frame,label,x,y,sigma_x,sigma_y,n_examples\na,,b,1,2,3,4,5\na,,b,1,2\n", "line 3: expected 8 cells"),
        ("image,frame,label,x,y,sigma_x,sigma_y,n_examples\na,,b,one,2,3,4,5\n", "line 2: could not convert"),
        (
            "image,frame,label,x,y,sigma_x,sigma_y,n_examples,lps_x,lps_y,lps_z\na,,b,1,2,3,4,5\n",
            "line 2: expected 11 cells",
        ),
        (
            "image,frame,label,x,y,sigma_x,sigma_y,n_examples,is_example,status,reason,lps_x,lps_y,lps_z\n"
            "a,,b,1,2,3,4,5,0,fine,,,,\n",
            "line 2: 'fine' is not a valid LandmarkStatus",
        ),
    ],
)
def test_faults_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "landmarks.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"landmarks.csv, {message}"):
        read_landmarks_csv(path)


def test_what_a_spreadsheet_saved_with_semicolons_is_read(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.csv"
    write_landmarks_csv(path, [replace(FRAME, label="Höhe", reason="it strays"), replace(FRAME, frame=8, reason="")])
    rows = read_landmarks_csv(path)
    text = path.read_text(encoding="utf-8").replace(",", ";").replace(".", ",")
    text = text.replace("clip,dcm", "clip.dcm").replace("strays; far", "strays, far")
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text(text, encoding=encoding)
        assert read_landmarks_csv(path) == rows
