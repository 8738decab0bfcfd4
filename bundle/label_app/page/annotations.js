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

import { EditHistory } from "./edit_history.js";
import { UnsavedEdits } from "./unsaved_edits.js";

/**
 * The landmarks that people have set: as the server has them, with what is not saved yet on top.
 *
 * Events: `change` when a landmark or the state of saving changes; `saved` with the image and its landmarks.
 */
export class Annotations extends EventTarget {
  /** @param {(imageId: string, edit: object) => Promise<import("./api.js").Landmark[]>} send */
  constructor(send) {
    super();
    this.saved = new Map();
    this.saves = 0;
    this.history = new EditHistory();
    this.edits = new UnsavedEdits(send);
    this.edits.addEventListener("change", () => this.#tell("change"));
    this.edits.addEventListener("saved", ({ detail }) => {
      this.saves += 1;
      this.#take(detail.imageId, detail.points);
      this.#tell("saved", detail);
    });
  }

  /**
   * Ask for an image and take its landmarks.
   * @param {string} imageId
   * @param {() => Promise<{final: import("./api.js").Landmark[]}>} describe
   * @returns {Promise<object>} the image
   */
  async load(imageId, describe) {
    const image = await this.upToDate(describe);
    this.#take(imageId, image.final);
    return image;
  }

  /**
   * Ask, and again where the answer may be older than what was saved in the meantime.
   * @template T
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>}
   */
  async upToDate(ask) {
    for (;;) {
      const { saves } = this;
      const answer = await ask();
      if (saves === this.saves) return answer;
    }
  }

  #take(imageId, points) {
    this.saved.set(imageId, points);
    this.#tell("change");
  }

  /** @returns {import("./api.js").Landmark[]} of all frames of an image */
  of(imageId) {
    return this.edits.over(imageId, this.saved.get(imageId) ?? []);
  }

  /** @returns {?import("./api.js").Landmark} */
  find(imageId, { label, frame }) {
    return this.of(imageId).find((one) => one.label === label && one.frame === frame) ?? null;
  }

  /**
   * Set landmarks or remove them, to be undone together.
   * @param {string} imageId
   * @param {Array<{label: string, frame: ?number, place: ?{x: number, y: number}}>} wanted place null to remove
   */
  change(imageId, wanted) {
    const changes = wanted.map(({ label, frame, place }) => {
      return { imageId, label, frame, before: this.find(imageId, { label, frame }), after: place };
    });
    this.history.push(changes);
    for (const change of changes) this.edits.put(imageId, change, change.after);
  }

  /** @returns {?object} the last change that was undone */
  undo() {
    const changes = this.history.undo();
    for (const change of changes ?? []) this.edits.put(change.imageId, change, change.before);
    return changes?.at(-1) ?? null;
  }

  /** @returns {?object} the last change that was done again */
  redo() {
    const changes = this.history.redo();
    for (const change of changes ?? []) this.edits.put(change.imageId, change, change.after);
    return changes?.at(-1) ?? null;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
