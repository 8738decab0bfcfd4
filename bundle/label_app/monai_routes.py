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

from fastapi import Depends, FastAPI, Query
from fastapi.responses import FileResponse
from monailabel.config import settings
from monailabel.endpoints import activelearning, batch_infer, datastore, infer, info, login, logs, proxy, scoring, train
from monailabel.endpoints.user.auth import RBAC
from monailabel.interfaces.utils.app import app_instance
from monailabel.utils.others.generic import get_mime_type
from starlette.background import BackgroundTask

from label_app.dicom_proxy import check_dicom_proxy, with_few_headers
from label_app.request_checks import (
    CheckedJson,
    KeptInfo,
    TaskRequest,
    check_digest,
    check_infer,
    check_log_lines,
    check_task_size,
)
from scripts.data.image_series import image_suffix

__all__ = ["add_monai_routes"]

_user = Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_USER))
_annotator = Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_ANNOTATOR))

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
    datastore.api_check_image: check_digest,
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
            endpoint = _name_after_file if route.endpoint is datastore.api_add_image else route.endpoint
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


def _download_image(image: str) -> FileResponse:
    """The file of an image, or a ZIP file of all of them where there are several, as of a DICOM series."""
    store = app_instance().datastore()
    file, *others = store.series(image).files
    store.image_stamp(image)
    if not others:
        return FileResponse(file, media_type=get_mime_type(file), filename=file.name)
    path = Path(store.get_image_archive(image))
    remove = BackgroundTask(path.unlink)
    return FileResponse(path, media_type="application/zip", filename=f"{image}.zip", background=remove)


def _download_dataset(limit_cases: Annotated[int | None, Query(ge=1)] = None) -> FileResponse:
    """A ZIP file with the labelled images and their labels, or with the first of them."""
    path = Path(app_instance().datastore().get_dataset_archive(limit_cases))
    remove = BackgroundTask(path.unlink)
    return FileResponse(path, media_type="application/zip", filename="dataset.zip", background=remove)
