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

"""Refuse changes that a page of another site asks a browser for."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["SameOrigin"]


class SameOrigin:
    """Answer 403 to a request that changes something and that a browser says is from another site's page.

    A form may be sent anywhere without asking; but a browser tells its origin. Programs tell none.

    Args:
        app: what answers all others.

    Example:
        >>> app.add_middleware(SameOrigin)  # doctest: +SKIP
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it has no origin, or the server's own."""
        headers = {name: value.decode("latin-1") for name, value in scope.get("headers", [])}
        origin = headers.get(b"origin")
        changes = scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if changes and origin is not None and origin.partition("://")[2] != headers.get(b"host"):
            refusal = JSONResponse({"detail": "pages of other sites may not change anything here"}, status_code=403)
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)
