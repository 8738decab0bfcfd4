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

/** An image in the list: its name, and how many landmarks it has or what is wrong with them. */
export class ImageRow {
  /** @param {() => void} open */
  constructor(open) {
    this.name = element("span");
    this.count = element("span");
    this.button = element("button", { type: "button", onclick: open }, this.name, this.count);
    this.item = element("li", {}, this.button);
  }

  /**
   * Draw what has changed, for in a long list all else takes time.
   * @param {{id: string, name: string, final: number, error: ?string}} image
   * @param {boolean} isCurrent whether it is shown
   */
  draw({ id, name, final, error }, isCurrent) {
    const drawn = JSON.stringify([name, final, error, isCurrent]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const text = error || (final ? `${final} landmark${final === 1 ? "" : "s"}` : "no landmarks yet");
    const kind = error ? "count damaged" : final ? "count" : "count none";
    Object.assign(this.name, { className: "name", title: name, textContent: name });
    Object.assign(this.count, { className: kind, title: text, textContent: error ? "!" : final || "" });
    Object.assign(this.button, { ariaLabel: `${name}, ${text}`, ariaCurrent: isCurrent ? "true" : null });
    this.button.dataset.id = id;
  }
}
