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

/**
 * What the network finds, frame by frame. One request is under way at a time; the frame asked for last comes next.
 *
 * Events: `change` when an answer has come, or an error.
 */
export class Predictions extends EventTarget {
  /** @param {(imageId: string, frame: number) => Promise<import("./api.js").Landmark[]>} find */
  constructor(find) {
    super();
    this.find = find;
    this.answers = new Map();
    this.version = 0;
    this.wanted = null;
    this.isAsking = false;
  }

  /** The examples have changed: all is to be found anew. Until then the earlier answers are shown. */
  outdate() {
    this.version += 1;
  }

  /** @returns {import("./api.js").Landmark[]} of a frame, as far as they are known */
  at(imageId, frame) {
    return this.answers.get(JSON.stringify([imageId, frame]))?.points ?? [];
  }

  /** @returns {string} why nothing was found in a frame, in words; empty where there is no such reason */
  errorAt(imageId, frame) {
    return this.answers.get(JSON.stringify([imageId, frame]))?.error ?? "";
  }

  /** Ask for a frame, unless its answer is known. */
  async ask(imageId, frame) {
    this.wanted = { imageId, frame };
    if (this.isAsking) return;
    this.isAsking = true;
    while (this.wanted) {
      const { imageId: id, frame: at } = this.wanted;
      this.wanted = null;
      await this.#answer(id, at);
    }
    this.isAsking = false;
    this.dispatchEvent(new Event("change"));
  }

  async #answer(imageId, frame) {
    const key = JSON.stringify([imageId, frame]);
    const { version } = this;
    if (this.answers.get(key)?.version === version) return;
    try {
      this.answers.set(key, { version, points: await this.find(imageId, frame) });
    } catch (error) {
      this.answers.set(key, { points: [], error: error.message }); // it is asked for again
    }
    this.dispatchEvent(new Event("change"));
  }
}
