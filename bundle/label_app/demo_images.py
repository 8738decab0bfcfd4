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

"""A few images to try the annotation on: frames of the echocardiogram that comes with pydicom."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.examples import get_path

from scripts.data.image_reader import read_image_series
from scripts.data.image_series import find_image_series
from scripts.io.atomic import atomic_path

__all__ = ["write_demo_images"]


def write_demo_images(folder: str | Path, step: int = 3) -> list[Path]:
    """Write every ``step``-th frame of the clip as a PNG file of its own.

    Args:
        folder: where to; it is made.
        step: in frames.

    Returns:
        The files, ``frame_00.png`` and so on.

    Example:
        >>> len(write_demo_images("label_demo"))  # doctest: +SKIP
        10
    """
    frames = read_image_series(find_image_series(get_path("ybr_color"))[0]).frames[::step, 0].numpy()
    files = [Path(folder) / f"frame_{step * i:02d}.png" for i in range(len(frames))]
    for file, frame in zip(files, frames, strict=True):
        with atomic_path(file) as temporary:
            Image.fromarray(frame.T.round().clip(0, 255).astype(np.uint8)).save(temporary)
    return files


def main() -> None:
    """``python -m label_app.demo_images --output_dir FOLDER``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output_dir", required=True, help="folder to write to")
    files = write_demo_images(parser.parse_args().output_dir)
    print(f"{len(files)} images in {files[0].parent}")


if __name__ == "__main__":
    main()
