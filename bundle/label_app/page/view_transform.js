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

/**
 * Where image px lie on the screen: one affine map and its inverse, in doubles; nothing is ever rounded.
 *
 * A point of the image counts in px with pixel centres at integers: x is the column, y the row. A place on the screen
 * counts in CSS px from the stage's upper left corner. Pixel (0, 0) covers [-0.5, 0.5] of the image.
 *
 * @typedef {{x: number, y: number}} Point
 * @typedef {{scaleX: number, scaleY: number, offsetX: number, offsetY: number}} View
 * @typedef {{width: number, height: number}} Size
 */

const LARGEST_SCALE = 128; // CSS px an image px
const SMALLEST_FIT = 0.25; // of the scale at which the whole image is seen

/**
 * The view that shows a whole image in the middle of the stage.
 * @param {Size} image in px
 * @param {Size} stage in CSS px
 * @param {number} aspect height of a pixel over its width
 * @returns {View}
 */
export function fitView(image, stage, aspect = 1) {
  const scale = Math.min(stage.width / image.width, stage.height / (image.height * aspect));
  const [scaleX, scaleY] = [scale, scale * aspect];
  return {
    scaleX,
    scaleY,
    offsetX: (stage.width - image.width * scaleX) / 2,
    offsetY: (stage.height - image.height * scaleY) / 2,
  };
}

/**
 * The place on the screen of a point of the image.
 * @param {View} view
 * @param {Point} point
 * @returns {Point}
 */
export function toScreen(view, point) {
  return { x: (point.x + 0.5) * view.scaleX + view.offsetX, y: (point.y + 0.5) * view.scaleY + view.offsetY };
}

/**
 * The point of the image at a place on the screen: the inverse of toScreen.
 * @param {View} view
 * @param {Point} place
 * @returns {Point}
 */
export function toImage(view, place) {
  return { x: (place.x - view.offsetX) / view.scaleX - 0.5, y: (place.y - view.offsetY) / view.scaleY - 0.5 };
}

/**
 * Make the image larger or smaller; what is at a place of the screen stays there.
 * @param {View} view
 * @param {Point} place
 * @param {number} factor
 * @param {View} fit the view that shows the whole image, for the limits
 * @returns {View}
 */
export function zoomAt(view, place, factor, fit) {
  const [least, most] = [fit.scaleX * SMALLEST_FIT, Math.max(LARGEST_SCALE, fit.scaleX)];
  const scale = Math.min(Math.max(view.scaleX * factor, least), most);
  const ratio = scale / view.scaleX;
  return {
    scaleX: scale,
    scaleY: view.scaleY * ratio,
    offsetX: place.x - (place.x - view.offsetX) * ratio,
    offsetY: place.y - (place.y - view.offsetY) * ratio,
  };
}

/**
 * Shift the image on the screen.
 * @param {View} view
 * @param {Point} by in CSS px
 * @returns {View}
 */
export function pan(view, by) {
  return { ...view, offsetX: view.offsetX + by.x, offsetY: view.offsetY + by.y };
}

/**
 * Whether a point lies on the image: up to the outer edges of its pixels.
 * @param {Point} point
 * @param {Size} image
 * @returns {boolean}
 */
export function isInside(point, image) {
  return point.x >= -0.5 && point.x <= image.width - 0.5 && point.y >= -0.5 && point.y <= image.height - 0.5;
}

/**
 * The nearest point that lies on the image.
 * @param {Point} point
 * @param {Size} image
 * @returns {Point}
 */
export function clampToImage(point, image) {
  const clamp = (value, length) => Math.min(Math.max(value, -0.5), length - 0.5);
  return { x: clamp(point.x, image.width), y: clamp(point.y, image.height) };
}
