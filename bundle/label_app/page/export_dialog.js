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

/** Asks in which formats to export, and hands the browser the file that the server makes. */
export class ExportDialog {
  /**
   * @param {{dialog: HTMLDialogElement, form: HTMLFormElement, error: HTMLElement}} parts
   * @param {import("./unsaved_edits.js").UnsavedEdits} edits
   * @param {(formats: string[]) => Promise<Blob>} ask the server
   */
  constructor(parts, edits, ask) {
    this.parts = parts;
    this.edits = edits;
    this.ask = ask;
    parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#export();
    });
  }

  open() {
    this.parts.error.textContent = "";
    this.parts.dialog.showModal();
  }

  async #export() {
    const { dialog, form, error } = this.parts;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      download(await this.#file(new FormData(form).getAll("format")), "landmarks.zip");
      dialog.close();
    } catch (fault) {
      error.textContent = fault.message;
    }
    button.disabled = false;
  }

  #file(formats) {
    if (!formats.length) throw new Error("Choose a format.");
    // the server exports what it has
    if (this.edits.state !== "saved") throw new Error("Not all is saved yet; try again when it is.");
    return this.ask(formats);
  }
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
