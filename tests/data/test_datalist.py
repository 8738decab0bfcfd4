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
"""Tests of making data lists: any folder, each preset on a tree of its official layout, and the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from scripts.data.datalist import main
from scripts.data.datalist_maker import MadeDatalist, make_datalist
from scripts.data.datalist_presets import PRESETS
from scripts.data.patient_split import PARTS
from scripts.io.input_error import InputError

BUNDLE = Path(__file__).parents[2] / "bundle"
PIXELS = np.arange(16, dtype=np.uint8).reshape(4, 4)


def write_images(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".nii.gz"):
            nib.Nifti1Image(np.zeros((4, 4, 2), dtype=np.float32), np.eye(4)).to_filename(folder / name)
        else:
            Image.fromarray(PIXELS).save(folder / name)
    return folder


def items(made: MadeDatalist) -> list[dict]:
    return [item for part in PARTS for item in made.content[part]]


def patients(made: MadeDatalist) -> list[set[str]]:
    """Files of each patient."""
    found: dict[int, set[str]] = {}
    for item in items(made):
        paths = item["image"] if isinstance(item["image"], list) else [item["image"]]
        found.setdefault(item["patient"], set()).update(paths)
    return [found[number] for number in sorted(found)]


# any folder


def test_a_folder_for_each_patient(tmp_path):
    write_images(tmp_path, "a/1.png", "a/2.png", "b/1.nii.gz", "c/1.png", "d/1.png", "e/1.png")
    made = make_datalist(tmp_path)
    assert {part: len({item["patient"] for item in made.content[part]}) for part in PARTS} == {
        "training": 3,
        "validation": 1,
        "test": 1,
    }
    assert patients(made)[0] == {"a/1.png", "a/2.png"}
    assert made.rule == "the first sub-folder is the patient"
    assert {key: value for key, value in made.content.items() if key not in PARTS} == {
        "name": "Images of a folder",
        "seed": 0,
        "fractions": [0.6, 0.2, 0.2],
        "preset": "any_folder",
    }


def test_the_list_is_the_same_elsewhere_and_another_with_another_seed(tmp_path):
    here = write_images(tmp_path / "here", *(f"{i}.png" for i in range(20)))
    there = tmp_path / "there"
    there.mkdir()
    for path in sorted(here.iterdir(), reverse=True):
        shutil.copy(path, there)
    assert make_datalist(there).content == make_datalist(str(here)).content
    assert make_datalist(here, seed=1).content["test"] != make_datalist(here).content["test"]


def test_dicom_is_told_by_its_header_and_keeps_the_order_of_time(tmp_path, write_dicom):
    uid = generate_uid()
    for name, number in [("z.dcm", 1), ("a.dcm", 2), ("m.dcm", 10)]:
        write_dicom(tmp_path / name, PIXELS, SeriesInstanceUID=uid, InstanceNumber=number, PatientID="secret-1")
    for number in (2, 3):
        write_dicom(tmp_path / "x" / f"{number}.dcm", PIXELS, PatientID=f"secret-{number}")
    made = make_datalist(tmp_path)
    assert {"image": ["z.dcm", "a.dcm", "m.dcm"], "patient": 3} in items(made)
    assert len(patients(made)) == 3
    assert "secret" not in json.dumps(made.content) + made.rule + "".join(made.notes)


def test_dicom_among_other_formats_is_refused_as_it_might_leak(tmp_path, write_dicom):
    write_dicom(tmp_path / "p1" / "a.dcm", PIXELS, PatientID="P1")
    write_images(tmp_path, "p1/preview.png")
    with pytest.raises(InputError, match=r"1 DICOM images and 1 of other formats, such as 'p1/preview\.png'.*--table"):
        make_datalist(tmp_path)


def test_a_table_tells_the_patient(tmp_path):
    folder = write_images(tmp_path / "images", "1.png", "2.png", "3.png", "4.png", "new.png")
    table = tmp_path / "table.csv"
    table.write_text("file,who\n1.png,secret-9\n2.png,secret-9\n3.png,secret-7\n4.png,secret-8\n")
    made = make_datalist(folder, table=table, image_column="file", patient_column="who")
    assert patients(made) == [{"1.png", "2.png"}, {"3.png"}, {"4.png"}]
    assert made.rule == "column 'who' of the table"
    assert made.notes == ("1 image left out, as no row that is used names them",)
    assert "secret" not in json.dumps(made.content)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "mnist"}, "there is no preset 'mnist'; choose one of any_folder, chexpert"),
        ({"table": "t.csv"}, "--table t.csv needs --image_column and --patient_column"),
        ({"table": "t.csv", "image_column": "file"}, "needs --image_column and --patient_column"),
        ({"table": "", "image_column": "file", "patient_column": "who"}, "there is no such file"),
        ({"patient_column": "who"}, "give --table too"),
        ({"preset": "sunnybrook_cine"}, "holds no image of Sunnybrook Cardiac Data; it must look so: SCD_IMAGES_01"),
        ({"preset": "kermany_pediatric"}, "holds no image of Kermany"),
        ({"preset": "nih_chestxray14"}, "has no table Data_Entry_2017"),
        ({"preset": "trackrad2025"}, "none of 2 images.*such as A_001"),
        ({"patient_pattern": "p[0-9]"}, r"none of 2 images .* \(pattern 'p\[0-9\]' in the path\), such as '1\.png'"),
        ({"patient_pattern": "1"}, r"1 of 2 images tell no patient .*, such as '2\.png'"),
        ({"patient_pattern": "("}, r"--patient_pattern '\(' is no regular expression"),
        ({"patient_pattern": "1", "table": "t.csv"}, "--patient_pattern is for --preset any_folder without --table"),
        ({"patient_pattern": "1", "preset": "chexpert"}, "--patient_pattern is for --preset any_folder"),
        ({}, r"2 patients cannot fill 3 parts; .* \(patients told by: each image is a patient of its own"),
        ({"fractions": (0.9, 0.2, 0.2)}, "add up to 1"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path, options, message):
    write_images(tmp_path, "1.png", "2.png")
    with pytest.raises(InputError, match=message):
        make_datalist(tmp_path, **options)


def test_a_file_or_nothing_is_no_data_set(tmp_path):
    for path in (tmp_path / "nowhere", write_images(tmp_path, "a.png") / "a.png"):
        with pytest.raises(InputError, match="is no folder; --dataset_dir must be a folder"):
            make_datalist(path)


def test_files_that_are_no_images_are_counted(tmp_path):
    write_images(tmp_path, "1.png", "2.png", "3.png", ".ipynb_checkpoints/1.png")
    for name in ("a.txt", "b.txt", ".hidden", "LICENSE"):
        (tmp_path / name).write_text("no image")
    assert make_datalist(tmp_path).notes == (
        "files passed over, which are no images that can be read: 2 hidden, 2 .txt, 1 no suffix",
        "WARNING: the split leaks if a patient has several images; then give --patient_pattern or --table",
    )


def test_dicom_without_pixels_is_counted_and_no_patient(tmp_path, write_dicom):
    for i in (1, 2, 3):
        write_dicom(tmp_path / f"{i}.dcm", PIXELS, PatientID=f"P{i}")
    write_dicom(tmp_path / "report.dcm", None, PatientID="P4")
    made = make_datalist(tmp_path)
    assert len(patients(made)) == 3
    assert made.notes == ("files passed over, which are no images that can be read: 1 .dcm",)


def test_a_pattern_tells_the_patient_across_folders(tmp_path):
    write_images(tmp_path, *(f"{part}/p{i}_{part}.png" for part in ("train", "val", "test") for i in range(4)))
    made = make_datalist(tmp_path, patient_pattern=r"p\d+")
    assert [len(files) for files in patients(made)] == [3] * 4
    assert made.rule == r"pattern 'p\\d+' in the path"
    with pytest.raises(InputError, match="named like a part .*--patient_pattern"):
        make_datalist(tmp_path)


def test_a_pattern_tells_the_patient_of_dicom_among_other_formats(tmp_path, write_dicom):
    write_images(tmp_path, *(f"p{i}/preview.png" for i in range(3)))
    write_dicom(tmp_path / "p1" / "a.dcm", PIXELS, PatientID="other")
    assert [len(files) for files in patients(make_datalist(tmp_path, patient_pattern=r"^([^/]+)/"))] == [1, 2, 1]


# presets

CHEXPERT = """Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding
{0}/train/patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP,1.0
{0}/train/patient00002/study1/view1_frontal.jpg,Female,87,Frontal,AP,
{0}/train/patient00002/study1/view2_lateral.jpg,Female,87,Lateral,,
{0}/train/patient00002/study2/view1_frontal.jpg,Female,87,Frontal,AP,
{0}/train/patient00003/study1/view1_frontal.jpg,Male,41,Frontal,AP,1.0
"""


@pytest.mark.parametrize(
    ("version", "table", "train"),
    [
        ("CheXpert-v1.0-small", "train.csv", ["train"] * 3),
        ("CheXpert-v1.0-small", "CheXpert-v1.0-small/train.csv", ["CheXpert-v1.0-small/train"] * 3),
        (
            "CheXpert-v1.0",
            "CheXpert-v1.0 batch 1 (validate & csv)/train.csv",
            [f"CheXpert-v1.0 batch {i} (train {i - 1})" for i in (2, 3, 4)],
        ),
    ],
)
def test_chexpert(tmp_path, version, table, train):
    one, two, three = (f"{folder}/patient0000{i}" for i, folder in enumerate(train, 1))
    write_images(tmp_path, f"{one}/study1/view1_frontal.jpg", f"{two}/study2/view1_frontal.jpg")
    write_images(tmp_path, *(f"{two}/study1/{view}.jpg" for view in ("view1_frontal", "view2_lateral")))
    write_images(tmp_path, f"{three}/study1/view1_frontal.jpg", "valid/patient64541/study1/view1_frontal.jpg")
    (tmp_path / table).parent.mkdir(exist_ok=True)
    (tmp_path / table).write_text(CHEXPERT.format(version))
    made = make_datalist(tmp_path, preset="chexpert")
    assert [len(files) for files in patients(made)] == [1, 2, 1]
    assert not any("lateral" in item["image"] or "valid/" in item["image"] for item in items(made))
    assert made.notes[-2:] == (
        "rows left out, which do not have 'Frontal' in column 'Frontal/Lateral': 1",
        "2 images left out, as no row that is used names them",
    )


NIH = """Image Index,Finding Labels,Follow-up #,Patient ID,OriginalImage[Width,Height],
00000001_000.png,Cardiomegaly,0,1,2682,2749,
00000001_001.png,Cardiomegaly|Emphysema,1,1,2894,2729,
00000002_000.png,No Finding,0,2,2500,2048,
00000003_000.png,Hernia,0,3,2582,2991,
"""


@pytest.mark.parametrize("table", ["Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv"])
@pytest.mark.parametrize("first", ["images", "images_001/images"])
def test_nih_chestxray14(tmp_path, table, first):
    second = first.replace("001", "002")
    write_images(tmp_path, *(f"{first}/0000000{name}.png" for name in ("1_000", "1_001", "2_000")))
    write_images(tmp_path, f"{second}/00000003_000.png")
    (tmp_path / table).write_text(NIH)
    made = make_datalist(tmp_path, preset="nih_chestxray14")
    assert [len(files) for files in patients(made)] == [2, 1, 1]
    assert made.rule == "column 'Patient ID' of the table"


def test_nih_with_two_tables_asks_which(tmp_path):
    write_images(tmp_path, "images/00000001_000.png")
    for name in ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv"):
        (tmp_path / name).write_text("Image Index,Patient ID\n00000001_000.png,1\n")
    with pytest.raises(InputError, match=r"has 2 tables .*; name it with --table"):
        make_datalist(tmp_path, preset="nih_chestxray14")
    named = tmp_path / "Data_Entry_2017.csv"
    made = make_datalist(tmp_path, preset="nih_chestxray14", table=named, fractions=(1, 0, 0))
    assert len(items(made)) == 1


def test_kermany_pediatric(tmp_path):
    write_images(
        tmp_path / "chest_xray",
        "train/PNEUMONIA/person1_bacteria_1.jpeg",
        "test/PNEUMONIA/person1_virus_6.jpeg",
        "train/PNEUMONIA/person10_bacteria_43.jpeg",
        "train/NORMAL/IM-0115-0001.jpeg",
        "train/NORMAL/IM-0115-0001-0002.jpeg",
        "test/NORMAL/NORMAL2-IM-0115-0001.jpeg",
        "train/NORMAL/NORMAL-1003233-0001.jpeg",
        "train/PNEUMONIA/BACTERIA-1003233-0002.jpeg",
        "other.jpeg",
        "masks/IM-0115-0001.png",
    )
    made = make_datalist(tmp_path, preset="kermany_pediatric")
    assert sorted(sorted(Path(file).name for file in files) for files in patients(made)) == [
        ["BACTERIA-1003233-0002.jpeg", "NORMAL-1003233-0001.jpeg"],
        ["IM-0115-0001-0002.jpeg", "IM-0115-0001.jpeg", "NORMAL2-IM-0115-0001.jpeg"],
        ["person10_bacteria_43.jpeg"],
        ["person1_bacteria_1.jpeg", "person1_virus_6.jpeg"],
    ]
    assert made.notes == (
        "images left out, which are not .jpeg or .jpg: 1",
        "1 image left out, whose path does not tell the patient",
    )


def test_sunnybrook_cine(tmp_path, write_dicom):
    for number, patient in enumerate(["SCD0000101", "", "SCD0000201", None]):
        folder = tmp_path / "SCD_IMAGES_01" / f"SCD0000{number // 2 + 1}01" / f"CINESAX_{number}"
        uid = generate_uid()
        for phase in range(2):
            tags = {} if patient is None else {"PatientID": patient}
            write_dicom(folder / f"IM-{phase}.dcm", PIXELS, SeriesInstanceUID=uid, InstanceNumber=phase, **tags)
    write_images(tmp_path, "overlay.png")
    made = make_datalist(tmp_path, preset="sunnybrook_cine", fractions=(0.5, 0, 0.5))
    assert [len(files) for files in patients(made)] == [4, 4]
    assert made.content["validation"] == []
    assert "2 images without PatientID: another image of the folder taken instead" in made.notes


def test_trackrad2025(tmp_path):
    names = [f"{patient}/images/{patient}_frames.nii.gz" for patient in ("A_001", "B_002", "C_003")]
    write_images(tmp_path, *names, "A_001/images/A_001_frames2.nii.gz", "A_001/targets/A_001_labels.nii.gz")
    made = make_datalist(tmp_path, preset="trackrad2025")
    assert [len(files) for files in patients(made)] == [2, 1, 1]
    assert made.notes == ("1 image left out, whose path does not tell the patient",)


def test_trackrad2025_as_published(tmp_path):
    sitk = pytest.importorskip("SimpleITK")
    pytest.importorskip("itk")
    for patient in ("A_001", "B_002", "C_003"):
        for name in ("images/{}_frames.mha", "targets/{}_labels.mha"):
            path = tmp_path / patient / name.format(patient)
            path.parent.mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 8, 9), np.uint16)), path, True)
    made = make_datalist(tmp_path, preset="trackrad2025")
    assert sorted(image for files in patients(made) for image in files)[0].endswith("A_001/images/A_001_frames.mha")
    assert made.notes == ("3 images left out, whose path does not tell the patient",)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_the_guide_tells_where_every_preset_is_from_and_on_what_terms(preset):
    if preset is not PRESETS["any_folder"]:
        section = (BUNDLE / "docs" / "data.md").read_text().split(f"### {preset.title}\n")[1].split("\n### ")[0]
        assert "**Source:** <https://" in section
        assert "**Terms:**" in section or "**Licence:**" in section
        assert f"--preset {next(name for name in PRESETS if PRESETS[name] is preset)}`" in section


# command line


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_command_line(tmp_path, write_dicom):
    folder = tmp_path / "images"
    for patient in range(5):
        for image in range(2):
            tags = {"PatientID": f"secret-{patient}", "StudyInstanceUID": f"1.secret.{patient}"}  # no valid UID
            write_dicom(folder / f"{patient}-{image}.dcm", PIXELS, **tags)
    output = tmp_path / "new" / "datalist.json"
    command = [sys.executable, "-m", "scripts.data.datalist", "--dataset_dir", str(folder), "--output", str(output)]
    done = subprocess.run(command, cwd=BUNDLE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "RuntimeWarning" not in done.stderr  # of a module that is imported before it is run
    assert "secret" not in done.stdout + done.stderr + output.read_text()
    assert done.stdout.splitlines() == [
        "Images of a folder, preset any_folder, seed 0",
        "part          patients    images",
        "training             3         6",
        "validation           1         2",
        "test                 1         2",
        "all                  5        10",
        "patients: PatientID of the DICOM header",
        f"wrote {output}",
    ]
    assert json.loads(output.read_text()) == make_datalist(folder).content


def test_help_describes_the_presets(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text and preset.layout in text for name, preset in PRESETS.items())
    assert "docs/data.md" in text


@pytest.mark.parametrize("fractions", ["", "a,b,c", "0.6;0.2;0.2"])
def test_command_line_refuses_fractions_that_are_no_numbers(capsys, fractions):
    with pytest.raises(SystemExit):
        main(["--dataset_dir", "x", f"--fractions={fractions}"])
    assert "is not a list of numbers such as 0.6,0.2,0.2" in capsys.readouterr().err


def test_command_line_refuses_a_folder_for_output(tmp_path):
    with pytest.raises(InputError, match="is a folder; --output must be a file"):
        main(["--dataset_dir", str(write_images(tmp_path, "a.png")), "--output", str(tmp_path)])
