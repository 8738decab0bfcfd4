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

"""Faults of what the user gave."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

__all__ = ["InputError", "find_input_error", "first_line", "printable", "refuse_unreadable", "report_input_errors"]


class InputError(ValueError):
    """A fault in the user's files or settings; its message names the file and the remedy."""


def find_input_error(error: BaseException | None) -> InputError | None:
    """The :class:`InputError` behind an error that a library wrapped it in, or None."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__ or error.__context__
    return error


def first_line(error: BaseException) -> str:
    """What a library's error says, for a message of one sentence: its first line, or its kind where it says nothing.

    A first line that ends in a colon takes the next one with it.

    Example:
        >>> first_line(OSError("no such file\\n  in the folder")), first_line(EOFError())
        ('no such file', 'EOFError')
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def printable(text: str) -> str:
    """A text for the log: bytes that are no UTF-8 and control characters as escapes, so that a line stays a line.

    Example:
        >>> printable("a\\udce4\\n.png")
        'a\\\\xe4\\\\n.png'
    """
    return "".join(one if one == " " or one.isprintable() else _escaped(one) for one in text)


def _escaped(letter: str) -> str:
    byte = ord(letter) - 0xDC00  # Python keeps a byte that is no UTF-8 so
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else letter.encode("unicode_escape").decode()


@contextmanager
def refuse_unreadable(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in whatever error a library raises while it reads; each library has errors of its own.

    Args:
        path: the file that is read.

    Raises:
        InputError: in place of any other error.

    Example:
        >>> with refuse_unreadable("a.png"):
        ...     raise EOFError("no more data")
        Traceback (most recent call last):
        ...
        scripts.io.input_error.InputError: a.png cannot be read (no more data); remove or repair it
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} cannot be read ({first_line(error)}); remove or repair it") from error


def report_input_errors() -> None:
    """Let an :class:`InputError` end the program with its message alone.

    MONAI's config parser wraps an error in one more traceback for each level of the config, and its ``StatsHandler``
    logs one for each engine, which bury the sentence that the user needs. Configs call this first in ``initialize``.
    Other errors keep their traceback.
    """
    show_traceback = sys.excepthook

    def show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        cause = find_input_error(error)
        if cause is None:
            show_traceback(kind, error, traceback)
        else:
            print("error: " + "\n".join(map(printable, str(cause).split("\n"))), file=sys.stderr)

    sys.excepthook = show
    logging.setLogRecordFactory(_without_tracebacks)


def _without_tracebacks(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """A log record; of the traceback of an :class:`InputError` one that no handler takes."""
    record = logging.LogRecord(*args, **kwargs)
    if record.exc_info and find_input_error(record.exc_info[1]) is not None:
        record.levelno = -1
    return record
