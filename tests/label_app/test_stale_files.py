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
"""What is removed when a server starts, and what is not."""

from __future__ import annotations

import os
import time
from pathlib import Path

from label_app.stale_files import remove_stale_files


def make(path: Path, age_s: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_only_old_unfinished_files_are_removed(tmp_path):
    day = 86_400
    stale = [
        make(tmp_path / ".0123456789ab-a.json", 2 * day),
        make(tmp_path / "history" / "final" / ".0123456789ab-a.1.json", 2 * day),
        make(tmp_path / ".fetch-x" / "whole" / "0.dcm", 2 * day).parents[1],
    ]
    os.utime(stale[2], (time.time() - 2 * day,) * 2)
    kept = [
        make(tmp_path / ".0123456789ab-b.json", day / 2),
        make(tmp_path / "0123456789ab-a.json", 2 * day),
        make(tmp_path / ".0123456789a-a.json", 2 * day),
        make(tmp_path / ".0123456789AB-a.json", 2 * day),
        make(tmp_path / ".hidden.json", 2 * day),
        make(tmp_path / ".fetch-y" / "whole" / "0.dcm", 2 * day),  # its folder was made just now
        make(tmp_path / "a.json", 2 * day),
    ]
    remove_stale_files(tmp_path)
    assert not any(one.exists() for one in stale) and all(one.exists() for one in kept)


def test_a_folder_that_is_not_there_has_none(tmp_path):
    remove_stale_files(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []
