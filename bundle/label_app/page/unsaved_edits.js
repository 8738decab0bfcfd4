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

const FIRST_WAIT = 2000; // ms until a failed save is tried again; doubled each time
const LONGEST_WAIT = 30000;

/**
 * What is wanted of the server and not saved yet: for each landmark its latest place, or null where it is removed.
 *
 * Each landmark is sent by itself, one after the other: so one that is refused does not hold the others up, and the
 * server never sees an older place after a newer one. What fails is kept and sent again.
 *
 * Events: `change` when the state changes, `saved` with the image and all its landmarks after each that is saved.
 */
export class UnsavedEdits extends EventTarget {
  /** @param {(imageId: string, edit: object) => Promise<import("./api.js").Landmark[]>} send */
  constructor(send) {
    super();
    this.send = send;
    this.waiting = new Map();
    this.isSending = false;
    this.error = "";
    this.failures = 0;
  }

  /** @returns {"saved" | "saving" | "failed"} */
  get state() {
    if (!this.waiting.size) return "saved";
    return this.error ? "failed" : "saving";
  }

  /**
   * Want a landmark at a place, or want it removed.
   * @param {string} imageId
   * @param {{label: string, frame: ?number}} key
   * @param {?{x: number, y: number}} place
   */
  put(imageId, { label, frame }, place) {
    const point = place && { label, frame, x: place.x, y: place.y };
    this.waiting.set(JSON.stringify([imageId, label, frame]), { imageId, label, frame, point });
    this.sendAll();
  }

  /**
   * An image's landmarks as they will be when all is saved.
   * @param {string} imageId
   * @param {import("./api.js").Landmark[]} saved as the server has them
   * @returns {import("./api.js").Landmark[]}
   */
  over(imageId, saved) {
    const points = new Map(saved.map((point) => [JSON.stringify([point.label, point.frame]), point]));
    for (const edit of this.waiting.values()) {
      if (edit.imageId !== imageId) continue;
      const key = JSON.stringify([edit.label, edit.frame]);
      if (edit.point) points.set(key, edit.point);
      else points.delete(key);
    }
    return [...points.values()];
  }

  /** Give up what is not saved. */
  discard() {
    this.waiting.clear();
    this.error = "";
    this.#tell("change");
  }

  /** Send what waits, now. */
  async sendAll() {
    if (this.isSending) return;
    this.isSending = true;
    clearTimeout(this.timer);
    const failed = new Set();
    let error = "";
    this.#tell("change");
    for (let key = this.#nextBut(failed); key !== undefined; key = this.#nextBut(failed)) {
      const problem = await this.#sendOne(key);
      if (problem) failed.add(key);
      error = problem || error;
    }
    this.isSending = false;
    this.error = error;
    this.failures = error ? this.failures + 1 : 0;
    if (error) this.#sendLater();
    this.#tell("change");
  }

  #sendLater() {
    const wait = Math.min(FIRST_WAIT * 2 ** (this.failures - 1), LONGEST_WAIT);
    this.timer = setTimeout(() => this.sendAll(), wait);
  }

  #nextBut(failed) {
    return [...this.waiting.keys()].find((key) => !failed.has(key));
  }

  async #sendOne(key) {
    const edit = this.waiting.get(key);
    const { imageId, label, frame, point } = edit;
    try {
      const points = await this.send(imageId, point ? { points: [point] } : { removed: [{ label, frame }] });
      if (this.waiting.get(key) === edit) this.waiting.delete(key); // else it was moved on in the meantime
      this.#tell("saved", { imageId, points });
      return "";
    } catch (error) {
      return this.waiting.get(key) === edit ? error.message : ""; // else it is not wanted any more
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
