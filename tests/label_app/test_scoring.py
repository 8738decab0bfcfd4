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

import json

import pytest

pytest.importorskip("monailabel")

from monailabel.interfaces.exception import LabelNotFoundException

from label_app.label_file import LabelPoint

CLIP = "patient~clip.nii"  # whose pixels are 0.5 mm wide


def put(app, image, tag, *points):
    app.datastore().replace_label(image, [LabelPoint(*point) for point in points], tag)


def score(app, **request):
    result = app.scoring({"method": "distance", **request})
    json.dumps(result, allow_nan=False)
    return result


def test_distances_go_by_name_and_frame(app):
    put(app, "0.png", "final", ("valve", None, 10, 10), ("apex", None, 20, 20), ("dome", None, 1, 1))
    put(app, "0.png", "original", ("valve", None, 13, 14), ("apex", None, 20, 22), ("tip", None, 5, 5))
    put(app, CLIP, "final", ("valve", 0, 10, 10), ("valve", 3, 10, 10))
    put(app, CLIP, "original", ("valve", 1, 50, 50), ("valve", 3, 16, 18))
    put(app, "1.png", "final", ("valve", None, 10, 10))
    put(app, "2.png", "original", ("valve", None, 10, 10))
    result = score(app)
    assert (result["images"], result["points"], result["failed"]) == (2, 3, {})
    assert result["px"] == {"mean": pytest.approx((5 + 2 + 10) / 3, abs=1e-3), "median": 5.0, "max": 10.0}
    assert result["mm"] == {"mean": 5.0, "median": 5.0, "max": 5.0, "points": 1}
    assert set(result["labels"]) == {"valve", "apex"}
    assert result["labels"]["valve"]["px"] == {"mean": 7.5, "median": 7.5, "max": 10.0}
    assert result["labels"]["apex"] == {
        "images": 1,
        "points": 1,
        "px": {"mean": 2.0, "median": 2.0, "max": 2.0},
        "mm": None,
    }


def test_where_there_are_no_pairs_there_is_nothing_to_tell(app):
    nothing = {"images": 0, "points": 0, "px": None, "mm": None, "labels": {}, "failed": {}}
    assert score(app) == nothing
    put(app, "0.png", "final", ("valve", None, 10, 10))
    put(app, "0.png", "original", ("apex", None, 10, 10))
    assert score(app) == nothing


def test_an_image_or_label_that_cannot_be_read_is_named(app, studies):
    for image in ("0.png", "1.png"):
        put(app, image, "final", ("valve", None, 10, 10))
        put(app, image, "original", ("valve", None, 10, 11))
    (studies / ".landmarks" / "original" / "1.png.json").write_text("{")
    result = score(app)
    assert result["points"] == 1 and list(result["failed"]) == ["1.png"]


def test_a_tag_that_is_not_there_is_refused(app):
    with pytest.raises(LabelNotFoundException):
        score(app, y="best")


def test_what_a_batch_finds_in_a_labelled_image_is_not_its_own_label(app, place):
    """A wrong click, by its own example, would be found at no distance."""
    put(app, "0.png", "final", ("valve", None, *place("valve", 0)))
    x, y = place("valve", 1)
    put(app, "1.png", "final", ("valve", None, x + 3, y + 4))
    app.batch_infer({"model": "landmarks", "images": "labeled"})
    assert score(app)["px"]["median"] == pytest.approx(5, abs=0.5)
