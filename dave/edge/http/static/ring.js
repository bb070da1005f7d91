// The peers on the ring: where a peer stands says which entries are its to hold, how long its bar
// is how much trust it has earned here. Storage challenges are lines across while they last.

import { draw, find, flag, follow, say } from "./dom.js";
import * as format from "./format.js";

const RADIUS = 100;
const TRUST_LENGTH = 46;
const CHALLENGE_MS = 4000;
const LINES_MAX = 24;
const MANY = 80; // from then on bars are thinner

const svg = find("#ring");
const lines = draw("g", { class: "lines" });
const bars = draw("g", { class: "bars" });
const figure = draw("text", { class: "figure", y: 0 });
const small = draw("text", { class: "small", y: 18 });
const smaller = draw("text", { class: "small", y: 32 });
const own = draw("path", { class: "own", d: "M0 -7 L5 3 L-5 3 Z" });

let ownId = null;
const places = new Map(); // peer id -> [x, y] on the ring

export function begin(onPick) {
  svg.append(draw("circle", { class: "orbit", r: RADIUS }), lines, bars, own, figure, small,
    smaller);
  svg.addEventListener("pointerover", (event) => onPick(event.target.closest("[data-id]")));
  svg.addEventListener("pointerleave", () => onPick(null));
}

// An id is 16 hexadecimal digits; 13 of them are more than a screen can show.
const angle = (id) => (parseInt(id.slice(0, 13), 16) / 2 ** 52) * 2 * Math.PI - Math.PI / 2;

function at(id, radius) {
  const turn = angle(id);
  return [Math.cos(turn) * radius, Math.sin(turn) * radius];
}

export function show(id, peers) {
  if (ownId !== id) {
    ownId = id;
    const [x, y] = at(id, RADIUS - 9);
    const degrees = (angle(id) * 180) / Math.PI + 90;
    own.setAttribute("transform", `translate(${x} ${y}) rotate(${degrees})`);
  }
  flag(bars, "many", peers.length > MANY);
  const tested = peers.filter((peer) => peer.trust !== null);
  const faithless = peers.filter((peer) => peer.broken > peer.kept).length;
  const trips = peers.map((peer) => peer.rtt_ms).filter((ms) => ms !== null).sort((a, b) => a - b);
  const middle = trips.length ? trips[trips.length >> 1] : null;
  say(figure, format.count(peers.length));
  say(small, peers.length === 1 ? "peer" : "peers");
  say(smaller, middle === null ? "" : `${format.milliseconds(middle)} away`);
  const label = `${format.several(peers.length, "peer")} on the ring: ${tested.length} tested, \
${faithless} with more broken than kept promises. The table tells the same.`;
  if (svg.getAttribute("aria-label") !== label) svg.setAttribute("aria-label", label);
  places.clear();
  for (const peer of peers) places.set(peer.id, at(peer.id, RADIUS));
  follow(bars, peers, (peer) => peer.id, build, update);
}

function build(peer) {
  const degrees = (angle(peer.id) * 180) / Math.PI;
  return draw("g", { "data-id": peer.id, transform: `rotate(${degrees}) translate(${RADIUS} 0)` },
    draw("rect", { class: "reach", x: -5, y: -3, width: TRUST_LENGTH + 8, height: 6 }),
    draw("line", { x1: 0, x2: 0 }), draw("circle", { r: 2.6 }),
    draw("rect", { class: "square", x: -3.4, y: -3.4, width: 6.8, height: 6.8 }));
}

function update(bar, peer) {
  bar.children[1].setAttribute("x2", peer.trust === null ? 0 : 3 + peer.trust * TRUST_LENGTH);
  flag(bar, "untested", peer.trust === null);
  flag(bar, "broken", peer.broken > peer.kept);
}

export function pick(id) {
  for (const bar of bars.children) flag(bar, "picked", bar.dataset.id === id);
}

// A challenge began, or ended: `result` is kept, broken ... or sent.
export function challenge(id, result) {
  const to = places.get(id);
  if (to === undefined || ownId === null) return;
  let line = [...lines.children].find((each) => each.dataset.id === id);
  if (line === undefined) {
    if (lines.children.length >= LINES_MAX) lines.firstElementChild.remove();
    const [x1, y1] = at(ownId, RADIUS);
    line = draw("line", { "data-id": id, x1, y1, x2: to[0], y2: to[1] });
    lines.append(line);
  }
  line.setAttribute("class", result);
  clearTimeout(line.timer);
  line.timer = setTimeout(() => line.remove(), CHALLENGE_MS);
}
