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
"""Tests of labels in one Unicode form: the same landmark, whatever file it is from."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from scripts.io.examples_csv import Example, read_examples_csv
from scripts.io.unicode_form import composed, composed_labels

NFC, NFD = (unicodedata.normalize(form, "Herzspitze rechts außen, Höhe") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("label", [NFC, NFD])
def test_a_label_is_the_same_landmark_in_either_form(tmp_path: Path, label: str) -> None:
    (tmp_path / "e.csv").write_text(f'image,frame,label,x,y\na.png,,"{label}",1,2\n', encoding="utf-8")
    assert read_examples_csv(tmp_path / "e.csv") == [Example("a.png", None, NFC, 1.0, 2.0, line=2)]
    assert Example("a.png", None, label, 1.0, 2.0, line=2).label == NFC == composed(label)


def test_the_name_of_the_image_stays_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(f'image,frame,label,x,y\n"{NFD}",,a,1,2\n', encoding="utf-8")
    assert read_examples_csv(tmp_path / "e.csv")[0].image == NFD


def test_labels_that_a_user_gives() -> None:
    assert composed_labels(NFD) == [NFC]
    assert composed_labels((NFC, NFD, "apex")) == [NFC, NFC, "apex"]
    assert composed_labels(None) is None
