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

"""Refuse requests that MONAI Label would stumble over."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import File, Query, Request, UploadFile
from monailabel.endpoints.infer import ResultType
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile as Upload

from scripts.io.input_error import InputError
from scripts.io.strict_json import parse_object

__all__ = [
    "CheckedJson",
    "KeptInfo",
    "TaskRequest",
    "check_infer",
    "check_log_lines",
    "check_task_size",
]

_JSON_FIELDS = ("params", "info")
# characters, of the 131,072 that Linux lets an argument of a process have; MONAI Label adds a few of its own
_LONGEST_TASK = 120_000


class TaskRequest(BaseModel, strict=True, extra="allow"):
    """What MONAI Label itself takes from a request; the app checks all else where it uses it."""

    model: str | None = None
    method: str | None = None
    strategy: str | None = None
    # settings of each, where all trainers or all methods are run at once
    adapt: TaskRequest | None = None
    distance: TaskRequest | None = None
    gpus: str | None = Field(None, pattern=r"^[^\x00]*$")  # becomes a variable of a process' environment


class KeptInfo(BaseModel, strict=True, extra="allow"):
    """What is kept beside an image or a label: anything, but MONAI Label adds to ``strategy``."""

    strategy: dict[str, Any] = {}


class CheckedJson:
    """Refuse a request whose JSON, as its body or in the field of a form, is no object or not of a kind.

    Args:
        kind: the model that each object must fit.

    Example:
        >>> app.include_router(router, dependencies=[Depends(CheckedJson(TaskRequest))])  # doctest: +SKIP
    """

    def __init__(self, kind: type[BaseModel]) -> None:
        self.kind = kind

    async def __call__(self, request: Request) -> None:
        """Read what FastAPI has read already, and pass.

        Raises:
            InputError: the request is at fault.
        """
        if any("\0" in value for value in request.query_params.values()):
            raise InputError("no name has a character 0")
        for where, content in await _json_parts(request):
            try:
                self.kind.model_validate(parse_object(content, where))
            except ValidationError as error:
                fault = error.errors()[0]
                raise InputError(f"{where}: {'.'.join(map(repr, fault['loc']))}: {fault['msg']}") from error


async def _json_parts(request: Request) -> list[tuple[str, bytes | str]]:
    """Name and text of each."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        body = await request.body()
        return [("the body", body)] if body else []
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return []
    parts = []
    for name, value in (await request.form()).multi_items():
        if isinstance(value, Upload):
            if "\0" in (value.filename or ""):
                raise InputError("no name of a file has a character 0")
        elif name in _JSON_FIELDS and value:
            parts.append((name, value))
    return parts


def check_infer(
    image: str = "",
    session_id: str = "",
    output: ResultType | None = None,
    file: Annotated[UploadFile | None, File()] = None,
    label: Annotated[UploadFile | None, File()] = None,
) -> None:
    """Refuse what MONAI Label's models of other kinds take.

    Raises:
        InputError: there is no image, or the request has what landmarks are not found from.
    """
    if session_id or file or label:
        raise InputError("landmarks are found in images of the list; no session, file or label is taken")
    if not image:
        raise InputError("give an image")
    if output == ResultType.dicom_seg:
        raise InputError("landmarks are no DICOM segmentation; take the output json, image or all")


async def check_task_size(request: Request, run_sync: bool | None = False) -> None:
    """Refuse a task in the background whose request is too long for it.

    MONAI Label hands it to another process as an argument. If that cannot be, it says nothing, and never begins.

    Raises:
        InputError: the request is too long.
    """
    body = b"" if run_sync else await request.body()
    length = len(json.dumps(parse_object(body, "the body"))) if body else 0
    if length > _LONGEST_TASK:
        raise InputError(
            f"the request has {length} characters, more than the {_LONGEST_TASK} that a task in the background can "
            'have; name fewer images at a time, ask for "unlabeled" or "all", or add run_sync=true to the address'
        )


def check_log_lines(lines: Annotated[int | None, Query(ge=0, le=100_000)] = 300) -> None:
    """Refuse to send more lines than a page can show."""
