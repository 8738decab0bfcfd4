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
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query
from fastapi.responses import FileResponse
from monailabel.config import settings
from monailabel.endpoints import activelearning, batch_infer, datastore, infer, info, login, logs, proxy, scoring, train
from monailabel.endpoints.user.auth import RBAC
from monailabel.interfaces.utils.app import app_instance
from starlette.background import BackgroundTask

from label_app.dicom_proxy import check_dicom_proxy, with_few_headers
from label_app.request_checks import (
    CheckedJson,
    KeptInfo,
    TaskRequest,
    check_digest,
    check_infer,
    check_log_lines,
)

__all__ = ["add_monai_routes"]

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
}
_LEFT_OUT = {
    train.api_run,  # all models, and all methods, at once: there is one
    scoring.api_run,
    logs.gpu_info,  # fails where there is none
    datastore.api_download_dataset,  # leaves the archive behind: below
}


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
            endpoint = route.endpoint
            if router is proxy.router:
                endpoint = with_few_headers(endpoint)
                checks += [_annotator.dependency] if "POST" in route.methods else []
            app.add_api_route(
                prefix + route.path,
                _in_thread(endpoint),
                methods=list(route.methods),
                dependencies=[Depends(one) for one in checks],
                summary=route.summary,
                tags=route.tags,
                responses=route.responses,
                include_in_schema=route.include_in_schema,
                deprecated=route.deprecated,
            )
    dataset = {"methods": ["GET"], "dependencies": [_annotator], "tags": ["Datastore"]}
    app.add_api_route(f"{prefix}/datastore/dataset", _download_dataset, **dataset)


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


def _download_dataset(limit_cases: Annotated[int | None, Query(ge=1)] = None) -> FileResponse:
    """A ZIP file with the labelled images and their labels, or with the first of them."""
    path = Path(app_instance().datastore().get_dataset_archive(limit_cases))
    remove = BackgroundTask(path.unlink)
    return FileResponse(path, media_type="application/zip", filename="dataset.zip", background=remove)
