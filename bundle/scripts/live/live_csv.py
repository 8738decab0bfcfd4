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
"""A table of found landmarks that grows, and survives a kill at any moment."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from scripts.io.input_error import InputError, first_line
from scripts.io.landmark_status import LandmarkStatus
from scripts.io.landmarks_csv import PIXEL_COLUMNS

__all__ = ["LiveCsv", "LiveRow"]

_COLUMNS = (*PIXEL_COLUMNS, "status", "reason", "latency_ms", "time")


@dataclass(frozen=True)
class LiveRow:
    """A landmark of one frame.

    Attributes:
        label: name of the landmark.
        x: position along axis 0 (columns), px of the original image; NaN where there is none.
        y: position along axis 1 (rows, downwards), likewise.
        sigma_x: standard deviation of x, px.
        sigma_y: standard deviation of y, px.
        n_examples: how many examples it was found from.
        status: whether to rely on it.
        reason: why it is doubtful; empty where it is not.
    """

    label: str
    x: float
    y: float
    sigma_x: float
    sigma_y: float
    n_examples: int
    status: LandmarkStatus
    reason: str


class LiveCsv:
    """A CSV file with a row a landmark and frame, to which whole frames are appended.

    The rows of a frame are written at once and are on the disk before :meth:`append` returns. A program that is killed
    leaves half a line at worst: it is cut off when the file is opened again, and what its frame lacks is written when
    the frame is found again. Everything else stays as it is.

    Args:
        path: the file; it is made where there is none.
        labels: the landmarks of a frame.

    Raises:
        InputError: the file is another one, or cannot be written.

    Example:
        >>> row = LiveRow("valve", 101.25, 64.5, 0.8, 0.7, 2, LandmarkStatus.VALID, "")
        >>> with LiveCsv("live.csv", ["valve"]) as table:  # doctest: +SKIP
        ...     table.append("IM0001.dcm", [row], latency_ms=131.0, time=datetime.now().astimezone())
        ...     "IM0001.dcm" in table
        True
    """

    def __init__(self, path: str | os.PathLike[str], labels: Sequence[str]) -> None:
        self.path = Path(path)
        self._images: set[str] = set()
        self._last: tuple[str, set[str]] | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "a+b")  # noqa: SIM115
        except OSError as error:
            raise self._fault(error) from error
        try:
            self._repair()
            self._read()
            if self._file.seek(0, os.SEEK_END) == 0:
                self._write([_COLUMNS])
        except BaseException:
            self._file.close()
            raise
        # the last frame may have been cut
        if self._last is not None and not {_one_line(label) for label in labels} <= self._last[1]:
            self._images.discard(self._last[0])

    def __enter__(self) -> LiveCsv:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, image: object) -> bool:
        """Whether all landmarks of an image are in the table."""
        return _one_line(str(image)) in self._images

    def __len__(self) -> int:
        return len(self._images)

    def append(self, image: str, rows: Sequence[LiveRow], *, latency_ms: float, time: datetime) -> None:
        """Add the landmarks of a frame; those that are in the table already are not added again.

        Args:
            image: name of the frame's file.
            rows: its landmarks.
            latency_ms: from when the file was seen to when the answer was known, ms.
            time: when the answer was known, with its time zone.

        Raises:
            InputError: the file cannot be written, such as on a full disk.
        """
        image = _one_line(image)
        if image in self._images:
            return
        there = self._last[1] if self._last is not None and self._last[0] == image else set()
        end = [f"{latency_ms:.1f}", time.isoformat(timespec="milliseconds")]
        self._write([[image, "", *_cells(row), *end] for row in rows if _one_line(row.label) not in there])
        self._images.add(image)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        try:
            self._file.write(text.getvalue().encode("utf-8", "surrogateescape"))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._fault(error) from error

    def _repair(self) -> None:
        """Cut off what follows the last end of a line."""
        end = self._file.seek(0, os.SEEK_END)
        keep, block = end, 65536
        while keep:
            start = max(0, keep - block)
            self._file.seek(start)
            newline = self._file.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        if keep < end and self._is_ours(keep):
            self._file.truncate(keep)
            os.fsync(self._file.fileno())

    def _is_ours(self, keep: int) -> bool:
        """Whether the file begins with the header, or, where no line is whole, with a part of it."""
        header = (",".join(_COLUMNS) + "\n").encode()
        self._file.seek(0)
        start = self._file.read(len(header))
        return start == header if keep else header.startswith(start)

    def _read(self) -> None:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        try:
            reader = csv.reader(text)
            header = next(reader, None)
            if header is not None and tuple(header) != _COLUMNS:
                raise InputError(
                    f"{self.path} is not a table of a live stream, or one of an earlier version; "
                    "move it away or give --output_dir"
                )
            for row in reader:
                if row:
                    self._note(row, reader.line_num)
        except csv.Error as error:
            raise InputError(f"{self.path}: {error}; move it away or give another --output_dir") from error
        finally:
            text.detach()

    def _note(self, row: list[str], line: int) -> None:
        if len(row) != len(_COLUMNS):
            raise InputError(
                f"{self.path}, line {line}: {len(row)} cells in place of {len(_COLUMNS)}; repair it or move it away"
            )
        image, label = row[0], row[2]
        self._images.add(image)
        if self._last is None or self._last[0] != image:
            self._last = image, set()
        self._last[1].add(label)

    def _fault(self, error: OSError) -> InputError:
        return InputError(
            f"{self.path} cannot be written ({first_line(error)}); "
            "mend that and start again, the frames that are in it are kept"
        )


def _cells(row: LiveRow) -> list[str]:
    numbers = ["" if math.isnan(value) else f"{value:.3f}" for value in (row.x, row.y, row.sigma_x, row.sigma_y)]
    return [_one_line(row.label), *numbers, str(row.n_examples), str(row.status), _one_line(row.reason)]


def _one_line(text: str) -> str:
    """Without line breaks, so that each row is one line and a cut one can be told."""
    return " ".join(text.splitlines())
