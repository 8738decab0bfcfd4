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
 * What the server is asked. A call that fails throws an Error with the server's own words.
 *
 * @typedef {{label: string, frame: ?number, x: number, y: number}} Landmark
 */

const API = "api";

/** @returns {Promise<Array<{id: string, name: string, final: number, labels: string[], error: ?string}>>} */
export const listImages = () => askJson(`${API}/images`);

/** As {@link listImages}, after the server has looked for new ones. */
export const lookAgain = () => postJson(`${API}/refresh`, {});

/** @param {string} id of an image */
export const describeImage = (id) => askJson(imagePath(id));

/**
 * @param {string} id of an image
 * @param {number} frame
 * @returns {Promise<{values: Float32Array, window: {low: number, high: number}}>} row after row
 */
export async function framePixels(id, frame) {
  const response = await ask(`${imagePath(id)}/frames/${frame}`);
  const [low, high] = (response.headers.get("X-Window") ?? "").split(",").map(Number);
  return { values: littleEndianFloats(await response.arrayBuffer()), window: { low, high } };
}

/**
 * @param {string} id of an image
 * @param {{points: Landmark[], removed: Array<{label: string, frame: ?number}>}} edit
 * @returns {Promise<Landmark[]>} all landmarks that the image has now, with status and reason
 */
export const editImage = (id, edit) => postJson(`${imagePath(id)}/edit`, edit);

/**
 * @param {string} id of an image
 * @param {number} frame
 * @returns {Promise<Landmark[]>} with sigma_x, sigma_y, status and reason
 */
export const findLandmarks = (id, frame) => postJson(`${imagePath(id)}/find`, { frames: [frame] });

/**
 * @param {string} strategy
 * @returns {Promise<{id?: string}>}
 */
export const nextImage = (strategy) => postJson(`${API}/next`, { strategy });

/**
 * @param {string[]} formats some of csv, markups and sr
 * @returns {Promise<Blob>} a ZIP file of what people have set
 */
export const exportLandmarks = async (formats) => {
  const query = new URLSearchParams(formats.map((format) => ["format", format]));
  return (await ask(`${API}/export?${query}`)).blob();
};

/** @returns {Promise<Object<string, {description: string}>>} by name */
export const listStrategies = async () => (await askJson("../info/")).strategies ?? {};

const imagePath = (id) => `${API}/images/${encodeURIComponent(id)}`;

const askJson = async (path) => (await ask(path)).json();

const postJson = async (path, body) => {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
};

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the server cannot be reached");
  }
  if (!response.ok) throw new Error(await errorText(response));
  return response;
}

async function errorText(response) {
  try {
    const { detail } = await response.json();
    return typeof detail === "string" ? detail : JSON.stringify(detail);
  } catch {
    return `the server answered ${response.status} ${response.statusText}`.trim();
  }
}

function littleEndianFloats(buffer) {
  const isLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  if (isLittle) return new Float32Array(buffer);
  const view = new DataView(buffer);
  return Float32Array.from({ length: buffer.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
