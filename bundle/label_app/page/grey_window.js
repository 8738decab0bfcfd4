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
 * How grey values are shown: black up to the low end of the window, white from its high end on, which is the larger one.
 *
 * @typedef {{low: number, high: number}} GreyWindow
 */

/**
 * Smallest and largest value.
 * @param {Float32Array} values
 * @returns {GreyWindow}
 */
export function valueRange(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

/**
 * Paint values as opaque grey.
 * @param {Float32Array} values
 * @param {GreyWindow} window
 * @param {Uint32Array} pixels RGBA, one a value
 */
export function paintGrey(values, window, pixels) {
  const gain = 255 / (window.high - window.low);
  for (let i = 0; i < values.length; i += 1) {
    const level = (values[i] - window.low) * gain;
    const grey = level > 0 ? Math.min(level + 0.5, 255) & 255 : 0;
    pixels[i] = 0xff000000 | (grey * 0x010101);
  }
}
