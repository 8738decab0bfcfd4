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

const SIDE = 132; // CSS px
const ABOVE = 100; // of the finger, CSS px
const GAIN = 2; // times larger than the image beside it

/** A round glass above the finger that drags a landmark, for the finger hides what is below it. */
export class Loupe {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.hide();
  }

  hide() {
    this.canvas.hidden = true;
  }

  /**
   * @param {import("./image_canvas.js").ImageCanvas} image
   * @param {import("./view_transform.js").View} view
   * @param {import("./view_transform.js").Point} place that is seen in its middle, CSS px of the stage
   */
  show(image, view, place) {
    const { canvas, context } = this;
    const below = place.y < ABOVE + SIDE / 2; // there is no room above
    canvas.hidden = false;
    canvas.style.left = `${place.x - SIDE / 2}px`;
    canvas.style.top = `${place.y + (below ? ABOVE : -ABOVE) - SIDE / 2}px`;
    canvas.width = canvas.height = Math.round(SIDE * devicePixelRatio);
    const pixel = canvas.width / SIDE;
    context.setTransform(pixel, 0, 0, pixel, 0, 0);
    image.drawOn(context, magnified(view, place), pixel);
    context.setTransform(pixel, 0, 0, pixel, 0, 0);
    this.#drawCross();
  }

  /** Open in its middle, where the landmark is. */
  #drawCross() {
    const { context } = this;
    const [middle, gap] = [SIDE / 2, 5];
    context.beginPath();
    for (const [from, to] of [[0, middle - gap], [middle + gap, SIDE]]) {
      context.moveTo(from, middle);
      context.lineTo(to, middle);
      context.moveTo(middle, from);
      context.lineTo(middle, to);
    }
    context.strokeStyle = "rgb(255 255 255 / 70%)";
    context.stroke();
  }
}

/** The view that shows a place of the stage in the middle of the glass. */
function magnified(view, place) {
  return {
    scaleX: view.scaleX * GAIN,
    scaleY: view.scaleY * GAIN,
    offsetX: SIDE / 2 - (place.x - view.offsetX) * GAIN,
    offsetY: SIDE / 2 - (place.y - view.offsetY) * GAIN,
  };
}
