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

"""OpenCV where it is installed, or how to get it."""

from __future__ import annotations

from types import ModuleType

from scripts.io.input_error import InputError, first_line

__all__ = ["import_opencv"]


def import_opencv() -> ModuleType:
    """Import OpenCV where it is used: it is an extra.

    Returns:
        The module ``cv2``.

    Raises:
        InputError: it is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise InputError(
            f"this tracker is OpenCV's, which cannot be imported ({first_line(error)}); install it with: "
            "pip install opencv-contrib-python-headless (the extra 'bench' of this project: pip install '.[bench]')"
        ) from error
    return cv2
