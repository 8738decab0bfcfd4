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

/**
 * A keyboard shortcut.
 * @typedef {{keys: string[], shown: string, text: string, run: (event: KeyboardEvent) => void}} Shortcut
 */

/**
 * Run shortcuts, except while somebody types.
 * @param {Shortcut[]} shortcuts `keys` as KeyboardEvent.key tells them, with "ctrl+" before where needed
 */
export function listenToKeys(shortcuts) {
  const byKey = new Map(shortcuts.flatMap((one) => one.keys.map((key) => [key, one])));
  document.addEventListener("keydown", (event) => {
    if (isTyping(event) || event.altKey) return;
    const shortcut = byKey.get(keyName(event));
    if (!shortcut) return;
    event.preventDefault();
    shortcut.run(event);
  });
}

/**
 * Fill a table with all shortcuts.
 * @param {HTMLElement} table
 * @param {Array<{shown: string, text: string}>} shortcuts
 */
export function listShortcuts(table, shortcuts) {
  const rows = shortcuts.map(({ shown, text }) => {
    const keys = shown.split(" ").map((key) => element(key === "to" ? "span" : "kbd", {}, key));
    return element("tr", {}, element("td", {}, ...keys), element("td", {}, text));
  });
  table.replaceChildren(...rows);
}

function keyName(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shifted = event.shiftKey && /^[a-z]$/.test(key) ? `shift+${key}` : key;
  return event.ctrlKey || event.metaKey ? `ctrl+${shifted}` : shifted;
}

function isTyping(event) {
  if (document.querySelector("dialog[open]")) return true;
  const { target } = event;
  if (target.matches("input[type=text], input[type=search], select, textarea")) return true;
  // these have a meaning of their own on sliders and buttons
  if (target.matches("input")) return event.key.startsWith("Arrow") || event.key === " ";
  return target.matches("button") && (event.key === "Enter" || event.key === " ");
}
