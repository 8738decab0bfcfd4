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

import { element } from "./element.js";

const FRAME_TIME = 1000 / 15; // ms

/** The slider of a series: which frame is shown, which frames have landmarks, and play. */
export class FrameBar {
  /**
   * @param {{bar: HTMLElement, slider: HTMLInputElement, play: HTMLButtonElement, text: HTMLElement,
   *   ticks: HTMLElement}} parts
   * @param {(frame: number) => Promise<void>} show resolves when the frame is seen
   */
  constructor(parts, show) {
    this.parts = parts;
    this.show = show;
    this.isPlaying = false;
    this.frames = 0;
    parts.slider.addEventListener("input", () => {
      this.stop();
      this.show(parts.slider.valueAsNumber);
    });
    parts.play.addEventListener("click", () => this.toggle());
  }

  /**
   * @param {number} frame
   * @param {number} frames
   */
  draw(frame, frames) {
    const { bar, slider, text } = this.parts;
    bar.hidden = frames < 2;
    slider.max = frames - 1;
    slider.valueAsNumber = frame;
    slider.setAttribute("aria-valuetext", `frame ${frame} of 0 to ${frames - 1}`);
    text.textContent = `${frame} / ${frames - 1}`;
    this.frames = frames;
  }

  /** @param {Iterable<number>} marked frames with landmarks */
  drawTicks(marked) {
    const ticks = [...new Set(marked)].map((frame) => {
      const tick = element("i");
      tick.style.left = `${(100 * frame) / Math.max(1, this.frames - 1)}%`;
      return tick;
    });
    this.parts.ticks.replaceChildren(...ticks);
  }

  /** @param {number} step frames to go on, around the end */
  step(step) {
    this.stop();
    if (this.frames > 1) this.show(this.#after(step));
  }

  toggle() {
    if (this.isPlaying) this.stop();
    else this.#play();
  }

  stop() {
    this.isPlaying = false;
    this.#drawButton();
  }

  async #play() {
    if (this.frames < 2) return;
    const run = (this.isPlaying = Symbol("run")); // a second play must not go on beside the first
    this.#drawButton();
    while (this.isPlaying === run) {
      const begin = performance.now();
      await this.show(this.#after(1));
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, FRAME_TIME - (performance.now() - begin))));
    }
  }

  #after(step) {
    return (this.parts.slider.valueAsNumber + step + this.frames) % this.frames;
  }

  #drawButton() {
    const { play } = this.parts;
    play.textContent = this.isPlaying ? "\u275a\u275a" : "\u25b6";
    play.setAttribute("aria-label", this.isPlaying ? "Stop" : "Play");
  }
}
