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

import { paintGrey } from "./grey_window.js";

/** The image's pixels on a canvas that has the screen's own pixels, whatever devicePixelRatio is. */
export class ImageCanvas {
  /** @param {HTMLCanvasElement} canvas fills the stage */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.painted = document.createElement("canvas"); // one pixel an image px
    this.frame = null;
    this.isPainted = false;
  }

  /**
   * Take a frame and how its values are shown; they are painted when they are drawn next.
   * @param {{width: number, height: number, values: Float32Array}} frame row after row
   * @param {import("./grey_window.js").GreyWindow} window
   */
  show(frame, window) {
    [this.frame, this.window] = [frame, window];
    this.isPainted = false;
  }

  /**
   * Give the canvas as many pixels as the screen has where it lies.
   * @param {{width: number, height: number}} size in CSS px
   * @param {ResizeObserverSize} [exact] in pixels of the screen, where the browser tells
   */
  resize(size, exact) {
    this.size = size;
    this.canvas.width = Math.max(1, exact?.inlineSize ?? Math.round(size.width * devicePixelRatio));
    this.canvas.height = Math.max(1, exact?.blockSize ?? Math.round(size.height * devicePixelRatio));
  }

  /** @param {import("./view_transform.js").View} view */
  draw(view) {
    const { context, canvas, size } = this;
    const [x, y] = [canvas.width / size.width, canvas.height / size.height];
    context.setTransform(x, 0, 0, y, 0, 0);
    this.drawOn(context, view, x);
  }

  /**
   * Draw the image on any canvas whose unit is a CSS px.
   * @param {CanvasRenderingContext2D} context
   * @param {import("./view_transform.js").View} view
   * @param {number} pixels of the screen a CSS px
   */
  drawOn(context, view, pixels) {
    context.fillStyle = "#0B0D0F";
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
    if (!this.frame) return;
    if (!this.isPainted) this.#paint();
    context.transform(view.scaleX, 0, 0, view.scaleY, view.offsetX, view.offsetY);
    context.imageSmoothingEnabled = pixels * view.scaleX < 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.painted, 0, 0);
  }

  #paint() {
    const { width, height, values } = this.frame;
    if (this.pixels?.width !== width || this.pixels.height !== height) {
      this.pixels = new ImageData(width, height);
      Object.assign(this.painted, { width, height });
    }
    paintGrey(values, this.window, new Uint32Array(this.pixels.data.buffer));
    this.painted.getContext("2d").putImageData(this.pixels, 0, 0);
    this.isPainted = true;
  }
}
