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

import { ImageRow } from "./image_row.js";

/** The list of images: their names, how many landmarks each has, and which one is shown. */
export class ImageList {
  /**
   * @param {{list: HTMLElement, filter: HTMLInputElement, onlyEmpty: HTMLInputElement, summary: HTMLElement}} parts
   * @param {(id: string) => void} open
   */
  constructor(parts, open) {
    this.parts = parts;
    this.open = open;
    this.images = [];
    this.rows = new Map(); // by id; they are kept, for a row that is made anew loses the click that is under way
    this.current = null;
    parts.filter.addEventListener("input", () => this.draw());
    parts.onlyEmpty.addEventListener("change", () => this.draw());
  }

  /** @param {Array<{id: string, name: string, final: number, error: ?string}>} images */
  take(images) {
    this.images = images;
    this.draw();
  }

  /** @param {string} id of the image that is shown */
  highlight(id) {
    this.current = id;
    this.draw();
    this.parts.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  /**
   * The image that comes after another in the list as it is shown.
   * @param {?string} id
   * @param {number} step 1 or -1
   * @returns {?string}
   */
  neighbour(id, step) {
    const shown = this.#shown();
    if (!shown.length) return null;
    const found = shown.findIndex((image) => image.id === id);
    const at = found < 0 && step < 0 ? 0 : found; // before the first comes the last
    return shown[(at + step + shown.length) % shown.length].id;
  }

  #shown() {
    const wanted = this.parts.filter.value.trim().toLowerCase();
    const isWanted = (image) => image.name.toLowerCase().includes(wanted);
    const isEmpty = (image) => !this.parts.onlyEmpty.checked || !image.final || image.id === this.current;
    return this.images.filter((image) => isWanted(image) && isEmpty(image));
  }

  draw() {
    const { list, summary } = this.parts;
    const items = this.#shown().map((image) => this.#drawRow(image));
    const isOther = items.length !== list.children.length || [...list.children].some((item, i) => item !== items[i]);
    if (isOther) this.#replace(items);
    const done = this.images.filter((image) => image.final).length;
    summary.textContent = `${done} of ${this.images.length} with landmarks`;
  }

  #drawRow(image) {
    const { id } = image;
    if (!this.rows.has(id)) this.rows.set(id, new ImageRow(() => this.open(id)));
    const row = this.rows.get(id);
    row.draw(image, id === this.current);
    return row.item;
  }

  #replace(items) {
    const focused = this.parts.list.contains(document.activeElement) ? document.activeElement : null;
    this.parts.list.replaceChildren(...items);
    focused?.focus();
  }
}
