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

"""The page's own files, and what a browser may do with them."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles

__all__ = ["PageFiles"]

_HEADERS = {
    # scripts, styles and requests of this server only, in no frame of another page
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # a file of an earlier version must not meet those of this one
    "Cache-Control": "no-cache",
}


class PageFiles(StaticFiles):
    """Serve a folder as a page that loads nothing from elsewhere.

    Example:
        >>> app.mount("/landmarks", PageFiles(directory="page", html=True))  # doctest: +SKIP
    """

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """A file, with the headers of the page."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(_HEADERS)
        return response
