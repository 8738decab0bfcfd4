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
    this.current = null;
    parts.filter.addEventListener("input", () => this.draw());
    parts.onlyEmpty.addEventListener("change", () => this.draw());
  }

  /** @param {Array<{id: string, name: string, final: number}>} images */
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
    const at = shown.findIndex((image) => image.id === id);
    return shown[(at + step + shown.length) % shown.length].id;
  }

  #shown() {
    const wanted = this.parts.filter.value.trim().toLowerCase();
    const isWanted = (image) => image.name.toLowerCase().includes(wanted);
    const isEmpty = (image) => !this.parts.onlyEmpty.checked || !image.final || image.id === this.current;
    return this.images.filter((image) => isWanted(image) && isEmpty(image));
  }

  draw() {
    const shown = this.#shown();
    const focused = this.parts.list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    this.parts.list.replaceChildren(...shown.map((image) => this.#row(image)));
    const buttons = [...this.parts.list.querySelectorAll("button")];
    if (focused) buttons.find((one) => one.dataset.id === focused)?.focus();
    const done = this.images.filter((image) => image.final).length;
    this.parts.summary.textContent = `${done} of ${this.images.length} with landmarks`;
  }

  #row({ id, name, final }) {
    const text = final ? `${final} landmark${final === 1 ? "" : "s"}` : "no landmarks yet";
    const count = element("span", { className: final ? "count" : "count none", title: text }, final ? `${final}` : "");
    const short = element("span", { className: "name", title: name }, name);
    const button = element("button", { type: "button", onclick: () => this.open(id) }, short, count);
    button.dataset.id = id;
    button.setAttribute("aria-label", `${name}, ${text}`);
    if (id === this.current) button.setAttribute("aria-current", "true");
    return element("li", {}, button);
  }
}
