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

"""Refuse requests that are too large before they fill the memory or the disk."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BodyLimit"]

_LARGEST_BODY = 2**22  # bytes: 4 MiB, thousands of landmarks
_LARGEST_IMAGE = 2**30  # 1 GiB


class BodyLimit:
    """Answer 413 to a body that is larger than 4 MiB, or an image of more than 1 GiB.

    Args:
        app: what answers all others.

    Example:
        >>> app.add_middleware(BodyLimit)  # doctest: +SKIP
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its bytes as they come: a client need not tell how many there are."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_image = scope["method"] == "PUT" and scope["path"].rstrip("/") in ("/datastore", "/datastore/image")
        largest = _LARGEST_IMAGE if is_image else _LARGEST_BODY
        refusal = JSONResponse({"detail": f"the request is larger than {largest // 2**20} MiB"}, status_code=413)
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > largest:
            await refusal(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            return message if read <= largest else {"type": "http.disconnect"}

        async def watched(message: Message) -> None:
            # what is said of a body that was cut off here is not the point
            if read <= largest:
                await send(message)

        try:
            await self.app(scope, counted, watched)
        except ClientDisconnect:
            if read <= largest:
                raise
        if read > largest:
            await refusal(scope, receive, send)
