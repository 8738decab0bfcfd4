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

/** What the server says of a landmark, see `scripts/io/landmark_status.py`, and what each word means. */
export const STATUSES = {
  valid: "within limits that were learned",
  doubtful: "something speaks against it",
  unchecked: "no limits were learned that it could be judged by",
};

/**
 * Whether something speaks against a landmark.
 * @param {?{status: ?string}} mark
 * @returns {boolean}
 */
export const isDoubtful = (mark) => mark?.status === "doubtful";
