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

/** Tells whether all is saved, and if not, why; warns before the page is left with something unsaved. */
export class SaveState {
  /**
   * @param {{text: HTMLElement, retry: HTMLButtonElement, discard: HTMLButtonElement}} parts
   * @param {import("./unsaved_edits.js").UnsavedEdits} edits
   */
  constructor(parts, edits) {
    this.parts = parts;
    this.edits = edits;
    edits.addEventListener("change", () => this.draw());
    parts.retry.addEventListener("click", () => edits.sendAll());
    window.addEventListener("online", () => edits.sendAll());
    window.addEventListener("beforeunload", (event) => {
      if (edits.state !== "saved") event.preventDefault();
    });
    this.draw();
  }

  draw() {
    const { state, error, waiting } = this.edits;
    const { text, retry, discard } = this.parts;
    const failed = `Not saved (${waiting.size}): ${error}`;
    text.textContent = { saved: "Saved", saving: "Saving\u2026", failed }[state];
    text.title = state === "failed" ? failed : "";
    text.dataset.state = state;
    retry.hidden = discard.hidden = state !== "failed";
  }
}
