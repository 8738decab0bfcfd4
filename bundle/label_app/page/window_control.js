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

/** The grey window: two sliders, a right drag, and back to the first. */
export class WindowControl {
  /**
   * @param {{level: HTMLInputElement, width: HTMLInputElement, reset: HTMLButtonElement, text: HTMLElement}} parts
   * @param {() => void} changed
   */
  constructor(parts, changed) {
    this.parts = parts;
    this.changed = changed;
    this.range = { low: 0, high: 1 };
    this.window = this.first = this.range;
    for (const slider of [parts.level, parts.width]) slider.addEventListener("input", () => this.#read());
    parts.reset.addEventListener("click", () => this.reset());
  }

  /**
   * Begin with another image.
   * @param {import("./grey_window.js").GreyWindow} first
   * @param {import("./grey_window.js").GreyWindow} range of all its values
   */
  begin(first, range) {
    this.range = { low: Math.min(range.low, first.low), high: Math.max(range.high, first.high) };
    this.first = first;
    this.#set(first);
  }

  reset() {
    this.#set(this.first);
  }

  /** @param {{x: number, y: number}} by CSS px: to the right for less contrast, downwards for a brighter image */
  drag(by) {
    const unit = this.#span() / 400;
    const { level, width } = this.#levelAndWidth();
    this.#setLevel(level - by.y * unit, width + by.x * unit);
  }

  #span() {
    return this.range.high - this.range.low;
  }

  #levelAndWidth() {
    return { level: (this.window.low + this.window.high) / 2, width: this.window.high - this.window.low };
  }

  #setLevel(level, width) {
    const span = this.#span();
    const at = Math.min(Math.max(level, this.range.low), this.range.high);
    const half = Math.min(Math.max(width, span / 1000), 2 * span) / 2;
    this.#set({ low: at - half, high: at + half });
  }

  #read() {
    const { level, width } = this.parts;
    this.#setLevel(level.valueAsNumber, width.valueAsNumber);
  }

  #set(window) {
    this.window = window;
    const { parts, range } = this;
    const span = this.#span();
    Object.assign(parts.level, { min: range.low, max: range.high, step: span / 1000 });
    Object.assign(parts.width, { min: span / 1000, max: 2 * span, step: span / 1000 });
    const { level, width } = this.#levelAndWidth();
    [parts.level.value, parts.width.value] = [level, width];
    parts.text.textContent = windowText(window);
    this.changed();
  }
}

/** Both ends, with as many digits as tell them apart. */
function windowText({ low, high }) {
  const apart = Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low));
  const digits = Math.min(Math.max(Math.ceil(apart) + 3, 4), 17);
  return [low, high].map((value) => String(Number(value.toPrecision(digits)))).join(" to ");
}
