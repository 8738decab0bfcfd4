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
import { isDoubtful, STATUSES } from "./status.js";

/**
 * The known landmarks: which one a click sets, and how each stands in the frame that is shown.
 *
 * @typedef {{label: string, color: string, mark: ?import("./landmark_layer.js").Mark}} Row
 */
export class LabelList {
  /**
   * @param {HTMLElement} list
   * @param {{choose: Function, accept: Function, remove: Function}} actions each takes the label
   */
  constructor(list, actions) {
    this.list = list;
    this.actions = actions;
  }

  /**
   * @param {Row[]} rows
   * @param {string} current label that a click sets
   */
  draw(rows, current) {
    const drawn = JSON.stringify([rows, current]);
    if (drawn === this.drawn) return; // it would take the focus away
    this.drawn = drawn;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.list.replaceChildren(...rows.map((row, i) => this.#row(row, i, current)));
    if (focused) [...this.list.querySelectorAll("button")].find((one) => one.dataset.key === focused)?.focus();
  }

  #row({ label, color, mark }, i, current) {
    const choice = this.#choice(label, color, mark, i, current);
    const item = element("li", { className: label === current ? "current" : "" }, choice);
    if (mark) item.append(mark.isSet ? this.#removeButton(label) : this.#acceptButton(label));
    return item;
  }

  #acceptButton(label) {
    return iconButton("accept", "\u2713", `Accept ${label} where it was found`, label, this.actions.accept);
  }

  #removeButton(label) {
    return iconButton("remove", "\u00d7", `Delete ${label} from this frame`, label, this.actions.remove);
  }

  #choice(label, color, mark, i, current) {
    const swatch = element("span", { className: mark?.isSet ? "swatch set" : "swatch" });
    swatch.style.color = color;
    const name = element("span", { className: "name", title: label }, label);
    const className = isDoubtful(mark) ? "state doubtful" : "state";
    const state = element("span", { className, title: STATUSES[mark?.status] ?? "" }, stateText(mark));
    const key = element("kbd", { ariaHidden: "true" }, i < 9 ? `${i + 1}` : "");
    const texts = element("span", { className: "texts" }, name, state);
    const button = element("button", { type: "button", className: "choice" }, swatch, texts, key);
    button.dataset.key = `choose ${label}`;
    button.setAttribute("aria-pressed", String(label === current));
    button.addEventListener("click", () => this.actions.choose(label));
    return button;
  }
}

/**
 * How a landmark stands, in words.
 * @param {?import("./landmark_layer.js").Mark} mark
 * @returns {string}
 */
export function stateText(mark) {
  if (!mark) return "not here yet";
  const place = mark.isSet ? `set at ${mark.x.toFixed(1)}, ${mark.y.toFixed(1)}` : "";
  if (isDoubtful(mark)) return `${place && `${place}, `}${mark.status}: ${mark.reason}`;
  return place || `${mark.status}, \u00b1 ${Math.max(mark.sigma_x, mark.sigma_y).toFixed(1)} px`;
}

function iconButton(kind, sign, title, label, action) {
  const button = element("button", { type: "button", className: `icon ${kind}`, title }, sign);
  button.addEventListener("click", () => action(label));
  button.dataset.key = `${kind} ${label}`;
  button.setAttribute("aria-label", title);
  return button;
}
