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

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scripts.data import find_image_series
from scripts.live import Arrival, in_order_of_arrival

PIXELS = np.random.default_rng(0).random((8, 6))


def names(*paths: Path) -> list[str]:
    stats = [path.stat() for path in paths]
    arrivals = [Arrival(p.name, p, s.st_size, s.st_mtime_ns, 0.0) for p, s in zip(paths, stats, strict=True)]
    return [one.name for one in in_order_of_arrival(arrivals)]


def test_last_change_then_name(tmp_path: Path, write_frame: Callable[..., Path]) -> None:
    times = {"c.png": 10, "b.png": 20, "a.png": 20, "d.nii": 15}
    files = [write_frame(tmp_path / name, PIXELS, time) for name, time in times.items()]
    assert names(*files) == ["c.png", "d.nii", "a.png", "b.png"]


def test_dicom_by_acquisition_time_content_time_and_number(tmp_path: Path, write_frame: Callable[..., Path]) -> None:
    def write(name: str, mtime: float, **tags: object) -> Path:
        return write_frame(tmp_path / name, PIXELS, mtime, **tags)

    day = {"AcquisitionDate": "20260102"}
    files = [
        write("a.dcm", 1, **day, AcquisitionTime="101500.5", InstanceNumber=1),
        write("b.dcm", 2, **day, AcquisitionTime="101500", ContentTime="101503", InstanceNumber=9),
        write("c.dcm", 3, **day, AcquisitionTime="101500", ContentTime="101502", InstanceNumber=8),
        write("d.dcm", 4, **day, AcquisitionTime="101500", ContentTime="101502", InstanceNumber=7),
        write("e.dcm", 5, AcquisitionDate="20260101", AcquisitionTime="235959"),
    ]
    assert names(*files) == ["e.dcm", "d.dcm", "c.dcm", "b.dcm", "a.dcm"]


def test_dicom_by_number_alone_among_other_files(tmp_path: Path, write_frame: Callable[..., Path]) -> None:
    files = [write_frame(tmp_path / f"{10 - i}.dcm", PIXELS, i, InstanceNumber=10 - i) for i in range(3)]
    picture = write_frame(tmp_path / "x.png", PIXELS, 0.5)
    plain = write_frame(tmp_path / "y.dcm", PIXELS, 1.5)
    broken = tmp_path / "z.dcm"
    broken.write_bytes(bytes(128) + b"DICM rubbish")
    assert names(*files, picture, plain, broken) == ["8.dcm", "x.png", "9.dcm", "y.dcm", "10.dcm", "z.dcm"]


def write_each(folder: Path, write_frame: Callable[..., Path], tags: list[dict[str, object]]) -> list[Path]:
    """Frames of one series that arrive the wrong way round; their names count down."""
    one = {"SeriesInstanceUID": "1.2.3", "Modality": "MR"}
    return [write_frame(folder / f"{len(tags) - i}.dcm", PIXELS, 100 - i, **one, **own) for i, own in enumerate(tags)]


TIMED: dict[str, list[dict[str, object]]] = {
    "a delay that jitters": [
        {"TriggerTime": delay, "AcquisitionTime": f"1000{2 * i:02d}", "InstanceNumber": i}
        for i, delay in enumerate((580, 577.5, 582.5, 579, 581, 578))
    ],
    "a cine": [{"TriggerTime": 40 * i, "AcquisitionTime": "100000", "InstanceNumber": 9 - i} for i in range(6)],
    "several beats": [
        {"TriggerTime": 50 * (i % 3), "AcquisitionTime": f"100000.{50 * i:03d}", "InstanceNumber": i} for i in range(6)
    ],
    "midnight": [
        {"AcquisitionTime": one, "AcquisitionDate": "20260102"}
        for one in ("235959.5", "000000.0", "000000.5", "000001.0")
    ],
    "old forms": [{"ContentTime": one} for one in ("09:59:59.5", "1000", "100000.5")],
    "temporal positions": [{"TemporalPositionIdentifier": i, "InstanceNumber": 1} for i in range(12)],
    "time zones": [{"AcquisitionDateTime": f"2026010210{i}000+0{i}00"} for i in (5, 4, 3, 2, 1)],
}


@pytest.mark.parametrize("what", TIMED)
def test_frames_of_a_series_go_by_the_rules_of_a_folder_that_is_read_as_a_whole(
    tmp_path: Path, write_frame: Callable[..., Path], what: str
) -> None:
    files = write_each(tmp_path, write_frame, TIMED[what])
    expected = [path.name for path in files]
    assert names(*files) == names(*files[::-1]) == expected
    (series,) = find_image_series(tmp_path)
    assert [path.name for path in series.files] == expected


def test_slices_of_one_look_take_turns_by_their_clock(tmp_path: Path, write_frame: Callable[..., Path]) -> None:
    tags = [
        {
            "ImagePositionPatient": [0, 0, 8 * place],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "TriggerTime": trigger,
            "AcquisitionTime": f"10{place:02d}00",
        }
        for place in range(3)
        for trigger in (5, 45, 85)
    ]
    files = write_each(tmp_path, write_frame, tags)
    assert names(*files) == [path.name for path in files]


def test_frames_that_tell_nothing_else_go_by_the_numbers_in_their_names(
    tmp_path: Path, write_frame: Callable[..., Path]
) -> None:
    for suffix in ("png", "dcm"):
        files = [write_frame(tmp_path / f"im{n}.{suffix}", PIXELS, 50) for n in (10, 2, 1, 11)]
        assert names(*files) == [f"im{n}.{suffix}" for n in (1, 2, 10, 11)]
    tags = [{"InstanceNumber": 1, "AcquisitionTime": "100000"}] * 12
    files = [
        write_frame(tmp_path / f"f{n}.dcm", PIXELS, 50, SeriesInstanceUID="1.2.3", **one)
        for n, one in zip(range(12, 0, -1), tags, strict=True)
    ]
    assert names(*files) == [f"f{n}.dcm" for n in range(1, 13)]
