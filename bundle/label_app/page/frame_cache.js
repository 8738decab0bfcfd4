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

const LARGEST = 2 ** 28; // bytes: 256 MiB

/** Frames that were shown, so that a series plays without waiting; the oldest are dropped. */
export class FrameCache {
  /** @param {(imageId: string, frame: number) => Promise<{values: Float32Array}>} load */
  constructor(load) {
    this.load = load;
    this.frames = new Map();
  }

  /** @returns {Promise<{values: Float32Array, window: {low: number, high: number}}>} */
  get(imageId, frame) {
    const key = JSON.stringify([imageId, frame]);
    const kept = this.frames.get(key) ?? { bytes: 0, loaded: this.#load(key, imageId, frame) };
    this.frames.delete(key);
    this.frames.set(key, kept); // it is the newest now
    return kept.loaded;
  }

  async #load(key, imageId, frame) {
    try {
      const loaded = await this.load(imageId, frame);
      const kept = this.frames.get(key);
      if (kept) kept.bytes = loaded.values.byteLength;
      this.#dropOldest();
      return loaded;
    } catch (error) {
      this.frames.delete(key);
      throw error;
    }
  }

  #dropOldest() {
    let bytes = [...this.frames.values()].reduce((sum, kept) => sum + kept.bytes, 0);
    for (const [key, kept] of this.frames) {
      if (bytes <= LARGEST) break;
      bytes -= kept.bytes;
      this.frames.delete(key);
    }
  }
}
