// The figures that an operator looks at first, each with what it was over the last half hour.

import { draw, find, follow, make, say } from "./dom.js";
import * as format from "./format.js";

const WIDTH = 100;
const HEIGHT = 24;

export function show({ status, rates }) {
  const last = (values) => (values.length ? values[values.length - 1] : 0);
  const sum = (...lists) => lists[0].map((_, i) => lists.reduce((all, list) => all + list[i], 0));
  const gets = sum(rates.gets_found, rates.gets_absent);
  const puts = sum(rates.puts_stored, rates.puts_refused);
  const files = status.files;
  const tiles = [
    ["Peers", format.count(status.peers), `${format.count(status.sessions)} sessions`],
    ["Entries", format.count(status.entries),
      `${format.bytes(status.bytes_used)} of ${format.bytes(status.bytes_capacity)}`,
      null, status.bytes_used / status.bytes_capacity],
    ["Gets", `${format.rate(last(gets))} /s`, "", gets],
    ["Puts", `${format.rate(last(puts))} /s`, "", puts],
    ["Dropped", `${format.rate(last(rates.dropped))} /s`, "", rates.dropped],
    ["Files", files ? format.bytes(files.bytes_used) : "none kept",
      files ? `of ${format.bytes(files.bytes_capacity)}` : "", null,
      files && files.bytes_capacity ? files.bytes_used / files.bytes_capacity : null],
  ];
  follow(find("#tiles"), tiles, ([name]) => name, build, update);
}

function build([name, , , values, part]) {
  const tile = make("div", {}, make("dt", {}, name), make("dd"), make("dd", { class: "note" }));
  if (values) {
    const line = draw("polyline", { class: "spark" });
    const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
    tile.append(make("dd", { class: "trend", "aria-hidden": "true" }, draw("svg", box, line)));
  } else if (part !== undefined) {
    tile.append(make("dd", { class: "trend", "aria-hidden": "true" }, make("span")));
  }
  return tile;
}

function update(tile, [, value, note, values, part]) {
  const [, figure, small, trend] = tile.children;
  say(figure, value);
  say(small, note);
  if (values) trend.querySelector("polyline").setAttribute("points", spark(values));
  else if (part !== undefined) trend.firstElementChild.style.setProperty("--part", part ?? 0);
}

export function spark(values, width = WIDTH, height = HEIGHT) {
  const top = Math.max(1e-9, ...values);
  const step = width / Math.max(1, values.length - 1);
  return values
    .map((v, i) => `${(i * step).toFixed(1)},${(height - 1 - (v / top) * (height - 2)).toFixed(1)}`)
    .join(" ");
}
