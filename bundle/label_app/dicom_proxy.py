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

"""What MONAI Label's proxy may pass on to the DICOM server: its studies, series and instances, and no more."""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import HTTPException, Request, Response
from monailabel.config import settings
from starlette.types import Message

__all__ = ["check_dicom_proxy", "with_few_headers"]

# MONAI Label puts the decoded path behind the server's address as it is. So a character that has a meaning there
# (% ? # \ ;) would be read once more by the server, and a dot segment or an empty one would lead elsewhere.
_SEGMENT = r"(?!\.+(?:/|\Z))[A-Za-z0-9._,:~@+=-]+"
_RESOURCE = re.compile(rf"(?:studies|series|instances)(?:/{_SEGMENT})*")
# storing (STOW-RS): all instances, or those of one study
_STORE = re.compile(r"studies(?:/[0-9.]{1,64})?")
_ENCODED_SLASH = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)
_PASSED_ON = (b"accept", b"content-type")


async def check_dicom_proxy(request: Request) -> None:
    """Refuse to pass a request on unless it is one of DICOMweb, for what is below the server's DICOMweb root.

    The path must begin with ``studies``, ``series`` or ``instances``, which MONAI Label puts behind the server's
    address and the prefix that is set for the route (``wado``, ``qido`` or ``stow``; none for others). Queries are not
    passed on by MONAI Label. What is sent may only be stored: ``POST`` goes to ``studies`` and ``studies/UID`` alone.

    Raises:
        HTTPException: 404 where there is no DICOM server, as the images are those of a folder, or the path is another;
            405 where it is asked to do more than to store.
    """
    if not settings.MONAI_LABEL_STUDIES.startswith(("http://", "https://")):
        raise HTTPException(404, "there is no DICOM server; the images are those of a folder")
    path = str(request.path_params["path"])
    if _ENCODED_SLASH.search(request.scope.get("raw_path", b"")) or not _RESOURCE.fullmatch(path):
        raise HTTPException(404, "only studies, series and instances of the DICOM server can be asked for here")
    if request.method == "POST" and not _STORE.fullmatch(path):
        raise HTTPException(405, "instances can be sent to studies, or to studies/UID, of the DICOM server only")
    await request.body()  # kept in the request for the thread that passes it on


def with_few_headers(endpoint: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
    """Let an endpoint of MONAI Label's proxy see of a request only the headers that a DICOM server needs.

    It passes on all of a ``POST``, though with a body of its own: one that tells of chunks would let the body carry a
    second request, one with a token would give it away, and one with a host would ask for another site.

    Example:
        >>> with_few_headers(proxy.proxy_stow)  # doctest: +SKIP
    """

    @functools.wraps(endpoint)
    async def passed(request: Request, **given: Any) -> Response:
        body = await request.body()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        kept = [(name, value) for name, value in request.scope["headers"] if name in _PASSED_ON]
        return await endpoint(request=Request({**request.scope, "headers": kept}, receive), **given)

    return passed
