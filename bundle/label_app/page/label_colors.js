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

// Okabe and Ito's colours, which colour-blind people can tell apart; the order is that of the bundle's other pictures.
const OKABE_ITO = ["#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#F0E442", "#0072B2"];

/**
 * Give each label its colour, in alphabetical order; beyond seven they repeat.
 * @param {Iterable<string>} labels
 * @returns {Map<string, string>}
 */
export function labelColors(labels) {
  return new Map([...new Set(labels)].sort().map((label, i) => [label, OKABE_ITO[i % OKABE_ITO.length]]));
}
