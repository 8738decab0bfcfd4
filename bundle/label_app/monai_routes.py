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

"""MONAI Label's own routes, as far as landmarks have a use for them."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.responses import FileResponse
from monailabel.config import settings
from monailabel.endpoints import activelearning, batch_infer, datastore, infer, info, login, logs, proxy, scoring, train
from monailabel.endpoints.user.auth import RBAC
from monailabel.interfaces.utils.app import app_instance
from monailabel.utils.others.generic import file_checksum, get_mime_type
from starlette.background import BackgroundTask

from label_app.dicom_proxy import check_dicom_proxy, with_few_headers
from label_app.download_names import name_by_content, name_of_file
from label_app.request_checks import (
    CheckedJson,
    KeptInfo,
    TaskRequest,
    check_infer,
    check_log_lines,
    check_task_size,
)
from scripts.data.image_series import image_suffix

__all__ = ["add_monai_routes"]

_user = Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_USER))
_annotator = Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_ANNOTATOR))

Digest = Annotated[str | None, Query(pattern="^((SHA256|SHA512|MD5):)?[0-9a-fA-F]+$")]
_task, _info = CheckedJson(TaskRequest), CheckedJson(KeptInfo)
_ROUTERS = [
    (info.router, None),
    (infer.router, _task),
    (batch_infer.router, _task),
    (train.router, _task),
    (activelearning.router, _task),
    (scoring.router, _task),
    (datastore.router, _info),
    (logs.router, None),
    (proxy.router, check_dicom_proxy),
]
_CHECKS = {
    infer.api_run_inference: check_infer,
    logs.api_get_logs: check_log_lines,
    batch_infer.api_run: check_task_size,
    train.api_run: check_task_size,
    train.api_run_model: check_task_size,
    scoring.api_run: check_task_size,
    scoring.api_run_method: check_task_size,
}
_LEFT_OUT = {
    logs.gpu_info,  # fails where there is none
    datastore.api_download_dataset,  # leaves the archive behind: below
    datastore.api_download_image,  # sends the first file only: below
    datastore.api_check_image,  # knows no checksum of what is sent: below
}
# clients use the older address of the two, and take 200 alone for success
_CREATED = "/datastore/image"


def add_monai_routes(app: FastAPI) -> None:
    """Add MONAI Label's routes to an app, each answered in a thread of its own.

    MONAI Label answers them where all other requests wait for the answer, and leaves behind uploads that are refused.

    Example:
        >>> add_monai_routes(FastAPI())
    """
    prefix = settings.MONAI_LABEL_API_STR
    if settings.MONAI_LABEL_AUTH_ENABLE:
        app.include_router(login.router, prefix=prefix)
    for router, check in _ROUTERS:
        for route in router.routes:
            if route.endpoint in _LEFT_OUT:
                continue
            checks = [one for one in (check, _CHECKS.get(route.endpoint)) if one is not None]
            endpoint = _REPLACED.get(route.endpoint, route.endpoint)
            if router is proxy.router:
                endpoint = with_few_headers(endpoint)
                checks += [_annotator.dependency] if "POST" in route.methods else []
            app.add_api_route(
                prefix + route.path,
                _in_thread(endpoint),
                methods=list(route.methods),
                status_code=201 if route.path == _CREATED and endpoint is _name_after_file else None,
                dependencies=[Depends(one) for one in checks],
                summary=route.summary,
                tags=route.tags,
                responses=route.responses,
                include_in_schema=route.include_in_schema,
                deprecated=route.deprecated,
            )
    app.get(f"{prefix}/datastore/dataset", dependencies=[_annotator], tags=["Datastore"])(_download_dataset)
    app.get(f"{prefix}/datastore/image", dependencies=[_user], tags=["Datastore"])(_download_image)
    app.head(f"{prefix}/datastore/image", dependencies=[_user], tags=["Datastore"])(_check_image)


def _in_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint as a plain function, which FastAPI calls in a thread; none of MONAI Label's awaits anything."""

    def answer(**given: Any) -> Any:
        try:
            return asyncio.run(endpoint(**given))
        except Exception:
            # they remove temporary files; FastAPI forgets them where something is raised
            if clean_up := given.get("background_tasks"):
                asyncio.run(clean_up())
            raise

    answer.__signature__ = inspect.signature(endpoint)
    answer.__name__ = endpoint.__name__
    return answer


async def _name_after_file(**given: Any) -> Any:
    """Add an image. Without an id it is named after its file, whose name may have dots that begin no suffix."""
    name = os.path.basename(given["file"].filename or "")
    given["image"] = given["image"] or name[: len(name) - len(image_suffix(name))]
    return await datastore.api_add_image(**given)


_name_after_file.__signature__ = inspect.signature(datastore.api_add_image)


async def _next_sample(**given: Any) -> Any:
    """Choose an image, and tell 3D Slicer how to load that and nothing else.

    Slicer takes files of like names in one folder for slices of one volume: those that lie beside the image, where it
    has a path to it, and in its own cache, where it keeps what it downloads by name and for good. So there is no path,
    and the name has letters that tell the content.
    """
    answer = await activelearning.api_sample(**given)
    if not answer:
        return answer
    file = app_instance().datastore().image_file(answer["id"])
    checksum = file_checksum(file)
    return {**answer, "path": "", "name": name_by_content(answer["name"], file, checksum), "checksum": checksum}


_next_sample.__signature__ = inspect.signature(activelearning.api_sample)
_REPLACED = {datastore.api_add_image: _name_after_file, activelearning.api_sample: _next_sample}


def _download_image(image: str) -> FileResponse:
    """An image as one file: its own, or one that was made of several, as of a DICOM series."""
    store = app_instance().datastore()
    file = store.image_file(image)
    name = name_of_file(store.check_id(image), file)
    return FileResponse(file, media_type=get_mime_type(name), filename=name)


def _check_image(image: str, check_sum: Digest = None) -> None:
    """Whether there is an image, with the checksum of the file that is sent."""
    store = app_instance().datastore()
    store.image_stamp(image)
    if check_sum:
        kind, _, digest = check_sum.rpartition(":")
        if file_checksum(store.image_file(image), kind or "SHA256").rpartition(":")[2] != digest.lower():
            raise HTTPException(status_code=404, detail="Image NOT Found (checksum failed)")


def _download_dataset(limit_cases: Annotated[int | None, Query(ge=1)] = None) -> FileResponse:
    """A ZIP file with the labelled images and their labels, or with the first of them."""
    path = Path(app_instance().datastore().get_dataset_archive(limit_cases))
    remove = BackgroundTask(path.unlink)
    return FileResponse(path, media_type="application/zip", filename="dataset.zip", background=remove)
