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
"""Files that a run left for a later one."""

from __future__ import annotations

import pytest

from scripts.io import InputError, read_json_object


def test_an_object_is_read_and_no_file_is_an_empty_one(tmp_path):
    path = tmp_path / "model.json"
    assert read_json_object(path) == {}
    path.write_text('{"name": "\u00e9", "settings": {"patch_size": 96}}', encoding="utf-8")
    assert read_json_object(path) == {"name": "\u00e9", "settings": {"patch_size": 96}}


@pytest.mark.parametrize("content", ["", "{", "[1]", "3", "null"])
def test_anything_else_is_refused_by_name(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"model\.json cannot be read"):
        read_json_object(path)
