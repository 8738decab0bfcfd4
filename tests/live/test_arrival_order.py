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
