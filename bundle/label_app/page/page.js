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
import { FrameBar } from "./frame_bar.js";
import { FrameCache } from "./frame_cache.js";
import { firstWindow, valueRange } from "./grey_window.js";
import { ImageList } from "./image_list.js";
import { labelColors } from "./label_colors.js";
import { LabelList } from "./label_list.js";
import { Predictions } from "./predictions.js";
import { SaveState } from "./save_state.js";
import { listShortcuts, listenToKeys } from "./shortcuts.js";
import { Stage } from "./stage.js";
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
    const images = { list: part("images"), filter: part("filter"), onlyEmpty: part("only-empty"), summary: part("summary") };
    this.imageList = new ImageList(images, (id) => this.open(id));
    this.labelList = new LabelList(part("labels"), {
      choose: (label) => this.choose(label),
      accept: (label) => this.accept(label),
      remove: (label) => this.remove(label),
    });
    this.frameBar = new FrameBar(
      { bar: part("frame-bar"), slider: part("frame"), play: part("play"), text: part("frame-text"), ticks: part("ticks") },
      (frame) => this.showFrame(frame),
    );
    this.stage = new Stage(
      { stage: part("stage"), canvas: part("canvas"), layer: part("layer"), readout: part("readout") },
      {
        tap: (point, mark) => this.tap(point, mark),
        move: (mark, point) => this.#drag(mark, point),
        drop: (mark, isKept) => this.#drop(mark, isKept),
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
  }

  #listen() {
    this.annotations.addEventListener("change", () => this.#draw());
    this.annotations.addEventListener("saved", ({ detail }) => this.#noteSaved(detail));
    this.predictions.addEventListener("change", () => this.#draw());
    part("discard").addEventListener("click", () => this.#discard());
    part("new-label").addEventListener("submit", (event) => this.#addLabel(event));
    part("next").addEventListener("click", () => this.next());
    part("undo").addEventListener("click", () => this.undo());
    part("redo").addEventListener("click", () => this.redo());
    part("accept-all").addEventListener("click", () => this.acceptAll());
    part("help-button").addEventListener("click", () => part("help").showModal());
    part("show-found").addEventListener("change", () => this.showFound(part("show-found").checked));
    part("toggle-images").addEventListener("click", () => document.body.classList.toggle("images-open"));
    part("toggle-labels").addEventListener("click", () => document.body.classList.toggle("labels-open"));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.refresh());
    this.#listenToKeys();
  }

  /** Ask for the images and show the first, or that of the address. */
  async start() {
    await this.#try(async () => {
      await this.#loadImages();
      const { id, frame } = readAddress();
      const first = this.images.find((image) => image.id === id) ?? this.images[0];
      if (!first) return this.#say("There is no image in the folder yet.");
      await this.open(first.id, first.id === id ? frame : 0);
    });
    await this.#try(async () => {
      const strategies = Object.entries(await api.listStrategies());
      const options = strategies.map(([value, { description }]) => element("option", { value, title: description ?? "" }, value));
      part("strategy").replaceChildren(...options);
    });
  }

  /** Ask for what others have done in the meantime. */
  async refresh() {
    await this.#try(async () => {
      await this.#loadImages();
      this.predictions.outdate();
      if (!this.image) return;
      const { id } = this.image;
      this.annotations.take(id, (await api.describeImage(id)).final);
      this.#ask();
    });
  }

  async #loadImages() {
    this.images = await api.listImages();
    this.imageList.take(this.images);
  }

  /** @param {string} id @param {number} frame */
  async open(id, frame = 0) {
    this.frameBar.stop();
    this.opened += 1;
    const { opened } = this;
    document.body.classList.remove("images-open");
    this.imageList.highlight(id);
    await this.#try(async () => {
      const image = await api.describeImage(id);
      const at = Math.min(Math.max(frame, 0), image.frames - 1);
      const pixels = await this.frames.get(id, at);
      if (opened === this.opened) this.#begin(image, at, pixels);
    });
  }

  #begin(image, frame, { values, window }) {
    this.image = image;
    [this.frame, this.wanted, this.values] = [frame, frame, values];
    part("image-name").textContent = image.name;
    document.title = `${image.name} - Landmarks`;
    this.stage.begin(image);
    const range = valueRange(values);
    this.windowControl.begin(firstWindow(window, range), range);
    this.annotations.take(image.id, image.final);
    this.#say("");
    this.#shown();
  }

  /** @param {number} frame */
  async showFrame(frame) {
    if (!this.image) return;
    const { opened } = this;
    this.wanted = frame;
    this.frameBar.draw(frame, this.image.frames);
    await this.#try(async () => {
      const { values } = await this.frames.get(this.image.id, frame);
      if (opened !== this.opened || this.wanted !== frame) return;
      [this.frame, this.values] = [frame, values];
      this.#paint();
      this.#shown();
    });
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
    await this.#try(async () => {
      const { id } = (await api.nextImage(part("strategy").value)) ?? {};
      const isNew = id && id !== this.image?.id;
      const chosen = isNew ? id : this.imageList.neighbour(this.image?.id, 1);
      if (chosen) await this.open(chosen);
    });
  }

  #step(step) {
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
    const colors = labelColors(this.#labels());
    const set = this.annotations.of(this.image.id).filter((one) => one.frame === this.#frameKey);
    const isSet = new Set(set.map((one) => one.label));
    const found = this.showsFound ? this.#found().filter((one) => !isSet.has(one.label)) : [];
    const marks = [
      ...set.map((one) => ({ ...one, isSet: true, valid: null })),
      ...found.map((one) => ({ ...one, isSet: false })),
    ];
    return marks.map((mark) => {
      const dragged = mark.label === this.dragged?.label ? this.dragged : {};
      return { ...mark, ...dragged, color: colors.get(mark.label) };
    });
  }

  #found() {
    const hasExample = new Set(this.images.flatMap((image) => image.labels));
    return this.predictions
      .at(this.image.id, this.frame)
      .filter(({ label, x, y }) => hasExample.has(label) && Number.isFinite(x) && Number.isFinite(y));
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
    const good = this.marks().filter((mark) => !mark.isSet && mark.valid && isInside(mark, this.image));
    const wanted = good.map(({ label, x, y }) => ({ label, frame: this.#frameKey, place: { x, y } }));
    if (wanted.length) this.annotations.change(this.image.id, wanted);
  }

  /** @param {string} label that is deleted from this frame */
  remove(label) {
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
    this.dragged = { label: mark.label, isSet: true, valid: null, ...clampToImage(point, this.image) };
    this.#draw();
  }

  #drop(mark, isKept) {
    const { dragged } = this;
    this.dragged = null;
    if (isKept && dragged) this.#set(mark.label, { x: dragged.x, y: dragged.y });
    else this.#draw();
  }

  #nudge(event) {
    const mark = this.image && this.marks().find((one) => one.label === this.label);
    if (!mark) return;
    const step = event.shiftKey ? 0.1 : 1;
    const [x, y] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    this.#set(mark.label, clampToImage({ x: mark.x + x, y: mark.y + y }, this.image));
  }

  #setInMiddle() {
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
    if (image) Object.assign(image, { final: points.length, labels: [...new Set(points.map((one) => one.label))] });
    this.imageList.draw();
    this.predictions.outdate();
    this.#ask();
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
    part("no-labels").hidden = labels.length > 0;
    part("accept-all").disabled = !marks.some((mark) => !mark.isSet && mark.valid);
    part("undo").disabled = !this.annotations.history.done.length;
    part("redo").disabled = !this.annotations.history.undone.length;
    part("find-error").textContent = this.predictions.error;
    if (this.image) this.frameBar.drawTicks(this.annotations.of(this.image.id).map((one) => one.frame ?? 0));
  }

  #say(text) {
    part("message").textContent = text;
  }

  async #try(work) {
    try {
      await work();
    } catch (error) {
      this.#say(error.message);
    }
  }

  // keys

  #listenToKeys() {
    const shortcuts = [
      { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1 to 9", text: "choose a landmark", run: (event) => this.#chooseByKey(event) },
      { keys: ["l"], shown: "L", text: "name a new landmark", run: () => part("label-name").focus() },
      { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "\u2190 \u2191 \u2192 \u2193", text: "move the chosen landmark by 1 px; with Shift by 0.1 px", run: (event) => this.#nudge(event) },
      { keys: ["Enter"], shown: "Enter", text: "accept the chosen landmark where it was found", run: () => this.label && this.accept(this.label) },
      { keys: ["a"], shown: "A", text: "accept all that was found and is not doubtful", run: () => this.acceptAll() },
      { keys: ["m"], shown: "M", text: "set the chosen landmark in the middle of the view", run: () => this.#setInMiddle() },
      { keys: ["Delete", "Backspace"], shown: "Delete", text: "delete the chosen landmark from this frame", run: () => this.label && this.image && this.remove(this.label) },
      { keys: ["ctrl+z"], shown: "Ctrl Z", text: "undo", run: () => this.undo() },
      { keys: ["ctrl+shift+z", "ctrl+y"], shown: "Ctrl Y", text: "do again", run: () => this.redo() },
      { keys: ["Escape"], shown: "Esc", text: "choose none", run: () => this.choose(null) },
      { keys: ["n"], shown: "N", text: "next image by the chosen strategy", run: () => this.next() },
      { keys: ["PageDown"], shown: "PageDown", text: "next image of the list", run: () => this.#step(1) },
      { keys: ["PageUp"], shown: "PageUp", text: "previous image of the list", run: () => this.#step(-1) },
      { keys: [",", "<"], shown: ",", text: "previous frame", run: () => this.image && this.frameBar.step(-1) },
      { keys: [".", ">"], shown: ".", text: "next frame", run: () => this.image && this.frameBar.step(1) },
      { keys: ["p"], shown: "P", text: "play and stop", run: () => this.image && this.frameBar.toggle() },
      { keys: ["+", "="], shown: "+", text: "zoom in; so does the wheel, or two fingers", run: () => this.stage.zoomStep(1) },
      { keys: ["-"], shown: "-", text: "zoom out", run: () => this.stage.zoomStep(-1) },
      { keys: ["0"], shown: "0", text: "show the whole image", run: () => this.image && this.stage.fit() },
      { keys: [" "], shown: "Space", text: "hold to shift the image by any drag", run: () => this.#holdPan(true) },
      { keys: ["w"], shown: "W", text: "back to the first grey window; a right drag changes it", run: () => this.windowControl.reset() },
      { keys: ["f"], shown: "F", text: "hide and show what was found", run: () => this.showFound(!this.showsFound) },
      { keys: ["?"], shown: "?", text: "this help", run: () => part("help").showModal() },
    ];
    listenToKeys(shortcuts);
    listShortcuts(part("shortcuts"), shortcuts);
    document.addEventListener("keyup", (event) => event.key === " " && this.#holdPan(false));
    window.addEventListener("blur", () => this.#holdPan(false));
  }

  #chooseByKey({ key }) {
    const label = this.#labels()[Number(key) - 1];
    if (label) this.choose(label);
  }

  #holdPan(isDown) {
    this.stage.gestures.isPanKeyDown = isDown;
    part("stage").classList.toggle("panning", isDown);
  }
}

function readAddress() {
  const [id, frame] = location.hash.slice(1).split("/");
  return { id: decodeURIComponent(id ?? ""), frame: Number.parseInt(frame, 10) || 0 };
}

function writeAddress(id, frame) {
  history.replaceState(null, "", `#${encodeURIComponent(id)}/${frame}`);
}

new Page().start();
