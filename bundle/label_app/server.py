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

"""The server: MONAI Label's own, with a page, and with answers that say what is wrong with a request."""

from __future__ import annotations

import json
from pathlib import Path

from fastapi import HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from monailabel.app import app
from monailabel.interfaces.exception import ImageNotFoundException, LabelNotFoundException, MONAILabelException

from label_app.body_limit import BodyLimit
from label_app.page_files import PageFiles
from label_app.page_routes import router
from label_app.same_origin import SameOrigin
from scripts.io.input_error import InputError

__all__ = ["app"]

PAGE = Path(__file__).parent / "page"


async def _not_found(_: Request, error: MONAILabelException) -> JSONResponse:
    return JSONResponse({"detail": error.msg}, status_code=404)


async def _refused(_: Request, error: MONAILabelException) -> JSONResponse:
    return JSONResponse({"detail": error.msg}, status_code=400)


async def _bad_input(_: Request, error: InputError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=400)


async def _not_json(_: Request, error: json.JSONDecodeError) -> JSONResponse:
    return JSONResponse({"detail": f"params are not JSON ({error})"}, status_code=400)


async def _http_error(request: Request, error: HTTPException) -> Response:
    # MONAI Label takes a request with no image for a fault of its own
    if error.status_code == 500 and str(error.detail).startswith("Neither Image"):
        error = HTTPException(400, "give an image")
    return await http_exception_handler(request, error)


for kind, answer in {
    ImageNotFoundException: _not_found,
    LabelNotFoundException: _not_found,
    MONAILabelException: _refused,
    InputError: _bad_input,
    json.JSONDecodeError: _not_json,
    HTTPException: _http_error,
}.items():
    app.add_exception_handler(kind, answer)
# MONAI Label lets the pages of all sites in the browser read and change what is here
app.user_middleware = [one for one in app.user_middleware if one.cls is not CORSMiddleware]
app.add_middleware(BodyLimit)
app.add_middleware(SameOrigin)
app.include_router(router)
app.mount("/landmarks", PageFiles(directory=PAGE, html=True), name="landmarks")
