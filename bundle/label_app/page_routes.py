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

"""What the page asks for, beside MONAI Label's own routes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Body, Depends, Query, Response
from fastapi.responses import FileResponse
from monailabel.config import settings
from monailabel.endpoints.user.auth import RBAC
from monailabel.interfaces.exception import ImageNotFoundException
from monailabel.interfaces.utils.app import app_instance
from starlette.background import BackgroundTask

from label_app.export import DEFAULT_FORMATS, export_landmarks
from label_app.grey_window import first_window
from label_app.label_file import LabelPoint, parse_frame, parse_points
from label_app.landmark_app import LandmarkApp
from label_app.landmark_datastore import FINAL, ORIGINAL, LandmarkDatastore
from label_app.landmark_tasks import wanted_frames
from label_app.told_paths import without_folders
from label_app.zip_files import new_zip
from scripts.data.label_folder import LabelledSeries
from scripts.io.input_error import InputError

__all__ = ["router"]

_user = Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_USER))
_annotator = Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_ANNOTATOR))

JsonObject = Annotated[dict[str, Any], Body()]

router = APIRouter(prefix="/landmarks/api", tags=["Landmarks"])


@router.get("/images", summary="All images, and which landmarks are set on each", dependencies=[_user])
def list_images() -> list[dict[str, Any]]:
    """Id, name, number and names of landmarks of each image, and an ``error`` where its label is damaged.

    No pixels are read.
    """
    return list(_summaries(_app().datastore()))


@router.post("/refresh", summary="Look for new images", dependencies=[_user])
def refresh_images() -> list[dict[str, Any]]:
    """As the list, after a look into the folder or at the DICOMweb server, which may take seconds."""
    store = _app().datastore()
    store.refresh()
    return list(_summaries(store))


@router.get("/images/{image_id}", summary="One image", dependencies=[_user])
def describe_image(image_id: str) -> dict[str, Any]:
    """Size in px, number of frames, mm a pixel where known, and all landmarks."""
    store = _app().datastore()
    image = store.prepared(image_id)
    width, height = image.fit.original
    return {
        "id": image_id,
        "name": image.name,
        "width": width,
        "height": height,
        "frames": image.length,
        "still": image.length == 1,
        "spacing": image.spacing,
        "pixel_aspect": image.pixel_aspect,
        "final": _as_dicts(_app().memory.checked(image_id, store.label(image_id, FINAL).points, now=False)),
        "original": _as_dicts(store.label(image_id, ORIGINAL).points),
    }


@router.get("/images/{image_id}/frames/{frame}", summary="Pixels of a frame", dependencies=[_user])
def frame_pixels(image_id: str, frame: int) -> Response:
    """Grey values as little-endian float32, row after row; the header ``X-Window`` tells the range to show."""
    store = _app().datastore()
    wanted_frames(frame, store.prepared(image_id))
    pixels = store.pixels(image_id)[frame]
    low, high = first_window(pixels)
    content = np.ascontiguousarray(pixels.T, dtype="<f4").tobytes()
    headers = {"X-Window": f"{low},{high}", "Cache-Control": "no-cache"}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.post("/images/{image_id}/edit", summary="Set and remove landmarks", dependencies=[_annotator])
def edit_label(image_id: str, edit: JsonObject) -> list[dict[str, Any]]:
    """``points`` take the place of those of their name and frame, ``removed`` are taken away; the rest stays.

    So two people may work on one image at once. The answer has all landmarks of the image; one that the network does
    not find again in its own image has the ``status`` ``doubtful`` and a ``reason``.
    """
    points = parse_points(edit.get("points", []), "points")
    removed = edit.get("removed", [])
    if not isinstance(removed, list) or not all(isinstance(one, dict) for one in removed):
        raise InputError('"removed" must be a list of {"label", "frame"}')
    keys = [(str(one.get("label")), parse_frame(one.get("frame"), "removed")) for one in removed]
    label = _app().datastore().edit_label(image_id, points, keys)
    return _as_dicts(_app().memory.checked(image_id, label.points))


@router.post("/images/{image_id}/find", summary="Find landmarks", dependencies=[_user])
def find_landmarks(image_id: str, request: JsonObject) -> list[dict[str, Any]]:
    """The landmarks of the labels that there are, in the ``frames`` that are asked for."""
    answer = _app().find({**request, "model": "landmarks", "image": image_id})
    return answer["landmarks"]


@router.post("/next", summary="The image that is most worth a look", dependencies=[_user])
def next_image(request: JsonObject) -> dict[str, Any]:
    """By the ``strategy`` that is asked for; empty where all images are labelled."""
    return _app().next_sample(request)


@router.get("/export", summary="What people have set, as a ZIP file", dependencies=[_user])
def export(
    wanted: Annotated[list[Literal["csv", "markups", "sr"]], Query(alias="format")] = DEFAULT_FORMATS,
) -> FileResponse:
    """Files for the bundle's runs and for other programs, see :func:`label_app.export.export_landmarks`.

    What the network found is left out.
    """
    store = _app().datastore()
    labelled = dict(_labelled(store))
    ids = {one.series: image_id for image_id, one in labelled.items()}
    with tempfile.TemporaryDirectory() as folder:
        export_landmarks(
            list(labelled.values()),
            folder,
            wanted,
            images=lambda series: store.prepared(ids[series]),
        )
        files = sorted(one for one in Path(folder).rglob("*") if one.is_file())
        path = Path(new_zip({str(one.relative_to(folder)): one for one in files}))
    return FileResponse(path, filename="landmarks.zip", background=BackgroundTask(path.unlink))


def _labelled(store: LandmarkDatastore) -> Iterator[tuple[str, LabelledSeries]]:
    """The images that people have set a landmark on, with their ids."""
    for image_id in store.get_labeled_images(FINAL):
        points = store.label(image_id, FINAL).points
        if points:
            series = store.series(image_id)
            name = series.files[0].relative_to(store.folder).as_posix()
            yield image_id, LabelledSeries(name, series, points, f"label of {image_id}")


def _app() -> LandmarkApp:
    return app_instance()


def _summaries(store: LandmarkDatastore) -> Iterator[dict[str, Any]]:
    for image_id in store.list_images():
        with contextlib.suppress(ImageNotFoundException):  # somebody else has looked again, and it is gone
            yield _summary(store, image_id)


def _summary(store: LandmarkDatastore, image_id: str) -> dict[str, Any]:
    about = {"id": image_id, "name": store.image_name(image_id)}
    try:
        final, original = (store.label(image_id, tag).points for tag in (FINAL, ORIGINAL))
    except InputError as error:
        told = without_folders(str(error), [store.folder])
        return {**about, "final": 0, "original": 0, "labels": [], "error": told}
    labels = sorted({point.label for point in final})
    return {**about, "final": len(final), "original": len(original), "labels": labels}


def _as_dicts(points: Iterable[LabelPoint]) -> list[dict[str, Any]]:
    return [asdict(point) for point in points]
