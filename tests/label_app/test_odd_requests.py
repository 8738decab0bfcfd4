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
"""Whatever is sent to a route, the server has no fault of its own, and leaves no temporary file."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("monailabel")

from fastapi.routing import APIRoute
from monailabel.utils.async_tasks import task

from label_app.adapt_task import AdaptTask
from label_app.page_routes import router
from label_app.server import app

ROUTES = [
    (method, route)
    for route in (*app.routes, *router.routes)
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
NAMES = {
    "image_id": ("0.png", "%00", "x" * 300),
    "frame": ("0", "-1", "9" * 30, "nan"),
    "model": ("landmarks", "landmarks_discs", "landmarks_click", "adapt", "%00"),
    "method": ("distance", "other"),
    "strategy": ("coverage", "sigma", "other"),
    "path": ("studies", "..%2F..", ""),
}
VALUES = ("", "0", "-1", "9" * 30, "nan", "true", "\0", "x" * 300, "0.png", "final", "SHA3:0", "x:y", "dicom_seg", "..")
SETTINGS = ("image", "model", "method", "strategy", "labels", "label_tag", "frames", "clicks", "images", "y", "y_pred")
SETTINGS += ("max_images", "max_batch_size", "max_epochs", "points", "removed", "gpus", "result_extension")
SETTINGS += ("adapt", "distance")
ODD = ("null", "true", "-1", "1e400", '"x"', '"\\ud800"', "[1]", "[[1]]", "[null]", '{"a": 1}', "[{}]", "9" * 5000)
JSON = [
    *(
        "",
        "{",
        "null",
        "1",
        '"x"',
        "[1]",
        '[["image", "0.png"]]',
        "NaN",
        '{"a": NaN}',
        '{"a": -Infinity}',
        "[" * 100_000,
    ),
    *(f'{{"{name}": {value}}}' for name in SETTINGS for value in ODD),
    '{"save_label": true, "label_tag": "x"}',
    '{"result_extension": ".nrrd", "result_dtype": [1]}',
    '{"landmarks": [{"label": "valve", "x": 1, "y": NaN}]}',
]
FILES = (("a.png", b"x"), ("a.json", b"{"), ("a.bin", b"x"), ("\0.\0", b"x"), (f"a.{'x' * 300}", b"x"))


def addresses(route: APIRoute) -> Iterator[str]:
    """With each name that the path may have."""
    for values in itertools.product(*(NAMES[name] for name in route.param_convertors)):
        path = route.path
        for name, value in zip(route.param_convertors, values, strict=True):
            path = re.sub(rf"{{{name}(:path)?}}", lambda _, value=value: value, path)
        yield path


def names(route: APIRoute) -> list[str]:
    return [one.alias for one in route.dependant.query_params]


def queries(route: APIRoute) -> Iterator[dict[str, str]]:
    right = {"image": "0.png", "label": "0.png", "id": "0.png", "tag": "final"}
    given = {name: right[name] for name in names(route) if name in right}
    yield given
    for name in names(route):
        yield from ({**given, name: value} for value in VALUES)


def bodies(method: str, route: APIRoute) -> Iterator[dict[str, Any]]:
    if method not in ("POST", "PUT"):
        return
    yield {"content": b"\xff\xfe"}
    yield {"content": b"\xff\xfe", "headers": {"content-type": "text/plain"}}
    yield {"data": {"params": "[1]"}}
    is_form = any(one.field_info.__class__.__name__ in ("Form", "File") for one in route.dependant.body_params)
    if not is_form:
        yield from ({"content": one, "headers": {"content-type": "application/json"}} for one in JSON)
        return
    file = next((one.alias for one in route.dependant.body_params if one.alias in ("file", "label")), None)
    for text in JSON:
        files = {file: ("a.json", b'{"landmarks": []}')} if file else None
        yield {"data": {"params": text, "info": text}, "files": files}
    yield from ({"files": {name: one}} for one in FILES for name in ("file", "label"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained, and no process is started."""
    monkeypatch.setattr(AdaptTask, "_train", lambda *_: ({}, 1.0, 1.0))
    monkeypatch.setattr(task, "run_background_task", lambda request, method: json.loads(json.dumps(request)))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("method", "route"), ROUTES, ids=[f"{method} {route.path}" for method, route in ROUTES])
def test_no_request_is_a_fault_of_the_server(client, temporary, method, route):
    client.post("/landmarks/api/images/0.png/edit", json={"points": [{"label": "valve", "x": 40, "y": 30}]})
    address, *others = addresses(route)
    first, *rest = queries(route)
    requests = [(one, {"params": first}) for one in others] + [(address, {"params": one}) for one in rest]
    at_once = [{**first, "run_sync": "true"}] if method == "POST" and "run_sync" in names(route) else []
    requests += [(address, {"params": one, **body}) for body in bodies(method, route) for one in (first, *at_once)]
    faults = []
    for path, content in [(address, {"params": first}), *requests]:
        answer = client.request(method, path, **content)
        if answer.status_code >= 500:
            faults.append((path, str(content)[:200], answer.text[:200]))
        if left := list(temporary.iterdir()):
            faults.append((path, str(content)[:200], left))
            for file in left:
                file.unlink()
    assert not faults, f"{len(faults)} of {len(requests) + 1}, first {faults[:5]}"
