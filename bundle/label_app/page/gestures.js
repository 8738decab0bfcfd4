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

const SLACK = { mouse: 3, pen: 5, touch: 9 }; // CSS px that a tap may move
const REACH = { mouse: 9, pen: 12, touch: 26 }; // CSS px around a mark that count as the mark
const WHEEL = 0.0016; // zoom a CSS px of the wheel
const PINCH = 6; // times as much where two fingers pinch on a touchpad, which is told as a wheel with Ctrl

/**
 * What a person does on the stage with mouse, pen or fingers, in words of the page.
 *
 * A tap sets or accepts, a drag that begins on a mark moves it, any other drag shifts the image; two fingers or the
 * wheel zoom; the right button changes the window.
 *
 * @typedef {{x: number, y: number}} Place in CSS px from the stage's corner
 * @typedef {object} Actions
 * @property {(place: Place, radius: number) => ?object} markAt
 * @property {(place: Place, mark: ?object) => void} tap
 * @property {(mark: object) => void} grab
 * @property {(by: Place, pointer: string) => void} drag what was grabbed; `by` counts from where the drag began
 * @property {(isKept: boolean) => void} drop
 * @property {(by: Place) => void} pan
 * @property {(place: Place, factor: number) => void} zoom
 * @property {(by: Place) => void} window
 * @property {(place: ?Place, mark: ?object) => void} hover
 */
export class Gestures {
  /**
   * @param {HTMLElement} stage
   * @param {Actions} actions
   */
  constructor(stage, actions) {
    this.stage = stage;
    this.actions = actions;
    this.pointers = new Map();
    this.gesture = null;
    this.isPanKeyDown = false;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", (event) => this.#cancel(event));
    stage.addEventListener("pointerleave", () => this.actions.hover(null, null));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  #place(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event) {
    const place = this.#place(event);
    this.stage.focus({ preventScroll: true });
    if (event.button === 1) event.preventDefault(); // no autoscroll
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, place);
    if (this.pointers.size > 1) return this.#beginPinch();
    this.gesture = this.#begin(event, place);
  }

  #begin(event, start) {
    const begun = { start, last: start, type: event.pointerType, moved: false };
    if (event.button === 2) return { ...begun, kind: "window" };
    if (event.button === 1 || this.isPanKeyDown) return { ...begun, kind: "pan" };
    const mark = this.actions.markAt(start, REACH[event.pointerType] ?? REACH.mouse);
    return { ...begun, kind: mark ? "mark" : "tap", mark: event.shiftKey ? null : mark };
  }

  #beginPinch() {
    this.#endDrag(false);
    this.gesture = { kind: "pinch", ...this.#fingers() };
  }

  #fingers() {
    const [a, b] = [...this.pointers.values()];
    return { middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  }

  #move(event) {
    const place = this.#place(event);
    if (!this.pointers.has(event.pointerId)) return this.#hover(event, place);
    this.pointers.set(event.pointerId, place);
    const { gesture } = this;
    if (!gesture) return;
    if (gesture.kind === "pinch") return this.#pinch(gesture);
    const slack = SLACK[gesture.type] ?? SLACK.mouse;
    if (!gesture.moved && distance(place, gesture.start) <= slack) return;
    this.#drag(gesture, place);
  }

  #hover(event, place) {
    if (event.pointerType !== "touch") this.actions.hover(place, this.actions.markAt(place, REACH[event.pointerType]));
  }

  #drag(gesture, place) {
    if (!gesture.moved && gesture.kind === "mark" && gesture.mark) this.actions.grab(gesture.mark);
    gesture.moved = true;
    const step = difference(place, gesture.last);
    gesture.last = place;
    if (gesture.kind === "window") this.actions.window(step);
    else if (gesture.mark) this.actions.drag(difference(place, gesture.start), gesture.type);
    else this.actions.pan(step);
  }

  #pinch(gesture) {
    if (this.pointers.size < 2) return;
    const now = this.#fingers();
    this.actions.pan(difference(now.middle, gesture.middle));
    if (gesture.apart > 0 && now.apart > 0) this.actions.zoom(now.middle, now.apart / gesture.apart);
    Object.assign(gesture, now);
  }

  #up(event) {
    const place = this.#place(event);
    if (!this.pointers.delete(event.pointerId)) return;
    const { gesture } = this;
    if (gesture?.kind === "pinch") {
      if (!this.pointers.size) this.gesture = null; // the finger that stays must not set anything
      return;
    }
    this.#endDrag(true);
    if (isTap(gesture)) this.actions.tap(place, gesture.mark ?? null);
  }

  #cancel(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.#endDrag(false);
  }

  /** Another image or frame is seen: a press was meant for what was there before. Shifting and zooming go on. */
  letGo() {
    if (this.gesture?.mark || isTap(this.gesture)) this.#endDrag(false);
  }

  #endDrag(isKept) {
    if (this.gesture?.mark && this.gesture.moved) this.actions.drop(isKept);
    this.gesture = null;
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode] * (event.ctrlKey ? PINCH : 1);
    this.actions.zoom(this.#place(event), Math.exp(-WHEEL * pixels));
  }
}

const isTap = (gesture) => gesture && !gesture.moved && (gesture.kind === "tap" || gesture.kind === "mark");
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
const difference = (a, b) => ({ x: a.x - b.x, y: a.y - b.y });
