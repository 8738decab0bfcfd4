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

"""Refuse requests that are meant for another host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["ALLOWED_HOSTS", "KnownHost"]

ALLOWED_HOSTS = "LANDMARKS_ALLOWED_HOSTS"  # variable of the environment: names, separated by commas


class KnownHost:
    """Answer 400 to a request whose host is a name that is not ours.

    A page of another site can let its own name lead here, and would then count as the server's own page. It cannot do
    so with an address in numbers: these pass, with ``localhost``. Ports are not looked at.

    Args:
        app: what answers all others.
        names: what the server is called beside.

    Example:
        >>> app.add_middleware(KnownHost, names=["landmarks.example"])  # doctest: +SKIP
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self.app = app
        self.names = {"localhost", *(name.lower() for name in names if name)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if its host is known."""
        if scope["type"] == "http":
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            if not self._is_known(host):
                text = f"this server is not called {host!r}; start it with --allow_host NAME if it is"
                await JSONResponse({"detail": text}, status_code=400)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self.names or bool(ipaddress.ip_address(name))
        except ValueError:
            return False
