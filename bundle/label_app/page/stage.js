// Copyright (c) 2026 The landmark bundle authors
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//     http://www.apache.org/licenses/LICENSE-2.0
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

import { Gestures } from "./gestures.js";
import { ImageCanvas } from "./image_canvas.js";
import { LandmarkLayer, nearestMark } from "./landmark_layer.js";
import { Loupe } from "./loupe.js";
import { fitView, pan, toImage, toScreen, zoomAt } from "./view_transform.js";

const KEY_ZOOM = 1.25;

/**
 * The image with its landmarks, as large as there is room; it says where on the image something was done.
 *
 * @typedef {object} StageActions
 * @property {(point: import("./view_transform.js").Point, mark: ?object) => void} tap
 * @property {(mark: object, point: import("./view_transform.js").Point) => void} move a mark that is being dragged
 * @property {(isKept: boolean) => void} drop
 * @property {(by: import("./view_transform.js").Point) => void} window
 */
export class Stage {
  /**
   * @param {{stage: HTMLElement, canvas: HTMLCanvasElement, layer: SVGSVGElement, loupe: HTMLCanvasElement,
   *   readout: HTMLElement}} parts
   * @param {StageActions} actions
   */
  constructor(parts, actions) {
    this.parts = parts;
    this.actions = actions;
    this.canvas = new ImageCanvas(parts.canvas);
    this.layer = new LandmarkLayer(parts.layer);
    this.loupe = new Loupe(parts.loupe);
    this.marks = [];
    this.selected = null;
    this.hovered = null;
    this.image = null;
    this.view = null;
    this.size = { width: 1, height: 1 };
    this.gestures = new Gestures(parts.stage, this.#gestureActions());
    this.#watchSize();
  }

  /** @param {{width: number, height: number, pixel_aspect: number}} image that is shown from now on, whole */
  begin(image) {
    this.image = image;
    this.fit();
  }

  /** @param {Float32Array} values @param {import("./grey_window.js").GreyWindow} window */
  paint(values, window) {
    this.canvas.show({ width: this.image.width, height: this.image.height, values }, window);
    this.draw();
  }

  /** @param {import("./landmark_layer.js").Mark[]} marks @param {?string} selected label */
  show(marks, selected) {
    this.marks = marks;
    this.selected = selected;
    this.draw();
  }

  /** End a drag of a mark, or a press: what it was meant for is not seen any more. */
  letGo() {
    this.gestures.letGo();
  }

  /** Show the whole image. */
  fit() {
    if (!this.image) return;
    this.view = this.#fitted();
    this.draw();
  }

  /** @param {number} steps larger (1) or smaller (-1), around the middle */
  zoomStep(steps) {
    this.#zoom({ x: this.size.width / 2, y: this.size.height / 2 }, KEY_ZOOM ** steps);
  }

  /** @returns {import("./view_transform.js").Point} of the image that is in the middle of the stage */
  middle() {
    return toImage(this.view, { x: this.size.width / 2, y: this.size.height / 2 });
  }

  /** Draw before the screen is refreshed next. */
  draw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      if (!this.view) return;
      this.canvas.draw(this.view);
      const { selected, hovered } = this;
      this.layer.draw(this.view, this.marks, { selected, hovered }, this.size.width);
    });
  }

  #fitted() {
    return fitView(this.image, this.size, this.image.pixel_aspect);
  }

  #zoom(place, factor) {
    if (!this.view) return;
    this.view = zoomAt(this.view, place, factor, this.#fitted());
    this.draw();
  }

  #gestureActions() {
    return {
      markAt: (place, radius) => this.view && nearestMark(this.view, this.marks, place, radius),
      tap: (place, mark) => this.view && this.actions.tap(toImage(this.view, place), mark),
      grab: (mark) => (this.grabbed = mark),
      drag: (by, pointer) => this.#dragMark(by, pointer),
      drop: (isKept) => this.#drop(isKept),
      pan: (by) => this.#pan(by),
      zoom: (place, factor) => this.#zoom(place, factor),
      window: (by) => this.actions.window(by),
      hover: (place, mark) => this.#hover(place, mark),
    };
  }

  /** The mark keeps its distance from the finger, so that it does not jump when it is taken. */
  #dragMark(by, pointer) {
    const from = toScreen(this.view, this.grabbed);
    const place = { x: from.x + by.x, y: from.y + by.y };
    this.actions.move(this.grabbed, toImage(this.view, place));
    if (pointer === "touch") this.loupe.show(this.canvas, this.view, place);
  }

  #drop(isKept) {
    this.loupe.hide();
    this.actions.drop(isKept);
  }

  #pan(by) {
    if (!this.view) return;
    this.view = pan(this.view, by);
    this.draw();
  }

  #hover(place, mark) {
    this.parts.stage.classList.toggle("on-mark", Boolean(mark));
    const point = place && this.view && toImage(this.view, place);
    this.parts.readout.textContent = point ? `${point.x.toFixed(1)}, ${point.y.toFixed(1)} px` : "";
    if (this.hovered === (mark?.label ?? null)) return;
    this.hovered = mark?.label ?? null;
    this.draw();
  }

  #watchSize() {
    const observer = new ResizeObserver(([entry]) => {
      const before = this.size;
      // the measure by which gestures tell their places too; that of the entry is rounded to 1/64 px
      const { width, height } = this.parts.stage.getBoundingClientRect();
      this.size = { width, height };
      this.canvas.resize(this.size, entry.devicePixelContentBoxSize?.[0]);
      if (this.view) this.#keepMiddle(before);
    });
    try {
      observer.observe(this.parts.canvas, { box: "device-pixel-content-box" });
    } catch {
      observer.observe(this.parts.canvas); // Safari
    }
  }

  #keepMiddle(before) {
    const by = { x: (this.size.width - before.width) / 2, y: (this.size.height - before.height) / 2 };
    const isWhole = this.view.scaleX === fitView(this.image, before, this.image.pixel_aspect).scaleX;
    this.view = isWhole ? this.#fitted() : pan(this.view, by);
    this.draw();
  }
}
