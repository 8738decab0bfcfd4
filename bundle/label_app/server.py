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

"""The server: MONAI Label's routes and a page, with answers that say what is wrong with a request."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from monailabel.app import lifespan, static_dir
from monailabel.config import settings
from monailabel.interfaces.exception import ImageNotFoundException, LabelNotFoundException, MONAILabelException
from monailabel.interfaces.utils.app import app_instance
from requests import RequestException

from label_app.body_limit import BodyLimit
from label_app.known_host import ALLOWED_HOSTS, KnownHost
from label_app.landmark_datastore import ImageExistsError
from label_app.monai_routes import add_monai_routes
from label_app.page_files import PageFiles
from label_app.page_routes import router
from label_app.request_checks import CheckedJson, TaskRequest
from label_app.same_origin import SameOrigin
from label_app.told_paths import without_folders
from label_app.viewer_files import ViewerFiles
from scripts.io.atomic import WriteError
from scripts.io.input_error import InputError

__all__ = ["app"]

PAGE = Path(__file__).parent / "page"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


async def _not_found(_: Request, error: MONAILabelException) -> JSONResponse:
    return _answer(404, error.msg)


async def _refused(_: Request, error: MONAILabelException) -> JSONResponse:
    return _answer(400, error.msg)


async def _bad_input(_: Request, error: InputError) -> JSONResponse:
    return _answer(400, str(error))


async def _exists(_: Request, error: ImageExistsError) -> JSONResponse:
    return _answer(409, str(error))


async def _wrong_type(_: Request, error: RequestValidationError) -> JSONResponse:
    # without what was given, which need not be what JSON can say
    faults = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
    return JSONResponse({"detail": faults}, status_code=422)


async def _no_file(request: Request, error: OSError) -> JSONResponse:
    if error.errno == errno.ENAMETOOLONG:
        return _answer(400, "the name is too long for a file")
    full = error.errno in _FULL or (error.errno in _FORBIDDEN and request.method != "GET")
    if full or isinstance(error, WriteError):
        why = os.strerror(error.errno)
        return _answer(507, f"the server cannot write this ({why}); nothing is changed, so try again later")
    raise error


async def _other_server(_: Request, error: RequestException) -> JSONResponse:
    status = getattr(error.response, "status_code", 502)
    return _answer(status if 400 <= status < 500 else 502, f"the server that was asked for it did not answer: {error}")


async def _http_error(request: Request, error: HTTPException) -> Response:
    error.detail = _without_folders(str(error.detail))
    return await http_exception_handler(request, error)


def _answer(status: int, text: str) -> JSONResponse:
    return JSONResponse({"detail": _without_folders(text)}, status_code=status)


def _without_folders(text: str) -> str:
    folders = (app_instance().datastore().folder, settings.MONAI_LABEL_APP_DIR, tempfile.gettempdir())
    return without_folders(text, folders)


app = FastAPI(
    title=settings.MONAI_LABEL_PROJECT_NAME,
    docs_url="/",
    redoc_url="/docs",
    lifespan=lifespan,
    exception_handlers={
        ImageNotFoundException: _not_found,
        LabelNotFoundException: _not_found,
        MONAILabelException: _refused,
        ImageExistsError: _exists,
        InputError: _bad_input,
        WriteError: _no_file,
        RequestValidationError: _wrong_type,
        OSError: _no_file,
        RequestException: _other_server,
        HTTPException: _http_error,
    },
)
app.add_middleware(BodyLimit)
app.add_middleware(SameOrigin)
app.add_middleware(KnownHost, names=os.environ.get(ALLOWED_HOSTS, "").split(","))
add_monai_routes(app)
app.include_router(router, dependencies=[Depends(CheckedJson(TaskRequest))])
app.mount("/ohif", ViewerFiles(directory=Path(static_dir) / "ohif", html=True), name="ohif")
app.mount("/landmarks", PageFiles(directory=PAGE, html=True), name="landmarks")
