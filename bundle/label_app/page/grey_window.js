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
 * How grey values are shown: black up to the low end of the window, white from its high end on.
 *
 * @typedef {{low: number, high: number}} GreyWindow
 */

/**
 * Smallest and largest value that is finite.
 * @param {Float32Array} values
 * @returns {GreyWindow}
 */
export function valueRange(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low <= high ? { low, high } : { low: 0, high: 1 };
}

/**
 * The window to begin with: what the server tells, or all values where that is empty.
 * @param {GreyWindow} told
 * @param {GreyWindow} range all values
 * @returns {GreyWindow}
 */
export function firstWindow(told, range) {
  // a few bright pixels on an even ground: the server's percentiles see the ground only
  if (told.high > told.low) return told;
  return range.high > range.low ? range : { low: range.low, high: range.low + 1 };
}

/**
 * Paint values as opaque grey.
 * @param {Float32Array} values
 * @param {GreyWindow} window
 * @param {Uint32Array} pixels RGBA, one a value
 */
export function paintGrey(values, window, pixels) {
  const gain = 255 / Math.max(window.high - window.low, Number.MIN_VALUE);
  for (let i = 0; i < values.length; i += 1) {
    const level = (values[i] - window.low) * gain;
    const grey = level > 0 ? Math.min(level + 0.5, 255) & 255 : 0; // NaN is not > 0, and so black
    pixels[i] = 0xff000000 | (grey * 0x010101);
  }
}
