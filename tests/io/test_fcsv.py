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
"""Tests of FCSV files, as several versions of 3D Slicer write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.io.fcsv import read_fcsv
from scripts.io.input_error import InputError
from scripts.io.world_point import WorldPoint

COLUMNS = "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"
# as vtkMRMLMarkupsFiducialStorageNode.cxx of these versions of 3D Slicer writes: strings with a comma or a quote in
# quotes, with quotes doubled; 4.10 numbers with three decimals and 0 for RAS, 5 as many decimals as there are and names
SLICER_4 = f'''# Markups fiducial file version = 4.10
# CoordinateSystem = 0
{COLUMNS}
vtkMRMLMarkupsFiducialNode_0,-2.145,-49.845,-28.500,0.000,0.000,0.000,1.000,1,1,0,AC,,vtkMRMLScalarVolumeNode1
F_1,0.000,13.565,1.014,0.000,0.000,0.000,1.000,1,1,0,"valve, left [3]","sigma ""1"" px, frame 3",
vtkMRMLMarkupsFiducialNode_2,-1.000,2.000,3.000,0.000,0.000,0.000,1.000,1,1,0,"""#1"" tip",say # 2,
'''
SLICER_5 = f"""# Markups fiducial file version = 5.6
# CoordinateSystem = LPS
{COLUMNS}
1,1.5,-2,3e1,0,0,0,1,1,1,0,apex,,
2,-45.12345678901234,13.000000000000002,-0.1,0,0,0,1,1,1,0,"valve, left [3]","sigma ""1"" px, frame 3",
"""
SLICER_5_2 = f"""# Markups fiducial file version = 5.2
# CoordinateSystem = LPS
{COLUMNS}
1,1.5,-2,3e1,0,0,0,1,1,1,0,apex,,,2,0
2,0,0,0,0,0,0,1,1,1,0,not placed,,,0,0
"""


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_slicer_4(tmp_path):
    assert read_fcsv(write(tmp_path / "a.fcsv", SLICER_4)) == [
        WorldPoint("AC", (2.145, 49.845, -28.5)),
        WorldPoint("valve, left [3]", (0.0, -13.565, 1.014), 'sigma "1" px, frame 3'),
        WorldPoint('"#1" tip', (1.0, -2.0, 3.0), "say # 2"),
    ]


def test_slicer_5(tmp_path):
    assert read_fcsv(write(tmp_path / "a.fcsv", SLICER_5)) == [
        WorldPoint("apex", (1.5, -2.0, 30.0)),
        WorldPoint("valve, left [3]", (-45.12345678901234, 13.000000000000002, -0.1), 'sigma "1" px, frame 3'),
    ]


def test_a_status_behind_the_columns(tmp_path):
    assert read_fcsv(write(tmp_path / "a.fcsv", SLICER_5_2)) == [WorldPoint("apex", (1.5, -2.0, 30.0))]


def test_a_quote_in_a_comment_is_no_quote(tmp_path):
    text = '# CoordinateSystem = LPS\n# remark = "a, "b\n#"\n1,1,2,3,0,0,0,1,1,1,0,a,,\n'
    assert read_fcsv(write(tmp_path / "a.fcsv", text)) == [WorldPoint("a", (1.0, 2.0, 3.0))]


@pytest.mark.parametrize(
    ("system", "place"),
    [("LPS", (1, 2, 3)), ("1", (1, 2, 3)), ("RAS", (-1, -2, 3)), ("0", (-1, -2, 3)), ("lps", (1, 2, 3))],
)
def test_each_coordinate_system(tmp_path, system, place):
    text = f"# CoordinateSystem = {system}\n1,1,2,3,0,0,0,1,1,1,0,a,,\n"
    [point] = read_fcsv(write(tmp_path / "a.fcsv", text))
    assert point.lps == place


def test_columns_may_have_another_order_and_files_come_from_windows(tmp_path):
    text = "# CoordinateSystem = LPS\r\n# columns = label,x,y,z,sel,vis\r\n\r\nä,1,2,3,1,1\r\n"
    assert read_fcsv(write(tmp_path / "a.fcsv", text, "utf-8-sig")) == [WorldPoint("ä", (1.0, 2.0, 3.0))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r": there is no placed point"),
        ("# CoordinateSystem = LPS\n", r": there is no placed point"),
        ("# CoordinateSystem = 2\n", r", line 1: CoordinateSystem is '2'"),
        ("1,1,2,3,0,0,0,1,1,1,0,a,,\n", r", line 1: no '# CoordinateSystem = LPS' or RAS above"),
        ("# CoordinateSystem = LPS\n# columns = id,x,y\n", r", line 2: the columns lack z, label"),
        ("# CoordinateSystem = LPS\n1,1,2,x,0,0,0,1,1,1,0,a,,\n", r", line 2: z is 'x'"),
        ("# CoordinateSystem = LPS\n1,1,nan,3,0,0,0,1,1,1,0,a,,\n", r", line 2: y is 'nan'"),
        ("# CoordinateSystem = LPS\n1,1,2,3,0,0,0,1,1,1,0,,,\n", r", line 2: the point has no label"),
        ("# CoordinateSystem = LPS\n1,1,2\n", r", line 2: the point has no label"),
        ('# CoordinateSystem = LPS\n1,1,2,3,0,0,0,1,1,1,0,"a,,\n', r", line 2: .*Check the quotes"),
    ],
)
def test_faults_name_file_and_line(tmp_path, text, message):
    with pytest.raises(InputError, match=r"a\.fcsv" + message):
        read_fcsv(write(tmp_path / "a.fcsv", text))


def test_a_missing_file_and_another_encoding_are_told(tmp_path):
    with pytest.raises(InputError, match=r"gone\.fcsv: there is no such file"):
        read_fcsv(tmp_path / "gone.fcsv")
    with pytest.raises(InputError, match=r"a\.fcsv: not UTF-8"):
        read_fcsv(write(tmp_path / "a.fcsv", SLICER_5.replace("apex", "Ä"), "latin-1"))
