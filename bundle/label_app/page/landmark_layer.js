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

import { svgElement } from "./element.js";
import { isDoubtful } from "./status.js";
import { toScreen } from "./view_transform.js";

/**
 * A landmark as it is drawn: one that a person has set, or one that the network has found.
 *
 * @typedef {{label: string, x: number, y: number, isSet: boolean, sigma_x: ?number, sigma_y: ?number,
 *   status: ?string, reason: string, color: string}} Mark
 */

const DISC = 5;
const ARM = 7;
const [ROOM, LETTER, LINE] = [14, 8, 18]; // of captions: beside the mark, a letter, a line
const SVG_MAX = 1e5; // beyond this a browser's path may fail

/** Landmarks above the image. They are drawn in CSS px, so that they keep their size when the image is enlarged. */
export class LandmarkLayer {
  /** @param {SVGSVGElement} svg fills the stage */
  constructor(svg) {
    this.svg = svg;
  }

  /**
   * @param {import("./view_transform.js").View} view
   * @param {Mark[]} marks
   * @param {{selected: ?string, hovered: ?string}} emphasis labels
   * @param {number} width of the stage
   */
  draw(view, marks, emphasis, width) {
    const found = marks.filter((mark) => !mark.isSet);
    const set = marks.filter((mark) => mark.isSet); // these lie on top
    const sides = captionSides(view, marks, width);
    this.svg.replaceChildren(...[...found, ...set].map((mark) => drawMark(view, mark, emphasis, sides.get(mark))));
  }
}

/**
 * The mark that is nearest to a place of the screen; one that a person has set goes before one found.
 * @param {import("./view_transform.js").View} view
 * @param {Mark[]} marks
 * @param {{x: number, y: number}} place
 * @param {number} radius CSS px, beyond which there is none
 * @returns {?Mark}
 */
export function nearestMark(view, marks, place, radius) {
  const far = (mark) => {
    const at = toScreen(view, mark);
    return Math.hypot(at.x - place.x, at.y - place.y);
  };
  const near = marks.filter((mark) => far(mark) <= radius);
  near.sort((a, b) => Number(b.isSet) - Number(a.isSet) || far(a) - far(b));
  return near[0] ?? null;
}

function drawMark(view, mark, { selected, hovered }, side) {
  const at = toScreen(view, mark);
  const classes = ["mark", mark.isSet ? "set" : "found"];
  if (isDoubtful(mark)) classes.push("doubtful");
  if (mark.label === selected) classes.push("selected");
  if (mark.label === hovered) classes.push("hovered");
  const group = svgElement("g", { class: classes.join(" "), transform: `translate(${at.x} ${at.y})` });
  group.dataset.label = mark.label;
  group.style.color = mark.color;
  if (!isDrawable(at)) return group;
  if (!mark.isSet) group.append(...ellipse(view, mark));
  group.append(...(mark.isSet ? disc() : cross()));
  group.append(...caption(mark, side));
  return group;
}

function isDrawable(at) {
  return Math.abs(at.x) < SVG_MAX && Math.abs(at.y) < SVG_MAX;
}

function disc() {
  return [svgElement("circle", { class: "ring", r: DISC + 5 }), svgElement("circle", { class: "disc", r: DISC })];
}

function cross() {
  const d = `M${-ARM} 0H${ARM}M0 ${-ARM}V${ARM}`;
  return [svgElement("circle", { class: "ring", r: ARM + 4 }), ...outlined("path", { d, class: "cross" })];
}

function ellipse(view, { sigma_x, sigma_y }) {
  const [rx, ry] = [sigma_x * view.scaleX, sigma_y * view.scaleY];
  return rx > 0 && ry > 0 && rx < SVG_MAX && ry < SVG_MAX ? outlined("ellipse", { rx, ry, class: "sigma" }) : [];
}

/** A dark line below a coloured one, to be seen on all greys. */
function outlined(tag, attributes) {
  return [
    svgElement(tag, { ...attributes, class: `${attributes.class} outline` }),
    svgElement(tag, attributes),
  ];
}

/** A caption stands to the left where it would leave the stage on the right, or meet another mark there. */
function captionSides(view, marks, width) {
  const places = marks.map((mark) => ({ mark, at: toScreen(view, mark), room: ROOM + LETTER * mark.label.length }));
  const meets = (one, other) => {
    const [x, y] = [other.at.x - one.at.x, other.at.y - one.at.y];
    return other !== one && x > 0 && x < one.room && Math.abs(y) < LINE;
  };
  const isFull = (one) => one.at.x + one.room > width || places.some((other) => meets(one, other));
  return new Map(places.map((one) => [one.mark, isFull(one) && one.at.x > one.room ? "left" : "right"]));
}

function caption(mark, side) {
  const place = side === "left" ? { x: -ARM - 4, "text-anchor": "end" } : { x: ARM + 4 };
  const texts = [svgElement("text", { ...place, y: -ARM - 1 }, mark.label)];
  if (isDoubtful(mark)) texts.push(svgElement("text", { ...place, y: ARM + 7, class: "reason" }, mark.reason));
  return texts;
}
