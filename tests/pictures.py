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
"""Grey values and colours of more than 8 bits, and how they are read, for the tests of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scripts.data.image_reader import SeriesImage, read_image_series
from scripts.data.image_series import find_image_series

ROWS, COLUMNS = np.mgrid[:48, :64]
GREY = 40 * COLUMNS + 3 * ROWS  # 0 to 2661
COLOUR = np.dstack([GREY, GREY + 700, 3000 - GREY])
LUMA = COLOUR @ np.array([0.299, 0.587, 0.114])


def read(path: Path) -> SeriesImage:
    (series,) = find_image_series(path)
    return read_image_series(series)


def grey(path: Path) -> np.ndarray:
    return read(path).frames[0, 0].numpy().T
