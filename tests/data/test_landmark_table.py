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
"""Tests of turning a table with a row for each image into one with a row for each landmark."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from scripts.data.landmark_table import main
from scripts.io.examples_csv import Example, read_examples_csv
from scripts.io.input_error import InputError

BUNDLE = Path(__file__).parents[2] / "bundle"
WIDE = """file,sex,apex_x,dome_y,apex_y,dome_x,note_x
a.png,F,1.5,20,2,10,7
b.png,M,,-0.25,,1e2,
c.png,F,,,,,8
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "wide.csv"
    path.write_text(text, encoding="utf-8")
    return path


def turn(folder: Path, text: str, *options: str) -> list[Example]:
    main(["--table", str(write(folder, text)), "--output", str(folder / "new" / "long.csv"), *options])
    return read_examples_csv(folder / "new" / "long.csv")


def marks(examples: list[Example]) -> list[tuple]:
    return [(one.image, one.frame, one.label, one.x, one.y) for one in examples]


def write_files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_pairs_of_columns_become_rows_and_empty_cells_do_not(tmp_path):
    assert marks(turn(tmp_path, WIDE, "--image_column", "file")) == [
        ("a.png", None, "apex", 1.5, 2.0),
        ("a.png", None, "dome", 10.0, 20.0),
        ("b.png", None, "dome", 100.0, -0.25),
    ]


def test_the_file_has_the_project_s_own_columns(tmp_path):
    turn(tmp_path, "image,apex_x,apex_y\na.png,101.123456789,2\n")
    assert (tmp_path / "new" / "long.csv").read_bytes() == b"image,frame,label,x,y\na.png,,apex,101.123456789,2.0\n"


def test_labels_are_chosen_and_only_theirs_are_read(tmp_path, capsys):
    text = WIDE.replace("1.5", "unclear")
    assert [one.image for one in turn(tmp_path, text, "--image_column=file", "--labels=dome")] == ["a.png", "b.png"]
    assert "apex" not in capsys.readouterr().out


def test_labels_with_underscores_spaces_and_other_letters(tmp_path):
    text = '"image","left_x_ray_x","left_x_ray_y","Höhe, oben_x","Höhe, oben_y"\na.png,1,2,3,4\n'
    assert [one.label for one in turn(tmp_path, text)] == ["left_x_ray", "Höhe, oben"]


@pytest.mark.parametrize("folder", ["images/train", "images/train/"])
def test_a_folder_is_put_before_the_images(tmp_path, folder):
    found = turn(tmp_path, WIDE, "--image_column", "file", "--image_folder", folder)
    assert [one.image for one in found] == ["images/train/a.png"] * 2 + ["images/train/b.png"]


def test_images_are_found_below_a_folder(tmp_path):
    images = write_files(tmp_path / "images", "p1/s1/a.png", "b.png", "p2/c.png", "p2/.old/a.png", "p3/aa.png")
    found = turn(tmp_path, WIDE, "--image_column", "file", "--images", str(images))
    assert [one.image for one in found] == ["p1/s1/a.png", "p1/s1/a.png", "b.png"]


def test_a_path_from_the_folder_is_meant_before_the_end_of_another(tmp_path):
    images = write_files(tmp_path / "images", "a.png", "b.png", "c.png", "masks/a.png")
    found = turn(tmp_path, WIDE, "--image_column", "file", "--images", str(images))
    assert [one.image for one in found] == ["a.png", "a.png", "b.png"]


def test_an_image_that_may_be_two_files_is_refused_unless_its_folder_tells(tmp_path):
    names = [f"{folder}/{name}.png" for folder in ("set/images", "set/masks", "set/x_images") for name in "abc"]
    options = ["--image_column", "file", "--images", str(write_files(tmp_path / "root", *names))]
    with pytest.raises(
        InputError,
        match=r"'a\.png' may be set/images/a\.png or set/masks/a\.png or set/x_images/a\.png below .*--image_folder",
    ):
        turn(tmp_path, WIDE, *options)
    assert turn(tmp_path, WIDE, *options, "--image_folder", "images")[0].image == "set/images/a.png"


def test_the_first_missing_images_are_named_and_nothing_is_written(tmp_path):
    text = "image,apex_x,apex_y\n" + "".join(f"{i}.png,1,2\n" for i in range(6))
    images = write_files(tmp_path / "images", "1.png", "x0.png")
    with pytest.raises(InputError, match=r"5 of 6 images are not below .*images: 0\.png, 2\.png, 3\.png, \.\.\.; corr"):
        turn(tmp_path, text, "--images", str(images))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", [], r"line 1: there is no column 'image'; give --image_column; its columns are none"),
        (WIDE, [], r"line 1: there is no column 'image'; give --image_column; its columns are 'file', 'sex', "),
        ("image|apex_x|apex_y\na|1|2\n", [], r"its columns are 'image\|apex_x\|apex_y'$"),
        ("image,apex_x,dome_y,_x,_y\na,1,2,3,4\n", [], r"line 1: there is no label with a column <label>_x and a"),
        ("image,a_x,a_y\na,1,2\n", ["--labels", "a, b"], r"line 1: --labels has 'b', but the labels are a$"),
        ("image,a_x,a_y,a_x\na,1,2,1\n", [], r"line 1: there is more than one column 'a_x'"),
        ("image,a_x,a_y,image\na,1,2,b\n", [], r"line 1: there is more than one column 'image'"),
        ("image,a_x,a_y\na,1,2\n\nb,1,two\n", [], r"line 4: a_y is 'two'\. Write a number of pixels"),
        ("image,a_x,a_y\na,nan,2\n", [], r"line 2: a_x is 'nan'\. Write a finite number"),
        ("image,a_x,a_y\na,1,inf\n", [], r"line 2: a_y is 'inf'\. Write a finite number"),
        ("image,a_x,a_y\na,1,2\nb,,2\n", [], r"line 3: only a_x of a_x and a_y is empty"),
        ("image,a_x,a_y\na,1\n", [], r"line 2: only a_y of a_x and a_y is empty"),
        ("image,a_x,a_y\n,1,2\n", [], r"line 2: image is empty"),
        ("image,a_x,a_y\na,1,2\na,1,3\n", [], r"line 3: image is empty or has an image again"),
        ("image,a_x,a_y\na,,\n", [], r"no landmark is marked in any image"),
        ("image,a_x,a_y\n", [], r"no landmark is marked in any image"),
        ("image,a_x,a_y\na,1,2,3\n", [], r"line 2: 4 cells where the header has 3"),
    ],
)
def test_a_faulty_table_is_refused(tmp_path, text, options, message):
    with pytest.raises(InputError, match=rf"^{tmp_path / 'wide.csv'}.*{message}"):
        turn(tmp_path, text, *options)
    assert not (tmp_path / "new").exists()


def test_missing_paths_are_named(tmp_path):
    with pytest.raises(InputError, match="gone: there is no such folder; --images must be"):
        turn(tmp_path, WIDE, "--image_column", "file", "--images", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="gone.csv: there is no such file"):
        main(["--table", str(tmp_path / "gone.csv"), "--output", str(tmp_path / "long.csv")])


@pytest.mark.parametrize("output", [".", "wide.csv", "new/../wide.csv"])
def test_the_table_is_not_written_over(tmp_path, output):
    path = write(tmp_path, WIDE)
    with pytest.raises(InputError, match="is a folder or the table itself; --output must be another file"):
        main(["--table", str(path), "--image_column", "file", "--output", str(tmp_path / output)])
    assert path.read_text() == WIDE


def test_command_line(tmp_path):
    output = tmp_path / "long.csv"
    options = ["--table", str(write(tmp_path, WIDE)), "--image_column", "file", "--output", str(output)]
    command = [sys.executable, "-m", "scripts.data.landmark_table", *options]
    done = subprocess.run(command, cwd=BUNDLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "RuntimeWarning" not in done.stderr  # of a module that is imported before it is run
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["label", "images", "marked", "images", "not", "marked"],
        ["apex", "1", "2"],
        ["dome", "2", "1"],
        ["wrote", str(output)],
    ]
    assert len({len(line) for line in done.stdout.splitlines()[:-1]}) == 1  # columns are in line
    assert len(read_examples_csv(output)) == 3


def test_a_table_as_european_spreadsheets_save_it(tmp_path):
    found = turn(tmp_path, "image;apex_x;apex_y;dome_x;dome_y\na.png;79,5;1,25;;\nb.png;80;2;3,5;4\n")
    assert found == turn(tmp_path, "image,apex_x,apex_y,dome_x,dome_y\na.png,79.5,1.25,,\nb.png,80,2,3.5,4\n")
    with pytest.raises(InputError, match=r"line 2: apex_x is '1\.234,5'"):
        turn(tmp_path, "image;apex_x;apex_y\na.png;1.234,5;2\n")


@pytest.mark.parametrize(("there", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_names_in_another_unicode_form_are_found(tmp_path, there, written):
    name = unicodedata.normalize(there, "Müller/ä.png")
    images = write_files(tmp_path / "images", name)
    text = unicodedata.normalize(written, "Bänd,Höhe_x,Höhe_y\nMüller/ä.png,1,2\n")
    options = ["--image_column", "Bänd", "--images", str(images), "--labels", "Höhe"]
    assert marks(turn(tmp_path, text, *options)) == [(name, None, "Höhe", 1.0, 2.0)]


def test_an_image_that_is_not_there_is_told_with_the_nearest(tmp_path):
    images = write_files(tmp_path / "images", "p1/knee.png", "p2/hip.png")
    with pytest.raises(InputError, match=r"1 of 1 images are not below .*; the nearest name is 'p1/knee\.png'"):
        turn(tmp_path, "image,a_x,a_y\nKnee1.png,1,2\n", "--images", str(images))
