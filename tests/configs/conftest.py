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
"""A small phantom to run the workflows on."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.data.phantom import write_phantom


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects of 6 frames, 48 x 44 px."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder, subjects=range(2), size=(48, 44), n_frames=6, motion_px=4.0)
    return folder
