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

import pytest

pytest.importorskip("monailabel")

from monailabel.interfaces.exception import ImageNotFoundException

from label_app.image_ids import listed_id, meant_ids

IMAGES = ["a.png", "a.b.png", "c", "c.png", "d.NII.GZ", "d.nii", "1.2.840", "p~e.dcm", "é ü.png"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("a.png", "a.png"),
        ("a", "a.png"),
        ("a.b", "a.b.png"),
        ("c", "c"),
        ("1.2.840", "1.2.840"),
        ("p~e", "p~e.dcm"),
        ("é ü", "é ü.png"),
    ],
)
def test_an_id_means_one_image(given, meant):
    assert listed_id(given, IMAGES) == meant


@pytest.mark.parametrize("given", ["", "1", "1.2", "a.pn", "a.", "p", "e", "p/e", "A", "\0", None, 3])
def test_other_ids_mean_none(given):
    assert meant_ids(given, IMAGES) == []
    with pytest.raises(ImageNotFoundException, match="no image"):
        listed_id(given, IMAGES)


def test_an_id_of_several_is_refused_with_theirs():
    with pytest.raises(ImageNotFoundException) as error:
        listed_id("d", IMAGES)
    assert error.value.msg == "'d' may be any of d.NII.GZ, d.nii; give one of these ids"
