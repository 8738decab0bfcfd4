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

const LONGEST = 500;

/**
 * What was changed, to be undone and done again.
 *
 * @typedef {{imageId: string, label: string, frame: ?number, before: ?object, after: ?object}} Change
 */
export class EditHistory {
  constructor() {
    this.done = [];
    this.undone = [];
  }

  /** @param {Change[]} changes that are undone together */
  push(changes) {
    this.done.push(changes);
    this.undone = [];
    if (this.done.length > LONGEST) this.done.shift();
  }

  /** @returns {?Change[]} whose `before` is to be restored, the last one first */
  undo() {
    const changes = this.done.pop();
    if (changes) this.undone.push(changes);
    return changes ? [...changes].reverse() : null;
  }

  /** @returns {?Change[]} whose `after` is to be restored */
  redo() {
    const changes = this.undone.pop();
    if (changes) this.done.push(changes);
    return changes ?? null;
  }
}
