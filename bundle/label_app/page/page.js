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

import { Annotations } from "./annotations.js";
import * as api from "./api.js";
import { element } from "./element.js";
import { ExportDialog } from "./export_dialog.js";
import { FrameBar } from "./frame_bar.js";
import { FrameCache } from "./frame_cache.js";
import { frameMarks } from "./frame_marks.js";
import { valueRange } from "./grey_window.js";
import { ImageList } from "./image_list.js";
import { labelColors } from "./label_colors.js";
import { LabelList } from "./label_list.js";
import { pageShortcuts } from "./page_shortcuts.js";
import { Predictions } from "./predictions.js";
import { SaveState } from "./save_state.js";
import { listShortcuts, listenToKeys } from "./shortcuts.js";
import { Stage } from "./stage.js";
import { isDoubtful } from "./status.js";
import { clampToImage, isInside } from "./view_transform.js";
import { WindowControl } from "./window_control.js";

const part = (id) => document.getElementById(id);

/** What is shown, and what follows from what a person does. */
class Page {
  constructor() {
    this.images = [];
    this.image = null; // as the server describes it
    this.frame = 0; // the one that is seen
    this.values = null;
    this.label = null; // the one that a click sets
    this.typed = new Set(); // labels that have no landmark yet
    this.dragged = null;
    this.showsFound = true;
    this.opened = 0;
    this.frames = new FrameCache(api.framePixels);
    this.annotations = new Annotations(api.editImage);
    this.predictions = new Predictions(api.findLandmarks);
    this.#makeParts();
    this.#listen();
  }

  #makeParts() {
    this.imageList = new ImageList(
      { list: part("images"), filter: part("filter"), onlyEmpty: part("only-empty"), summary: part("summary") },
      (id) => this.open(id),
    );
    this.labelList = new LabelList(part("labels"), {
      choose: (label) => this.choose(label),
      accept: (label) => this.accept(label),
      remove: (label) => this.remove(label),
    });
    const frameParts = { bar: part("frame-bar"), slider: part("frame"), play: part("play"), text: part("frame-text") };
    this.frameBar = new FrameBar({ ...frameParts, ticks: part("ticks") }, (frame) => this.showFrame(frame));
    const layers = { canvas: part("canvas"), layer: part("layer"), loupe: part("loupe"), readout: part("readout") };
    this.stage = new Stage(
      { stage: part("stage"), ...layers },
      {
        tap: (point, mark) => this.tap(point, mark),
        move: (mark, point) => this.#drag(mark, point),
        drop: (isKept) => this.#drop(isKept),
        window: (by) => this.windowControl.drag(by),
      },
    );
    this.windowControl = new WindowControl(
      { level: part("level"), width: part("width"), reset: part("reset-window"), text: part("window-text") },
      () => this.#paint(),
    );
    this.saveState = new SaveState(
      { text: part("save-state"), retry: part("retry"), discard: part("discard") },
      this.annotations.edits,
    );
    this.exportDialog = new ExportDialog(
      { dialog: part("export"), form: part("export-form"), error: part("export-error") },
      this.annotations.edits,
      api.exportLandmarks,
    );
  }

  #listen() {
    this.annotations.addEventListener("change", () => this.#draw());
    this.annotations.addEventListener("saved", ({ detail }) => this.#noteSaved(detail));
    this.predictions.addEventListener("change", () => this.#draw());
    part("discard").addEventListener("click", () => this.#discard());
    part("new-label").addEventListener("submit", (event) => this.#addLabel(event));
    part("look-again").addEventListener("click", () => this.#lookAgain());
    part("export-button").addEventListener("click", () => this.exportDialog.open());
    part("next").addEventListener("click", () => this.next());
    part("undo").addEventListener("click", () => this.undo());
    part("redo").addEventListener("click", () => this.redo());
    part("accept-all").addEventListener("click", () => this.acceptAll());
    part("help-button").addEventListener("click", () => part("help").showModal());
    part("show-found").addEventListener("change", () => this.showFound(part("show-found").checked));
    part("toggle-images").addEventListener("click", () => document.body.classList.toggle("images-open"));
    part("toggle-labels").addEventListener("click", () => document.body.classList.toggle("labels-open"));
    // what is pressed must not go on to the next frame
    part("stage").addEventListener("pointerdown", ({ button }) => button === 0 && this.frameBar.stop());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.refresh());
    window.addEventListener("hashchange", () => this.#openAddress());
    const shortcuts = pageShortcuts(this);
    listenToKeys(shortcuts);
    listShortcuts(part("shortcuts"), shortcuts);
  }

  /** Ask for the images and show the first, or that of the address. */
  async start() {
    await this.#try(() => this.#loadImages(api.listImages));
    await this.#openAddress();
    await this.#try(async () => {
      const strategies = Object.entries(await api.listStrategies());
      const option = ([value, { description }]) => element("option", { value, title: description ?? "" }, value);
      part("strategy").replaceChildren(...strategies.map(option));
    });
  }

  async #openAddress() {
    const { id, frame } = readAddress();
    if (this.images.some((image) => image.id === id)) await this.open(id, frame);
    else if (this.images.length) await this.open(this.images[0].id);
    else this.#say(part("message").textContent || "There is no image in the folder yet.");
  }

  /**
   * Ask for what others have done in the meantime.
   * @param {() => Promise<object[]>} ask for the list of images
   */
  async refresh(ask = api.listImages) {
    await this.#try(() => this.#loadImages(ask));
    this.predictions.outdate();
    const { image } = this;
    if (!image) return this.#openAddress();
    await this.#try(() => this.#describe(image.id), { isWanted: () => this.image === image });
    this.#ask();
  }

  /** Let the server look for new images, which may take a while. */
  async #lookAgain() {
    part("look-again").disabled = true;
    await this.refresh(api.lookAgain);
    part("look-again").disabled = false;
  }

  async #loadImages(ask) {
    this.images = await this.annotations.upToDate(ask);
    this.imageList.take(this.images);
  }

  /** @param {string} id @param {number} frame */
  async open(id, frame = 0) {
    this.frameBar.stop();
    this.opened += 1;
    const isWanted = this.#isLatest();
    document.body.classList.remove("images-open");
    this.imageList.highlight(id);
    part("stage").ariaBusy = "true";
    const name = this.images.find((one) => one.id === id)?.name ?? id;
    await this.#try(() => this.#load(id, frame, isWanted), { isWanted, what: `${name} cannot be opened: ` });
    if (!isWanted()) return;
    part("stage").ariaBusy = "false";
    this.imageList.highlight(this.image?.id); // the one before, where this cannot be read
  }

  /** @returns {() => boolean} whether no other image was chosen since */
  #isLatest() {
    const { opened } = this;
    return () => opened === this.opened;
  }

  async #load(id, frame, isWanted) {
    const image = await this.#describe(id);
    if (!isWanted()) return;
    const at = Math.min(Math.max(frame, 0), image.frames - 1);
    const pixels = await this.frames.get(id, at);
    if (isWanted()) this.#begin(image, at, pixels);
  }

  #describe(id) {
    return this.annotations.load(id, () => api.describeImage(id));
  }

  #begin(image, frame, { values, window }) {
    this.stage.letGo();
    this.image = image;
    [this.frame, this.wanted, this.values] = [frame, frame, values];
    part("image-name").textContent = image.name;
    document.title = `${image.name} - Landmarks`;
    this.stage.begin(image);
    this.windowControl.begin(window, valueRange(values));
    this.#say("");
    this.#shown();
  }

  /** @param {number} frame */
  async showFrame(frame) {
    const { image } = this;
    if (!image) return;
    this.wanted = frame;
    const isWanted = () => this.image === image && this.wanted === frame;
    this.frameBar.draw(frame, image.frames);
    await this.#try(async () => {
      const { values } = await this.frames.get(image.id, frame);
      if (isWanted()) this.#seeFrame(frame, values);
    }, { isWanted });
    if (!isWanted() || this.frame === frame) return;
    this.frameBar.stop(); // it cannot be read; the one before is still seen
    this.frameBar.draw(this.frame, image.frames);
  }

  #seeFrame(frame, values) {
    if (frame !== this.frame) this.stage.letGo();
    [this.frame, this.values] = [frame, values];
    this.#paint();
    this.#shown();
  }

  #shown() {
    this.frameBar.draw(this.frame, this.image.frames);
    writeAddress(this.image.id, this.frame);
    this.#draw();
    this.#ask();
  }

  #ask() {
    if (this.image && this.images.some((image) => image.final)) this.predictions.ask(this.image.id, this.frame);
  }

  /** The next image by the strategy that is chosen; else the next of the list. */
  async next() {
    const isWanted = this.#isLatest();
    await this.#try(async () => {
      const { id } = (await api.nextImage(part("strategy").value)) ?? {};
      if (!isWanted()) return;
      const isNew = id && id !== this.image?.id;
      const chosen = isNew ? id : this.imageList.neighbour(this.image?.id, 1);
      if (chosen) await this.open(chosen);
    }, { isWanted });
  }

  /** @param {number} step 1 for the next image of the list, -1 for the one before */
  step(step) {
    const id = this.imageList.neighbour(this.image?.id, step);
    if (id) this.open(id);
  }

  // landmarks

  /** What a landmark's frame is called on the server. */
  get #frameKey() {
    return this.image.still ? null : this.frame;
  }

  /** @returns {import("./landmark_layer.js").Mark[]} in the frame that is seen, as they are shown */
  marks() {
    if (!this.image) return [];
    const set = this.annotations.of(this.image.id).filter((one) => one.frame === this.#frameKey);
    const found = this.showsFound ? this.predictions.at(this.image.id, this.frame) : [];
    // answers of a moment ago may be of labels that are gone
    const known = found.filter((one) => this.images.some((image) => image.labels.includes(one.label)));
    return frameMarks(set, known, labelColors(this.#labels()), this.dragged);
  }

  #labels() {
    const here = this.image ? this.annotations.of(this.image.id).map((one) => one.label) : [];
    return [...new Set([...this.images.flatMap((image) => image.labels), ...here, ...this.typed])].sort();
  }

  /** @param {import("./view_transform.js").Point} point @param {?import("./landmark_layer.js").Mark} mark */
  tap(point, mark) {
    if (mark && !mark.isSet) return this.accept(mark.label);
    if (mark) return this.choose(mark.label);
    if (!isInside(point, this.image)) return;
    if (this.label) return this.#set(this.label, point);
    this.#say("Give the landmark a name first, or choose one.");
    document.body.classList.add("labels-open");
    part("label-name").focus();
  }

  #set(label, place) {
    this.#say("");
    this.annotations.change(this.image.id, [{ label, frame: this.#frameKey, place }]);
  }

  /** @param {string} label that is taken for right where it was found */
  accept(label) {
    const mark = this.marks().find((one) => one.label === label && !one.isSet);
    if (!mark) return;
    this.label = label;
    if (!isInside(mark, this.image)) return this.#refuseOutside(mark);
    this.#set(label, { x: mark.x, y: mark.y });
  }

  #refuseOutside({ label }) {
    this.#say(`${label} was found outside of the image; click where it is.`);
    this.#draw();
  }

  /** Take all that was found and is not doubtful. */
  acceptAll() {
    if (!this.image) return;
    const good = this.marks().filter((mark) => !mark.isSet && !isDoubtful(mark) && isInside(mark, this.image));
    const wanted = good.map(({ label, x, y }) => ({ label, frame: this.#frameKey, place: { x, y } }));
    if (wanted.length) this.annotations.change(this.image.id, wanted);
  }

  /** @param {string} label that is deleted from this frame */
  remove(label) {
    if (!this.image) return;
    const key = { label, frame: this.#frameKey };
    if (this.annotations.find(this.image.id, key)) this.annotations.change(this.image.id, [{ ...key, place: null }]);
  }

  /** @param {?string} label that a click sets from now on */
  choose(label) {
    this.label = label;
    document.body.classList.remove("labels-open");
    this.#say("");
    this.#draw();
  }

  #addLabel(event) {
    event.preventDefault();
    const label = part("label-name").value.trim();
    if (!label) return;
    this.typed.add(label);
    part("label-name").value = "";
    this.choose(label);
    part("stage").focus();
  }

  #drag(mark, point) {
    this.label = mark.label;
    this.dragged = { label: mark.label, ...clampToImage(point, this.image) };
    this.#draw();
  }

  #drop(isKept) {
    const { dragged } = this;
    this.dragged = null;
    if (!isKept || !dragged) return this.#draw();
    const { label, x, y } = dragged;
    this.#set(label, { x, y });
  }

  /** @param {{x: number, y: number}} by px */
  nudge(by) {
    const mark = this.image && this.marks().find((one) => one.label === this.label);
    if (!mark) return;
    this.#set(mark.label, clampToImage({ x: mark.x + by.x, y: mark.y + by.y }, this.image));
  }

  /** Set the chosen landmark without a pointer. */
  setInMiddle() {
    if (this.image && this.label) this.#set(this.label, clampToImage(this.stage.middle(), this.image));
  }

  undo() {
    this.#goTo(this.annotations.undo());
  }

  redo() {
    this.#goTo(this.annotations.redo());
  }

  /** Show what was changed, where it is not seen. */
  #goTo(change) {
    if (!change) return;
    const frame = change.frame ?? 0;
    if (change.imageId !== this.image?.id) this.open(change.imageId, frame);
    else if (frame !== this.frame) this.showFrame(frame);
  }

  #noteSaved({ imageId, points }) {
    const image = this.images.find((one) => one.id === imageId);
    const labels = [...new Set(points.map((one) => one.label))];
    if (image) Object.assign(image, { final: points.length, labels, error: null });
    if (imageId === this.image?.id) this.#tellDoubtful(points);
    this.imageList.draw();
    this.predictions.outdate();
    this.#ask();
  }

  /** Say which landmarks of this frame the network does not find again in their own image. */
  #tellDoubtful(points) {
    const doubtful = points.filter((one) => one.frame === this.#frameKey && isDoubtful(one));
    const texts = doubtful.map(({ label, reason }) => `${label} is doubtful: ${reason}; look whether it is right.`);
    if (texts.length) this.#say(texts.join(" "));
  }

  #discard() {
    this.annotations.edits.discard();
    this.refresh();
  }

  // drawing

  /** @param {boolean} isShown whether what was found is drawn */
  showFound(isShown) {
    this.showsFound = part("show-found").checked = isShown;
    this.#draw();
  }

  #paint() {
    if (this.values && this.image) this.stage.paint(this.values, this.windowControl.window);
  }

  #draw() {
    const marks = this.marks();
    const labels = this.#labels();
    const colors = labelColors(labels);
    this.stage.show(marks, this.label);
    const rows = labels.map((label) => {
      return { label, color: colors.get(label), mark: marks.find((mark) => mark.label === label) ?? null };
    });
    this.labelList.draw(rows, this.label);
    this.#drawDrawer(colors.get(this.label));
    part("no-labels").hidden = labels.length > 0;
    part("accept-all").disabled = !marks.some((mark) => !mark.isSet && !isDoubtful(mark));
    part("undo").disabled = !this.annotations.history.done.length;
    part("redo").disabled = !this.annotations.history.undone.length;
    part("find-error").textContent = this.image ? this.predictions.errorAt(this.image.id, this.frame) : "";
    if (this.image) this.frameBar.drawTicks(this.annotations.of(this.image.id).map((one) => one.frame ?? 0));
  }

  /** On a small screen the button that opens the landmarks tells which one is chosen. */
  #drawDrawer(color) {
    const button = part("toggle-labels");
    button.textContent = this.label ?? "Landmarks";
    button.style.color = color ?? "";
    button.ariaLabel = this.label ? `Landmarks; ${this.label} is chosen` : "Landmarks";
  }

  #say(text) {
    part("message").textContent = text;
  }

  /** Tell what goes wrong, unless it comes too late to be of interest. */
  async #try(work, { isWanted = () => true, what = "" } = {}) {
    try {
      await work();
    } catch (error) {
      if (isWanted()) this.#say(what + error.message);
    }
  }

  /** @param {number} i of the labels in alphabetical order, the first that is chosen by key 1 */
  chooseNumber(i) {
    const label = this.#labels()[i];
    if (label) this.choose(label);
  }

  /** @param {boolean} isHeld whether any drag shifts the image */
  holdPan(isHeld) {
    this.stage.gestures.isPanKeyDown = isHeld;
    part("stage").classList.toggle("panning", isHeld);
  }
}

function readAddress() {
  const [, id, frame] = /^#(.*?)(?:\/(\d+))?$/.exec(location.hash) ?? [];
  try {
    return { id: decodeURIComponent(id ?? ""), frame: Number(frame ?? 0) };
  } catch {
    return { id: "", frame: 0 }; // not an address of ours
  }
}

function writeAddress(id, frame) {
  history.replaceState(null, "", `#${encodeURIComponent(id)}/${frame}`);
}

new Page().start();
