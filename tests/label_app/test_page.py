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

"""The page in a real browser, beside a real server."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

BUNDLE = Path(__file__).parents[2] / "bundle"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,900",
]
WIDTH, HEIGHT = 101, 67  # of the still images, px
SPOT = (37, 21)  # their one bright pixel
CLIP = (96, 40)  # of the series, px; they are twice as high as wide
STILLS = [
    "place1",
    "place15",
    "place2",
    "drag",
    "keys",
    "touch",
    "glass",
    "pinch",
    "grey",
    "undo",
    "error",
    "offline",
    "two",
    "names",
    "next1",
    "next2",
    "late1",
    "late2",
    "held1",
    "held2",
    "damaged",
]
ORANGE = np.array([0xE6, 0x9F, 0x00])

pytest.importorskip("monailabel", reason="the page is served by MONAI Label; pip install monailabel")
webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
Service = pytest.importorskip("selenium.webdriver.chrome.service").Service

if not (CHROMIUM and DRIVER):
    pytest.skip("the page is tested in chromium; apt-get install chromium chromium-driver", allow_module_level=True)


# the SVG's own numbers: a box on the screen has single precision only
_READ_MARKS = """
const box = document.getElementById("stage").getBoundingClientRect();
return [...document.querySelectorAll(arguments[0])].map((mark) => {
  const [x, y] = mark.getAttribute("transform").match(/[-\\d.e]+/g).slice(-2).map(Number);
  const [rx, ry] = ["rx", "ry"].map((name) => Number(mark.querySelector("ellipse")?.getAttribute(name)));
  return {label: mark.dataset.label, x: x + box.x, y: y + box.y, rx, ry, classes: mark.getAttribute("class")};
});
"""

# answers are held back until they are let go, in any order
_HOLD_ANSWERS = """
const ask = window.fetch;
window.held = {};
window.fetch = async (path, options) => {
  const response = await ask(path, options);
  if (new RegExp(arguments[0]).test(path)) await new Promise((go) => (window.held[path] = go));
  return response;
};
"""

_READ_LOUPE = """
const glass = document.getElementById("loupe");
const {data} = glass.getContext("2d").getImageData(0, 0, glass.width, glass.height);
const grey = (away) => data[4 * ((glass.width / 2 + away) * glass.width + glass.width / 2 + away)];
return [grey(0), grey(Math.round(arguments[0]))];
"""


class Place(NamedTuple):
    """A place in the window, CSS px."""

    x: float
    y: float

    def __add__(self, by: tuple[float, float]) -> Place:
        return Place(self.x + by[0], self.y + by[1])


class Server(NamedTuple):
    """Address and folder of the server."""

    url: str
    folder: Path

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def edit(self, image: str, *points: tuple[str, int | None, float, float]) -> None:
        names = ("label", "frame", "x", "y")
        body = {"points": [dict(zip(names, point, strict=True)) for point in points]}
        self.ask(f"/landmarks/api/images/{image}/edit", body)

    def file(self, image: str) -> Path:
        return self.folder / ".landmarks" / "final" / f"{image}.json"

    def saved(self, image: str) -> dict[tuple[str, int | None], tuple[float, float]]:
        if not self.file(image).is_file():
            return {}
        landmarks = json.loads(self.file(image).read_text())["landmarks"]
        return {(one["label"], one.get("frame")): (one["x"], one["y"]) for one in landmarks}


class View:
    """Where the page must show the image, worked out here from what was done, not asked of the page."""

    def __init__(self, box: dict[str, float], size: tuple[int, int] = (WIDTH, HEIGHT), aspect: float = 1.0) -> None:
        scale = min(box["width"] / size[0], box["height"] / (size[1] * aspect))
        self.scale = np.array([scale, scale * aspect])
        stage = np.array([box["width"], box["height"]])
        self.corner = np.array([box["x"], box["y"]]) + (stage - self.scale * size) / 2

    def zoom(self, at: tuple[float, float], factor: float) -> None:
        self.corner = np.array(at) - (np.array(at) - self.corner) * factor
        self.scale = self.scale * factor

    def pan(self, x: float, y: float) -> None:
        self.corner = self.corner + (x, y)

    def place(self, x: float, y: float) -> Place:
        return Place(*(self.corner + self.scale * (x + 0.5, y + 0.5)).tolist())

    def point(self, place: tuple[float, float]) -> tuple[float, float]:
        return tuple(((np.array(place) - self.corner) / self.scale - 0.5).tolist())


class Visitor:
    """A person at a browser."""

    def __init__(self, server: Server, profile: Path, pixel_ratio: float = 1.0) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--force-device-scale-factor={pixel_ratio}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.server = server
        self.ratio = pixel_ratio

    def open(self, image: str, frame: int = 0, *, shows_found: bool = False) -> View:
        self.driver.get("about:blank")
        self.driver.get(f"{self.server.url}/landmarks/#{image}/{frame}")
        name = image.replace("~", "/")
        wait(lambda: self.text("image-name") == name and self.element("stage").size["width"] > 0)
        if not shows_found:
            self.element("show-found").click()  # a click must not happen to meet what was found
        self.settle()
        return View(self.box())

    def element(self, name: str) -> Any:
        return self.driver.find_element(By.ID, name)

    def text(self, name: str) -> str:
        return self.element(name).text

    def box(self) -> dict[str, float]:
        return self.script("const b = document.getElementById('stage').getBoundingClientRect(); return b.toJSON()")

    def script(self, code: str, *arguments: Any) -> Any:
        return self.driver.execute_script(code, *arguments)

    def settle(self) -> None:
        """Wait until what was changed is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    def name(self, label: str) -> None:
        self.element("label-name").send_keys(label, Keys.ENTER)

    def press(self, *keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, held: str, key: str) -> None:
        webdriver.ActionChains(self.driver).key_down(held).send_keys(key).key_up(held).perform()

    def mouse(self, kind: str, place: tuple[float, float], button: str = "left", **more: Any) -> None:
        event = {"type": kind, "x": place[0], "y": place[1], "button": button, "clickCount": 1, **more}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def click(self, place: tuple[float, float]) -> None:
        self.drag(place)

    def drag(self, *places: tuple[float, float], button: str = "left") -> None:
        self.mouse("mouseMoved", places[0], "none")
        self.mouse("mousePressed", places[0], button)
        for place in places[1:]:
            self.mouse("mouseMoved", place, button)
        self.mouse("mouseReleased", places[-1], button)
        self.settle()

    def wheel(self, place: tuple[float, float], by: float) -> float:
        """Turn the wheel; returns by which factor the image grows."""
        self.mouse("mouseWheel", place, "none", deltaX=0, deltaY=by)
        time.sleep(0.2)
        self.settle()
        return math.exp(-0.0016 * by)

    def touch(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def hold(self, pattern: str) -> None:
        """Hold back what the server answers to such addresses, from now on."""
        self.script(_HOLD_ANSWERS, pattern)

    def wait_held(self, address: str) -> str:
        """Wait until an answer is held back whose address ends so; returns all of its address."""
        find = "return Object.keys(window.held).find((path) => path.endsWith(arguments[0]))"
        wait(lambda: self.script(find, address))
        return self.script(find, address)

    def let_go(self, address: str) -> None:
        """Let an answer arrive that is held back, and wait until the page has had time for it."""
        path = self.wait_held(address)
        self.script("window.held[arguments[0]](); delete window.held[arguments[0]]", path)
        time.sleep(0.3)
        self.settle()

    def choose(self, image: str) -> None:
        """Click an image in the list."""
        self.script(f"document.querySelector('#images [data-id=\"{image}\"]').click()")  # it may be drawn anew

    def listed(self) -> dict[str, str]:
        """What the list tells, by image."""
        return self.script(
            "const buttons = [...document.querySelectorAll('#images button')];"
            "return Object.fromEntries(buttons.map((one) => [one.dataset.id, one.ariaLabel]));"
        )

    def wait_saved(self) -> None:
        wait(lambda: self.text("save-state") == "Saved")

    def marks(self, kind: str = "mark") -> dict[str, dict[str, Any]]:
        """What is drawn on the image: place in the window, classes and the ellipse's radii, by label."""
        drawn = self.script(_READ_MARKS, f"#layer .{kind}")
        return {one["label"]: one for one in drawn}

    def mark_places(self) -> dict[str, tuple[float, float]]:
        return {label: (one["x"], one["y"]) for label, one in self.marks().items()}

    def picture(self) -> np.ndarray:
        """The stage as it is seen, RGB, (rows, columns) of the screen's pixels; all else is black."""
        picture = np.asarray(Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")).astype(int)
        box = self.box()
        top, left = (round(box[side] * self.ratio) for side in ("y", "x"))
        bottom, right = (round((box[a] + box[b]) * self.ratio) for a, b in (("y", "height"), ("x", "width")))
        seen = np.zeros_like(picture)
        seen[top:bottom, left:right] = picture[top:bottom, left:right]
        return seen

    def spot(self) -> Place:
        """Centre of the image's bright pixel as it is seen."""
        rows, columns = np.nonzero((self.picture() > 240).all(axis=-1))
        return Place(*(((one.min() + one.max() + 1) / 2 / self.ratio).item() for one in (columns, rows)))

    def disc(self, near: Place) -> Place:
        """Centre of the orange disc that is seen there."""
        rows, columns = np.nonzero((abs(self.picture() - ORANGE) < 40).all(axis=-1))
        x, y = (columns + 0.5) / self.ratio, (rows + 0.5) / self.ratio
        close = np.hypot(x - near.x, y - near.y) < 9
        assert 0.6 < close.sum() / self.ratio**2 / (math.pi * 4.2**2) < 1.4  # a whole disc, and nothing else
        return Place(x[close].mean().item(), y[close].mean().item())


def wait(is_so: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _write_images(folder: Path) -> None:
    pixels = np.full((HEIGHT, WIDTH), 4000, np.uint16)
    pixels[SPOT[1], SPOT[0]] = 60000
    for name in STILLS:
        Image.fromarray(pixels).save(folder / f"{name}.png")
    grey = Image.fromarray((pixels // 256).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # a browser turns it by a quarter
    grey.save(folder / "turned1.png", exif=exif)
    # that it begins with its right lower corner turns it in other programs
    grey.save(folder / "turned2.tif", tiffinfo={274: 3})
    even = np.full((HEIGHT, WIDTH), 1000000.125, np.float32)
    even[:, WIDTH // 2 :] += 0.25
    Image.fromarray(even).save(folder / "even.tif")
    coarse = Image.fromarray(np.random.default_rng(0).random((10, 16)).astype(np.float32))
    texture = np.asarray(coarse.resize((CLIP[0] + 40, CLIP[1] + 20), Image.Resampling.BICUBIC)).T
    frames = [texture[20 - 2 * t : 20 - 2 * t + CLIP[0], 10 - t : 10 - t + CLIP[1]] for t in range(6)]
    clip = nib.Nifti1Image(np.stack(frames, axis=-1)[:, :, None], np.diag([1.0, 2.0, 1.0, 1.0]))
    clip.to_filename(folder / "clip.nii.gz")


def _moved(x: float, y: float, frame: int) -> tuple[float, float]:
    """Where a point of the clip's first frame is in another."""
    return x + 2 * frame, y + frame


def _write_config(folder: Path) -> list[str]:
    """Cross-correlation in the network's place: it needs no training, and finds what was only shifted."""
    config = {"network": {"_target_": "scripts.classical.NCCMatcher"}, "sigma_per_scale": 0.05}
    (folder / "ncc.json").write_text(json.dumps(config))
    (folder / "none.pt").touch()
    settings = ["--set", "image_size", "[64,64]", "--set", "patch_size", "16"]
    return ["--ckpt_path", str(folder / "none.pt"), "--config_file", str(folder / "ncc.json"), *settings]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with _serving(tmp_path_factory.mktemp("page")) as server:
        yield server


@contextmanager
def _serving(folder: Path, *settings: str) -> Iterator[Server]:
    """A server over the images, in a process of its own."""
    studies = folder / "studies"
    studies.mkdir()
    _write_images(studies)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "label_app", "--studies", str(studies), "--port", str(port)]
    command += [*_write_config(folder), *settings]
    environment = {**os.environ, "PYTHONPATH": str(BUNDLE), "OMP_NUM_THREADS": "1"}
    with open(folder / "log.txt", "wb") as log:
        process = subprocess.Popen(command, cwd=BUNDLE, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        started = Server(f"http://127.0.0.1:{port}", studies)
        wait(lambda: process.poll() is not None or _answers(started), 120)
        assert process.poll() is None, (folder / "log.txt").read_text()[-3000:]
        yield started
    finally:
        process.terminate()
        process.wait(20)


def _answers(server: Server) -> bool:
    try:
        return bool(server.ask("/landmarks/api/images"))
    except OSError:
        return False


@pytest.fixture(scope="module")
def visitor(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    visitor = Visitor(server, tmp_path_factory.mktemp("profile"))
    yield visitor
    visitor.driver.quit()


@pytest.mark.parametrize(("image", "ratio"), [("place1.png", 1.0), ("place15.png", 1.5), ("place2.png", 2.0)])
def test_a_click_sets_what_is_seen_there(server: Server, tmp_path: Path, image: str, ratio: float):
    visitor = Visitor(server, tmp_path, ratio)
    try:
        _check_places(visitor, server, image)
    finally:
        visitor.driver.quit()


def _check_places(visitor: Visitor, server: Server, image: str) -> None:
    view = visitor.open(image)
    assert visitor.script("return devicePixelRatio") == visitor.ratio
    visitor.name("a")
    view.zoom((501, 300), visitor.wheel((501, 300), -600))
    visitor.drag((500, 400), (531, 388.5), (540.5, 371), button="middle")
    view.pan(40.5, -29)
    seen = visitor.spot()
    assert math.dist(seen, view.place(*SPOT)) < 1

    visitor.click(seen + (31.5, -17.25))
    visitor.wait_saved()
    x, y = server.saved(image)["a", None]
    assert (x, y) == pytest.approx(view.point(seen + (31.5, -17.25)), abs=1e-6)
    # the picture says the same, to a pixel of the screen
    assert math.dist((x, y), (SPOT[0] + 31.5 / view.scale[0], SPOT[1] - 17.25 / view.scale[1])) * view.scale[0] < 1
    assert math.dist(visitor.disc(seen + (31.5, -17.25)), seen + (31.5, -17.25)) < 1

    server.edit(image, ("a", None, *SPOT))
    visitor.open(image)
    visitor.wheel(view.place(*SPOT), -500)
    assert math.dist(visitor.disc(visitor.spot()), visitor.spot()) < 1


@pytest.mark.parametrize("image", ["turned1.png", "turned2.tif"])
def test_a_picture_that_is_to_be_turned_is_seen_as_the_server_reads_it(server: Server, visitor: Visitor, image: str):
    about = server.ask(f"/landmarks/api/images/{image}")
    assert (about["width"], about["height"]) == (WIDTH, HEIGHT)
    visitor.open(image)
    visitor.name("a")
    seen = visitor.spot()
    visitor.click(seen)
    visitor.wait_saved()
    assert server.saved(image)["a", None] == pytest.approx(SPOT, abs=0.1)


def test_region_and_stretch_move_no_point(tmp_path: Path):
    with _serving(tmp_path, "--set", "region", "[20,10,90,38]", "--set", "stretch", "true") as server:
        visitor = Visitor(server, tmp_path / "profile")
        try:
            visitor.open("place1.png")
            visitor.name("a")
            visitor.click(visitor.spot())
            visitor.wait_saved()
            assert server.saved("place1.png")["a", None] == pytest.approx(SPOT, abs=0.1)
            test_pixels_that_are_not_square(server, visitor)
            # what is found on the part that is used is drawn in px of the whole image
            server.edit("clip.nii.gz", ("b", 0, 48, 20))
            (found,) = server.ask("/landmarks/api/images/clip.nii.gz/find", {"frames": [1], "labels": ["b"]})
            assert (found["x"], found["y"]) == pytest.approx(_moved(48, 20, 1), abs=1)
        finally:
            visitor.driver.quit()


def test_pixels_that_are_not_square(server: Server, visitor: Visitor):
    visitor.open("clip.nii.gz", 2)
    view = View(visitor.box(), CLIP, 2.0)
    visitor.name("tall")
    visitor.click((600, 211))
    visitor.wait_saved()
    assert server.saved("clip.nii.gz")["tall", 2] == pytest.approx(view.point((600, 211)), abs=1e-6)


def test_drag_delete_and_reload(server: Server, visitor: Visitor):
    view = visitor.open("drag.png")
    visitor.name("a")
    visitor.click(view.place(40, 30))
    start = view.place(40, 30) + (3, -4)  # taken beside its middle: it must not jump
    visitor.drag(start, start + (20, 20), start + (41.25, -12.5))
    visitor.wait_saved()
    expected = view.point(view.place(40, 30) + (41.25, -12.5))
    assert server.saved("drag.png")["a", None] == pytest.approx(expected, abs=1e-5)
    places = visitor.mark_places()
    visitor.open("drag.png")
    assert visitor.mark_places() == places
    visitor.drag((300, 600), (330, 620))  # the image, not the landmark
    visitor.drag((330, 620), (300, 600))
    assert server.saved("drag.png")["a", None] == pytest.approx(expected, abs=1e-5)
    visitor.click(view.place(*expected))
    visitor.press(Keys.DELETE)
    visitor.wait_saved()
    assert server.saved("drag.png") == {}
    assert not visitor.marks("set")


def test_keys_move_by_exact_steps_and_undo(server: Server, visitor: Visitor):
    server.edit("keys.png", ("a", None, 20.125, 30.5))
    visitor.open("keys.png")
    visitor.driver.find_element(By.CSS_SELECTOR, '#labels [data-key="choose a"]').click()
    visitor.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    visitor.chord(Keys.SHIFT, Keys.ARROW_DOWN)
    visitor.wait_saved()
    assert server.saved("keys.png")["a", None] == pytest.approx((22.125, 29.6), abs=1e-12)
    for _ in range(4):
        visitor.chord(Keys.CONTROL, "z")
    visitor.wait_saved()
    assert server.saved("keys.png")["a", None] == (20.125, 30.5)
    visitor.chord(Keys.CONTROL, "y")
    visitor.wait_saved()
    assert server.saved("keys.png")["a", None] == (21.125, 30.5)
    visitor.press("?")
    assert visitor.element("help").is_displayed() and "medical device" in visitor.text("help")
    visitor.press(Keys.ESCAPE)


def test_undo_brings_back_what_was_deleted_in_another_image(server: Server, visitor: Visitor):
    server.edit("undo.png", ("a", None, 1 / 3, 2 / 3))
    visitor.open("undo.png")
    visitor.driver.find_element(By.CSS_SELECTOR, '#labels [data-key="remove a"]').click()
    visitor.wait_saved()
    assert server.saved("undo.png") == {}
    visitor.press(Keys.PAGE_DOWN)
    wait(lambda: visitor.text("image-name") != "undo.png")
    visitor.chord(Keys.CONTROL, "z")
    wait(lambda: visitor.text("image-name") == "undo.png" and server.saved("undo.png"))
    assert server.saved("undo.png")["a", None] == (1 / 3, 2 / 3)


def test_the_grey_window_moves_nothing(server: Server, visitor: Visitor):
    server.edit("grey.png", ("a", None, 60, 40))
    view = visitor.open("grey.png")
    spot, places, before = visitor.spot(), visitor.mark_places(), visitor.text("window-text")
    ground = view.place(20, 50)
    dark = visitor.picture()[int(ground.y), int(ground.x)]
    visitor.drag((400, 500), (380, 400), (300, 650), button="right")
    assert visitor.text("window-text") != before
    assert (visitor.picture()[int(ground.y), int(ground.x)] > dark).all()
    assert visitor.mark_places() == places
    visitor.press("w")
    visitor.settle()
    assert visitor.text("window-text") == before and visitor.spot() == spot
    assert server.saved("grey.png") == {("a", None): (60, 40)}


def test_a_finger_drags_and_taps(server: Server, visitor: Visitor):
    server.edit("touch.png", ("a", None, 30, 30))
    view = visitor.open("touch.png")
    start = view.place(30, 30) + (12, 9)  # a finger is wide
    visitor.touch("touchStart", start)
    visitor.touch("touchMove", start + (30, 10))
    visitor.touch("touchMove", start + (64.5, 32.25))
    visitor.touch("touchEnd")
    visitor.wait_saved()
    expected = view.point(view.place(30, 30) + (64.5, 32.25))
    assert server.saved("touch.png")["a", None] == pytest.approx(expected, abs=1e-5)
    visitor.name("b")
    visitor.touch("touchStart", (700.5, 500.25))
    visitor.touch("touchEnd")
    visitor.wait_saved()
    assert server.saved("touch.png")["b", None] == pytest.approx(view.point((700.5, 500.25)), abs=1e-6)


def test_a_glass_shows_what_the_finger_hides(server: Server, visitor: Visitor):
    server.edit("glass.png", ("a", None, 60, 40))
    view = visitor.open("glass.png")
    start, spot = view.place(60, 40), view.place(*SPOT)
    assert not visitor.element("loupe").is_displayed()
    visitor.touch("touchStart", start)
    visitor.touch("touchMove", start + (-20, -20))
    visitor.touch("touchMove", spot)
    visitor.settle()
    middle, beside = visitor.script(_READ_LOUPE, 3 * view.scale[0])
    visitor.touch("touchEnd")
    visitor.wait_saved()
    assert middle == 255 and beside < 128  # the bright pixel, and the one below and to the right
    assert not visitor.element("loupe").is_displayed()
    assert server.saved("glass.png")["a", None] == pytest.approx(SPOT, abs=1e-5)


def test_two_fingers_zoom_and_set_nothing(server: Server, visitor: Visitor):
    view = visitor.open("pinch.png")
    visitor.name("a")
    visitor.touch("touchStart", (500, 400))
    visitor.touch("touchStart", (500, 400), (600, 400))
    visitor.touch("touchMove", (475, 410), (675, 410))
    visitor.touch("touchEnd", (475, 410))
    visitor.touch("touchEnd")
    visitor.settle()
    assert server.saved("pinch.png") == {}
    view.pan(25, 10)
    view.zoom((575, 410), 2)
    visitor.click((640, 330))
    visitor.wait_saved()
    assert server.saved("pinch.png")["a", None] == pytest.approx(view.point((640, 330)), abs=1e-4)


def _find(server: Server, image: str, frame: int) -> dict[str, Any]:
    answers = server.ask(f"/landmarks/api/images/{image}/find", {"frames": [frame]})
    return {one["label"]: one for one in answers}


def test_a_series_is_stepped_and_played(server: Server, visitor: Visitor):
    visitor.open("clip.nii.gz", 2)
    visitor.press(".")
    wait(lambda: visitor.text("frame-text") == "3 / 5")
    visitor.name("stepped")
    visitor.click((600, 211))
    visitor.wait_saved()
    assert {frame for label, frame in server.saved("clip.nii.gz") if label == "stepped"} == {3}
    visitor.press(",", ",")
    wait(lambda: visitor.text("frame-text") == "1 / 5")
    assert "stepped" not in visitor.marks()
    visitor.press("p")
    seen = set()
    wait(lambda: len(seen.add(visitor.text("frame-text")) or seen) == 6)
    visitor.press("p")


def test_what_is_found_is_drawn_where_it_is(server: Server, visitor: Visitor):
    server.edit("clip.nii.gz", ("p", 0, 30, 15), ("q", 0, 60, 20), ("wrong", 0, 40, 15), ("wrong", 1, 70, 25))
    visitor.open("clip.nii.gz", 4, shows_found=True)
    wait(lambda: {"p", "q", "wrong"} <= set(visitor.marks("found")))
    view, answers = View(visitor.box(), CLIP, 2.0), _find(server, "clip.nii.gz", 4)
    for label, mark in visitor.marks("found").items():
        answer = answers[label]
        assert (mark["x"], mark["y"]) == pytest.approx(view.place(answer["x"], answer["y"]), abs=1e-6)
        sigma = answer["sigma_x"] * view.scale[0], answer["sigma_y"] * view.scale[1]
        assert (mark["rx"], mark["ry"]) == pytest.approx(sigma, rel=1e-6)
        assert ("doubtful" in mark["classes"]) == (answer["status"] == "doubtful")
    for label, start in {"p": (30, 15), "q": (60, 20)}.items():
        assert answers[label]["status"] == "unchecked"
        assert math.dist((answers[label]["x"], answers[label]["y"]), _moved(*start, 4)) < 1
    assert answers["wrong"]["status"] == "doubtful"
    texts = visitor.text("labels")
    assert f"doubtful: {answers['wrong']['reason']}" in texts and "unchecked, \u00b1" in texts


def test_a_landmark_that_is_not_found_again_in_its_own_image_is_told_when_it_is_set(server: Server, visitor: Visitor):
    view = visitor.open("grey.png")
    visitor.name("nothing")
    visitor.click(view.place(80, 40))
    visitor.wait_saved()
    wait(lambda: "nothing is doubtful: it lies on a blank part of its image" in visitor.text("message"))
    assert "doubtful" in visitor.marks("set")["nothing"]["classes"]
    assert "doubtful: it lies on a blank part of its image" in visitor.text("labels")


def test_what_is_found_is_accepted_to_the_last_digit_or_corrected(server: Server, visitor: Visitor):
    server.edit("clip.nii.gz", ("p", 0, 30, 15), ("q", 0, 60, 20))
    visitor.open("clip.nii.gz", 5, shows_found=True)
    wait(lambda: {"p", "q"} <= set(visitor.marks("found")))
    view, answers = View(visitor.box(), CLIP, 2.0), _find(server, "clip.nii.gz", 5)
    visitor.click(view.place(answers["p"]["x"], answers["p"]["y"]) + (2, 2))
    visitor.wait_saved()
    assert server.saved("clip.nii.gz")["p", 5] == (answers["p"]["x"], answers["p"]["y"])
    wait(lambda: "p" in visitor.marks("set") and "q" in visitor.marks("found"))
    q = _find(server, "clip.nii.gz", 5)["q"]
    start = view.place(q["x"], q["y"])
    visitor.drag(start, start + (10, 10), start + (22.5, -31))
    visitor.wait_saved()
    expected = view.point(start + (22.5, -31))
    assert server.saved("clip.nii.gz")["q", 5] == pytest.approx(expected, abs=1e-5)


def test_a_refused_save_is_told_kept_and_sent_again(server: Server, visitor: Visitor):
    server.edit("error.png", ("before", None, 5, 5))
    view = visitor.open("error.png")
    whole = server.file("error.png").read_bytes()
    server.file("error.png").write_bytes(b"{ damaged")
    visitor.name("a")
    visitor.click(view.place(50, 40))
    wait(lambda: "Not saved" in visitor.text("save-state"))
    assert "error.png.json is not JSON" in visitor.text("save-state")
    assert {"a", "before"} <= set(visitor.marks("set"))
    assert visitor.script("return !window.dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    server.file("error.png").write_bytes(whole)
    visitor.element("retry").click()
    visitor.wait_saved()
    assert set(server.saved("error.png")) == {("a", None), ("before", None)}
    assert not visitor.script("return !window.dispatchEvent(new Event('beforeunload', {cancelable: true}))")


def test_what_is_set_without_a_server_is_saved_when_it_is_back(server: Server, visitor: Visitor):
    view = visitor.open("offline.png")
    visitor.name("a")
    visitor.driver.set_network_conditions(offline=True, latency=0, throughput=0)
    try:
        visitor.click(view.place(50, 40))
        visitor.drag(view.place(50, 40), view.place(60, 40), view.place(61, 42))
        wait(lambda: "the server cannot be reached" in visitor.text("save-state"))
    finally:
        visitor.driver.delete_network_conditions()
    visitor.wait_saved()
    assert server.saved("offline.png")["a", None] == pytest.approx((61, 42), abs=1e-4)


def test_two_windows_lose_nothing(server: Server, visitor: Visitor):
    view = visitor.open("two.png")
    first = visitor.driver.current_window_handle
    visitor.driver.switch_to.new_window("window")
    visitor.driver.set_window_size(1200, 900)
    other = visitor.open("two.png")
    visitor.name("second")
    visitor.click(other.place(70, 20))
    visitor.wait_saved()
    visitor.driver.switch_to.window(first)
    visitor.name("first")
    visitor.click(view.place(20, 50))
    visitor.wait_saved()
    assert set(server.saved("two.png")) == {("first", None), ("second", None)}
    visitor.settle()
    assert set(visitor.marks("set")) == {"first", "second"}
    for handle in set(visitor.driver.window_handles) - {first}:
        visitor.driver.switch_to.window(handle)
        visitor.driver.close()
    visitor.driver.switch_to.window(first)


def test_a_late_frame_is_not_painted_over_another_image(visitor: Visitor):
    visitor.open("late1.png")
    expected = visitor.picture()
    visitor.open("clip.nii.gz", 1)
    visitor.hold("late1.png/frames/0|clip.nii.gz/frames/0")
    visitor.choose("late1.png")
    visitor.press(",")  # the clip is still seen
    visitor.let_go("late1.png/frames/0")
    assert visitor.text("image-name") == "late1.png"
    visitor.let_go("clip.nii.gz/frames/0")
    assert (visitor.picture() == expected).all()


def test_a_late_error_is_not_told_over_another_image(server: Server, visitor: Visitor):
    visitor.open("late1.png")
    server.file("late2.png").write_bytes(b"{ damaged")
    try:
        visitor.hold("late2.png$")
        visitor.choose("late2.png")
        visitor.choose("held1.png")
        wait(lambda: visitor.text("image-name") == "held1.png")
        visitor.let_go("late2.png")
        assert visitor.text("message") == ""
    finally:
        server.file("late2.png").unlink()


def test_advice_that_comes_late_opens_nothing(visitor: Visitor):
    visitor.open("late1.png")
    visitor.hold("/next$")
    visitor.press("n")
    visitor.choose("held1.png")
    wait(lambda: visitor.text("image-name") == "held1.png")
    visitor.let_go("/next")
    assert visitor.text("image-name") == "held1.png"


def test_a_drag_ends_with_its_image(server: Server, visitor: Visitor):
    server.edit("held1.png", ("a", None, 30, 30))
    view = visitor.open("held1.png")
    start = view.place(30, 30)
    visitor.mouse("mouseMoved", start, "none")
    visitor.mouse("mousePressed", start)
    visitor.mouse("mouseMoved", start + (50, 20))
    visitor.press(Keys.PAGE_DOWN)
    wait(lambda: visitor.text("image-name") == "held2.png")
    visitor.mouse("mouseMoved", start + (150, 90))
    visitor.mouse("mouseReleased", start + (150, 90))
    visitor.settle()
    visitor.wait_saved()
    assert server.saved("held1.png") == {("a", None): (30, 30)} and server.saved("held2.png") == {}


def test_a_press_ends_with_its_image(server: Server, visitor: Visitor):
    visitor.open("held1.png")
    visitor.name("pressed")
    visitor.mouse("mousePressed", (600, 400))
    visitor.press(Keys.PAGE_DOWN)
    wait(lambda: visitor.text("image-name") == "held2.png")
    visitor.mouse("mouseReleased", (600, 400))
    visitor.settle()
    visitor.wait_saved()
    assert server.saved("held2.png") == {} and ("pressed", None) not in server.saved("held1.png")


def test_a_drag_ends_with_its_frame(server: Server, visitor: Visitor):
    server.edit("clip.nii.gz", ("dragged", 3, 30, 15))
    visitor.open("clip.nii.gz", 3)
    start = View(visitor.box(), CLIP, 2.0).place(30, 15)
    visitor.mouse("mouseMoved", start, "none")
    visitor.mouse("mousePressed", start)
    visitor.mouse("mouseMoved", start + (50, 20))
    visitor.press(".")
    wait(lambda: visitor.text("frame-text") == "4 / 5")
    visitor.mouse("mouseMoved", start + (150, 90))
    visitor.mouse("mouseReleased", start + (150, 90))
    visitor.settle()
    visitor.wait_saved()
    saved = {frame: place for (label, frame), place in server.saved("clip.nii.gz").items() if label == "dragged"}
    assert saved == {3: (30, 15)}


def test_why_nothing_is_found_is_told_where_it_is_so(server: Server, visitor: Visitor):
    server.edit("late1.png", ("a", None, 30, 30))
    visitor.open("late2.png", shows_found=True)
    wait(lambda: visitor.marks("found"))
    visitor.script(
        'const ask = window.fetch, refusal = () => new Response(\'{"detail": "no luck"}\', {status: 400});'
        "window.fetch = async (path, options) => path.endsWith('held2.png/find') ? refusal() : ask(path, options);"
    )
    visitor.choose("held2.png")
    wait(lambda: visitor.text("find-error") == "no luck")
    visitor.choose("late2.png")
    wait(lambda: visitor.text("image-name") == "late2.png")
    visitor.settle()
    assert visitor.text("find-error") == "" and visitor.marks("found")


def test_why_something_was_not_saved_is_forgotten_with_it(server: Server, visitor: Visitor):
    view = visitor.open("late2.png")
    server.file("late2.png").write_bytes(b"{ damaged")
    visitor.name("a")
    visitor.click(view.place(50, 40))
    wait(lambda: "Not saved" in visitor.text("save-state"))
    visitor.hold("/edit$")
    visitor.element("retry").click()
    visitor.wait_held("/edit")
    visitor.element("discard").click()
    server.file("late2.png").unlink()
    visitor.let_go("/edit")
    visitor.click(view.place(60, 40))
    visitor.wait_held("/edit")
    assert visitor.text("save-state").startswith("Saving")
    visitor.let_go("/edit")
    visitor.wait_saved()
    assert server.saved("late2.png")["a", None] == pytest.approx((60, 40), abs=1e-5)


def test_new_images_are_looked_for_and_those_that_are_gone_are_told(server: Server, visitor: Visitor):
    visitor.open("late1.png")
    shutil.copy(server.folder / "late1.png", server.folder / "new1.png")
    shutil.copy(server.folder / "late1.png", server.folder / "new2.png")
    assert not {"new1.png", "new2.png"} & set(visitor.listed())
    visitor.element("look-again").click()
    wait(lambda: {"new1.png", "new2.png"} <= set(visitor.listed()))
    visitor.choose("new1.png")
    wait(lambda: visitor.text("image-name") == "new1.png")
    (server.folder / "new1.png").unlink()
    (server.folder / "new2.png").unlink()
    visitor.choose("new2.png")
    wait(lambda: visitor.text("message").startswith("new2.png cannot be opened: "))
    assert visitor.text("image-name") == "new1.png"
    visitor.element("look-again").click()
    wait(lambda: "there is no image 'new1.png'" in visitor.text("message"))
    assert not {"new1.png", "new2.png"} & set(visitor.listed())
    visitor.choose("late1.png")
    wait(lambda: visitor.text("image-name") == "late1.png" and visitor.text("message") == "")


def test_a_damaged_label_is_told_and_all_else_works(server: Server, visitor: Visitor):
    server.file("damaged.png").write_bytes(b"{ damaged")
    try:
        visitor.open("late1.png")
        assert "damaged.png.json is not JSON" in visitor.listed()["damaged.png"]
        mark = visitor.driver.find_element(By.CSS_SELECTOR, '#images [data-id="damaged.png"] .damaged')
        assert "damaged.png.json is not JSON" in mark.get_attribute("title")
        visitor.choose("damaged.png")
        wait(lambda: visitor.text("message").startswith("damaged.png cannot be opened: "))
        assert "damaged.png.json is not JSON" in visitor.text("message")
        visitor.choose("held1.png")
        wait(lambda: visitor.text("image-name") == "held1.png")
        server.edit("late1.png", ("a", None, 30, 30))
        assert _find(server, "held1.png", 0)
        wait(lambda: visitor.element("strategy").get_attribute("value") == "coverage")
    finally:
        server.file("damaged.png").unlink()


def test_an_image_that_is_nearly_even_is_seen(visitor: Visitor):
    view = visitor.open("even.tif")
    picture = visitor.picture()
    left, right = view.place(20, 30), view.place(80, 30)
    assert (picture[int(left.y), int(left.x)] == 0).all() and (picture[int(right.y), int(right.x)] == 255).all()
    assert visitor.text("window-text") == "1000000.125 to 1000000.375"


def test_what_was_set_is_exported(server: Server, visitor: Visitor, tmp_path: Path):
    server.edit("names.png", ("a", None, 5.25, 5), ("b, c", None, 6, 7.5))
    visitor.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    visitor.open("names.png")
    visitor.element("export-button").click()
    download = visitor.element("export-form").find_element(By.TAG_NAME, "button")
    formats = {one.get_attribute("value"): one for one in visitor.driver.find_elements(By.NAME, "format")}
    assert {name: one.is_selected() for name, one in formats.items()} == {"csv": True, "markups": True, "sr": False}
    download.click()
    wait(lambda: (tmp_path / "landmarks.zip").is_file() and not visitor.element("export").is_displayed())
    with zipfile.ZipFile(tmp_path / "landmarks.zip") as archive:
        rows = list(csv.reader(io.StringIO(archive.read("examples.csv").decode())))
        assert [row for row in rows if row[0] == "names.png"] == [
            ["names.png", "", "a", "5.25", "5.0"],
            ["names.png", "", "b, c", "6.0", "7.5"],
        ]
        (markup,) = json.loads(archive.read("markups/names.png.mrk.json"))["markups"]
        assert [one["position"] for one in markup["controlPoints"]] == [[5.25, 5, 0], [6, 7.5, 0]]
    # there is no DICOM series, and the server may lack the library for reports
    visitor.element("export-button").click()
    formats["csv"].click()
    formats["markups"].click()
    download.click()
    wait(lambda: visitor.text("export-error") == "Choose a format.")
    formats["sr"].click()
    download.click()
    wait(lambda: "choose other formats" in visitor.text("export-error"))
    visitor.press(Keys.ESCAPE)
    wait(lambda: not visitor.element("export").is_displayed())


def test_names_are_text_whatever_they_are(server: Server, visitor: Visitor):
    name = "<img src=x onerror=\"document.title='taken'\"> & más"
    server.edit("names.png", (name, None, 5, 5))
    visitor.open("names.png")
    assert name in visitor.text("labels")
    assert name in [one.text for one in visitor.driver.find_elements(By.CSS_SELECTOR, "#layer text")]
    assert "taken" not in visitor.driver.title
    with urllib.request.urlopen(f"{server.url}/landmarks/") as response:
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_the_list_tells_what_is_done_and_leads_on(server: Server, visitor: Visitor):
    server.edit("next1.png", ("a", None, 5, 5), ("b", None, 6, 6))
    visitor.open("next1.png")
    current = visitor.driver.find_element(By.CSS_SELECTOR, "#images [aria-current]")
    assert current.get_attribute("aria-label") == "next1.png, 2 landmarks"
    listed = {one["id"]: one for one in server.ask("/landmarks/api/images")}
    assert listed["next1.png"]["labels"] == ["a", "b"] and listed["next2.png"]["labels"] == []
    visitor.element("next").click()
    wait(lambda: visitor.text("image-name") != "next1.png")
    visitor.element("filter").send_keys("NEXT")
    shown = [one.get_attribute("data-id") for one in visitor.driver.find_elements(By.CSS_SELECTOR, "#images button")]
    assert shown == ["next1.png", "next2.png"]


def test_rows_of_the_list_stay_while_others_change(visitor: Visitor):
    view = visitor.open("late1.png")
    visitor.script("document.querySelector('#images [data-id=\"next2.png\"]').isTheSame = true")
    visitor.name("row")
    visitor.click(view.place(50, 40))
    visitor.wait_saved()
    visitor.choose("held1.png")
    wait(lambda: visitor.text("image-name") == "held1.png")
    assert visitor.listed()["late1.png"] != "late1.png, no landmarks yet"
    # a click on a row that is made anew between press and release is lost
    assert visitor.script("return document.querySelector('#images [data-id=\"next2.png\"]').isTheSame")


def test_next_goes_down_the_list_where_the_server_has_no_advice(visitor: Visitor):
    visitor.open("next1.png")
    visitor.script(
        "const ask = window.fetch;"
        "window.fetch = async (path, options) => path.endsWith('/next') ? new Response('{}') : ask(path, options);"
    )
    visitor.press("n")
    wait(lambda: visitor.text("image-name") == "next2.png")


def test_the_browser_found_nothing_wrong(visitor: Visitor):
    expected = ("ERR_INTERNET_DISCONNECTED", "400 (Bad Request)", "404 (Not Found)")
    errors = [one["message"] for one in visitor.driver.get_log("browser")]
    assert [one for one in errors if not any(text in one for text in expected)] == []
