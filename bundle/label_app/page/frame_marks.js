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
 * What is drawn in a frame: what people have set, and what was found of the rest.
 * @param {import("./api.js").Landmark[]} set in this frame
 * @param {import("./api.js").Landmark[]} found in this frame
 * @param {Map<string, string>} colors by label; what was found of a label that is not among them is left out
 * @param {?{label: string, x: number, y: number}} dragged takes the place of the one of its label
 * @returns {import("./landmark_layer.js").Mark[]}
 */
export function frameMarks(set, found, colors, dragged) {
  const isSet = new Set(set.map((one) => one.label));
  const isPlace = ({ x, y }) => Number.isFinite(x) && Number.isFinite(y);
  const isShown = (one) => !isSet.has(one.label) && colors.has(one.label) && isPlace(one);
  const marks = [
    ...set.map((one) => ({ ...one, isSet: true })),
    ...found.filter(isShown).map((one) => ({ ...one, isSet: false })),
  ];
  return marks.map((mark) => {
    const now = mark.label === dragged?.label ? { ...mark, ...dragged, isSet: true, status: null } : mark;
    return { ...now, color: colors.get(mark.label) };
  });
}
