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
"""A page of another site cannot read from here under a name of its own."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from label_app.known_host import KnownHost


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
    app.add_middleware(KnownHost, names=["Landmarks.example", ""])
    return TestClient(app)


HERE = ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]", "[::1]:8000", "192.168.0.7:80", "landmarks.example:1"]
ELSEWHERE = [
    "",
    ":8000",
    "elsewhere.example",
    "127.0.0.1.elsewhere.example",
    "localhost.elsewhere.example",
    "[::1",
    "2130706433",
]


@pytest.mark.parametrize("host", HERE)
def test_addresses_and_our_names_are_answered(client, host):
    assert client.get("/", headers={"host": host}).text == "here"


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_names_are_refused(client, host):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 400 and "--allow_host" in answer.json()["detail"]
