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
"""The DICOM proxy between real sockets: what a DICOM server is asked for, byte for byte, and what never reaches it."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("monailabel")

import requests
import uvicorn
from monailabel.config import settings
from pydicom.examples import get_path

from orthanc_server import needs_orthanc, running_orthanc

UID = "1.2.840.10008.1"


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Pacs(ThreadingHTTPServer):
    """A DICOM server that keeps what it is asked for; below ``/dicom-web``, where it finds no series."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Record)
        self.asked: list[Asked] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/dicom-web"


class _Record(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Pacs

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        # as RFC 9112 has it: chunks come before a length
        body = self._read_chunks() if "chunked" in headers.get("transfer-encoding", "") else self._read(headers)
        self.server.asked.append(Asked(self.command, self.path, headers, body))
        self.send_response(200)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

    def _read(self, headers: dict[str, str]) -> bytes:
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _read_chunks(self) -> bytes:
        body = b""
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def pacs() -> Iterator[Pacs]:
    server = Pacs()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def address(client, pacs: Pacs, tmp_path, monkeypatch) -> Iterator[tuple[str, int]]:
    """Our server over that DICOM server, whose password it has."""
    with serving(client, pacs.root, tmp_path, monkeypatch) as listening:
        pacs.asked.clear()
        yield listening


@contextmanager
def serving(client, root: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Where our server listens, over a DICOM server."""
    monkeypatch.setattr(settings, "MONAI_LABEL_STUDIES", root)
    monkeypatch.setattr(settings, "MONAI_LABEL_DICOMWEB_SEARCH_FILTER", {})
    monkeypatch.setattr(settings, "MONAI_LABEL_DICOMWEB_CACHE_PATH", str(cache / "cache"))
    monkeypatch.setattr(settings, "MONAI_LABEL_DICOMWEB_USERNAME", "orthanc")
    monkeypatch.setattr(settings, "MONAI_LABEL_DICOMWEB_PASSWORD", "secret")
    assert client.get("/info/").status_code == 200
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(client.app, lifespan="off", log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()
    server.should_exit = True
    thread.join(10)
    listening.close()


def ask(address: tuple[str, int], method: str, target: str, body: bytes | None = None, **headers: str) -> int:
    """The status of the answer; the target goes out as it is."""
    connection = http.client.HTTPConnection(*address, timeout=20)
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    status = connection.getresponse().status
    connection.close()
    return status


INSTANCE = f"studies/{UID}/series/{UID}/instances/{UID}"
PASSED = {
    "/proxy/dicom/qido/studies": "/studies",
    "/proxy/dicom/qido/series": "/series",
    "/proxy/dicom/instances": "/instances",
    f"/proxy/dicom/qido/studies/{UID}/series": f"/studies/{UID}/series",
    f"/proxy/dicom/wado/studies/{UID}/series/{UID}/metadata": f"/studies/{UID}/series/{UID}/metadata",
    f"/proxy/dicom/wado/{INSTANCE}/frames/1,2": f"/{INSTANCE}/frames/1,2",
    f"/proxy/dicom/wado/{INSTANCE}/frames/1%2C2": f"/{INSTANCE}/frames/1,2",
    f"/proxy/dicom/wado/{INSTANCE}/bulk/5400,0100/1/54001010": f"/{INSTANCE}/bulk/5400,0100/1/54001010",
}


def test_what_is_below_the_root_is_passed_on_with_the_password(address, pacs):
    for target, asked in PASSED.items():
        assert ask(address, "GET", target) == 200
        one = pacs.asked.pop()
        assert (one.method, one.target) == ("GET", f"/dicom-web{asked}")
        assert one.headers["authorization"].startswith("Basic ")


def test_the_prefixes_of_the_routes_are_kept(address, pacs, monkeypatch):
    for name in ("QIDO", "WADO", "STOW"):
        monkeypatch.setattr(settings, f"MONAI_LABEL_{name}_PREFIX", f"{name.lower()}-rs")
    for route, method in (("qido", "GET"), ("wado", "GET"), ("stow", "POST")):
        assert ask(address, method, f"/proxy/dicom/{route}/studies") == 200
        assert ask(address, method, f"/proxy/dicom/{route}/../tools") in (404, 405)
        assert ask(address, method, f"/proxy/dicom/{route}/..%2ftools") == 404
    assert [one.target for one in pacs.asked] == [f"/dicom-web/{one}-rs/studies" for one in ("qido", "wado", "stow")]


OUTSIDE = [
    "/..%2Ftools%2Fexecute-script",
    "/..%2ftools%2fexecute-script",
    "/../tools/execute-script",
    "/%2e%2e/tools/execute-script",
    "/%2E%2E%2Ftools%2Fexecute-script",
    "/..%5Ctools%5Cexecute-script",
    "/..%252Ftools%252Fexecute-script",
    "/%252e%252e/tools/execute-script",
    "/studies/../../tools/execute-script",
    "/studies/%2e%2e/%2e%2e/tools/execute-script",
    "/studies/..%2F..%2Ftools%2Fexecute-script",
    "/studies%2F..%2F..%2Ftools%2Fexecute-script",
    "/studies/%252e%252e/%252e%252e/tools/execute-script",
    "/studies/..%5C..%5Ctools",
    "/studies/..;/..;/tools/execute-script",
    "/studies/..%3B/tools",
    "/studies/./x",
    "/studies//x",
    "/studies/",
    "//studies",
    "/studies%3Fx=1",
    "/studies%23x",
    "/studies%00",
    "/studies%0d%0aX-A:%20b",
    "/studiesx",
    "/Studies",
    "/studies%2F1.2",
    "/servers",
    "/tools/execute-script",
    "/http:%2F%2F127.0.0.1%2Fx",
    "/http://127.0.0.1/studies",
    "/",
    "",
]


@pytest.mark.parametrize("route", ["", "/qido", "/wado", "/stow"])
def test_what_is_outside_of_the_root_never_reaches_the_server(address, pacs, route):
    for path in OUTSIDE:
        for method, body in (("GET", None), ("POST", b"")):
            status = ask(address, method, f"/proxy/dicom{route}{path}", body)
            assert status in (404, 405, 307), f"{method} {path}"
            assert pacs.asked == [], f"{method} {path}"


def test_only_what_is_to_be_stored_is_sent(address, pacs):
    kind = 'multipart/related; type="application/dicom"; boundary=x'
    for target in ("/stow/studies", f"/wado/studies/{UID}", "/studies"):
        assert ask(address, "POST", f"/proxy/dicom{target}", b"--x--", content_type=kind) == 200
    assert [one.target for one in pacs.asked] == [
        f"/dicom-web{one}" for one in ("/studies", f"/studies/{UID}", "/studies")
    ]
    assert {(one.method, one.body, one.headers["content-type"]) for one in pacs.asked} == {("POST", b"--x--", kind)}
    pacs.asked.clear()
    for path in (f"studies/{UID}/series", "series", "instances", "studies/all/reject", f"studies/{UID}/archive"):
        assert ask(address, "POST", f"/proxy/dicom/{path}", b"") == 405
    for method in ("PUT", "DELETE", "PATCH"):
        assert ask(address, method, f"/proxy/dicom/studies/{UID}") == 405
    assert pacs.asked == []


def test_a_body_carries_no_second_request(address, pacs):
    """Bytes that are taken for chunks would end there, and what follows would be a request of its own."""
    hidden = b"0\r\n\r\nPOST /tools/execute-script HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
    with socket.create_connection(address, timeout=20) as connection:
        head = "POST /proxy/dicom/studies HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + chunks)
        while connection.recv(4096):
            pass
    assert [(one.target, one.body) for one in pacs.asked] == [("/dicom-web/studies", hidden)]


def test_what_the_server_need_not_know_is_not_told(address, pacs):
    headers = {"Authorization": "Bearer token", "X_HTTP_Method_Override": "DELETE", "Cookie": "a=b"}
    assert ask(address, "POST", "/proxy/dicom/studies", b"", **headers) == 200
    (one,) = pacs.asked
    assert one.headers["host"] == pacs.root.split("/")[2] and one.headers["authorization"].startswith("Basic ")
    assert not {"x-http-method-override", "cookie"} & set(one.headers)


@pytest.mark.slow
@needs_orthanc
def test_a_real_server_stores_and_answers_through_the_proxy(client, tmp_path, monkeypatch):
    clip = Path(get_path("ybr_color")).read_bytes()
    head = b"--x\r\nContent-Type: application/dicom\r\n\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=x'
    with (
        running_orthanc(tmp_path) as orthanc,
        serving(client, f"{orthanc}/dicom-web", tmp_path, monkeypatch) as address,
    ):
        assert ask(address, "POST", "/proxy/dicom/stow/studies", head + clip + b"\r\n--x--", Content_Type=kind) == 200
        here = f"http://127.0.0.1:{address[1]}/proxy/dicom"
        (study,) = requests.get(f"{here}/qido/studies", timeout=20).json()
        uid = study["0020000D"]["Value"][0]
        (instance,) = requests.get(f"{here}/wado/studies/{uid}/metadata", timeout=20).json()
        assert instance["00280008"]["Value"] == [30]
        assert ask(address, "GET", "/proxy/dicom/..%2Fsystem") == 404
