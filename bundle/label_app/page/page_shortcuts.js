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

const ARROWS = new Map([
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowUp", { x: 0, y: -1 }],
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowDown", { x: 0, y: 1 }],
]);

/**
 * The page's keyboard shortcuts, in the order in which the help lists them.
 * @param {object} page
 * @returns {import("./shortcuts.js").Shortcut[]}
 */
export function pageShortcuts(page) {
  document.addEventListener("keyup", (event) => event.key === " " && page.holdPan(false));
  window.addEventListener("blur", () => page.holdPan(false));
  return [
    {
      keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
      shown: "1 to 9",
      text: "choose a landmark",
      run: ({ key }) => page.chooseNumber(Number(key) - 1),
    },
    { keys: ["l"], shown: "L", text: "name a new landmark", run: () => document.getElementById("label-name").focus() },
    {
      keys: [...ARROWS.keys()],
      shown: "\u2190 \u2191 \u2192 \u2193",
      text: "move the chosen landmark by 1 px; with Shift by 0.1 px",
      run: (event) => page.nudge(arrowStep(event)),
    },
    {
      keys: ["Enter"],
      shown: "Enter",
      text: "accept the chosen landmark where it was found",
      run: () => page.accept(page.label),
    },
    { keys: ["a"], shown: "A", text: "accept all that was found and is not doubtful", run: () => page.acceptAll() },
    {
      keys: ["m"],
      shown: "M",
      text: "set the chosen landmark in the middle of the view",
      run: () => page.setInMiddle(),
    },
    {
      keys: ["Delete", "Backspace"],
      shown: "Delete",
      text: "delete the chosen landmark from this frame",
      run: () => page.remove(page.label),
    },
    { keys: ["ctrl+z"], shown: "Ctrl Z", text: "undo", run: () => page.undo() },
    { keys: ["ctrl+shift+z", "ctrl+y"], shown: "Ctrl Y", text: "do again", run: () => page.redo() },
    { keys: ["Escape"], shown: "Esc", text: "choose none", run: () => page.choose(null) },
    { keys: ["n"], shown: "N", text: "next image by the chosen strategy", run: () => page.next() },
    { keys: ["PageDown"], shown: "PageDown", text: "next image of the list", run: () => page.step(1) },
    { keys: ["PageUp"], shown: "PageUp", text: "previous image of the list", run: () => page.step(-1) },
    { keys: [",", "<"], shown: ",", text: "previous frame", run: () => page.frameBar.step(-1) },
    { keys: [".", ">"], shown: ".", text: "next frame", run: () => page.frameBar.step(1) },
    { keys: ["p"], shown: "P", text: "play and stop", run: () => page.frameBar.toggle() },
    {
      keys: ["+", "="],
      shown: "+",
      text: "zoom in; so does the wheel, or two fingers",
      run: () => page.stage.zoomStep(1),
    },
    { keys: ["-"], shown: "-", text: "zoom out", run: () => page.stage.zoomStep(-1) },
    { keys: ["0"], shown: "0", text: "show the whole image", run: () => page.stage.fit() },
    { keys: [" "], shown: "Space", text: "hold to shift the image by any drag", run: () => page.holdPan(true) },
    {
      keys: ["w"],
      shown: "W",
      text: "back to the first grey window; a right drag changes it",
      run: () => page.windowControl.reset(),
    },
    { keys: ["f"], shown: "F", text: "hide and show what was found", run: () => page.showFound(!page.showsFound) },
    { keys: ["?"], shown: "?", text: "this help", run: () => document.getElementById("help").showModal() },
  ];
}

function arrowStep({ key, shiftKey }) {
  const { x, y } = ARROWS.get(key);
  const step = shiftKey ? 0.1 : 1;
  return { x: x * step, y: y * step };
}
