// The store's 256 shards as a grid of 16 by 16: the darker, the fuller, or the higher the rank that
// a newcomer has to exceed. Arrow keys move through it; the line below says what is under it.

import { find, make, say } from "./dom.js";
import * as format from "./format.js";

const SIDE = 16;
const BITS_MIN = 1; // ranks that differ by less look alike
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE };

const table = find("#shards");
const cells = [];
let figures = null;
let heat = "fill";
let current = null;

export function begin() {
  const body = make("tbody");
  for (let y = 0; y < SIDE; y += 1) {
    const line = make("tr", { role: "row" });
    for (let x = 0; x < SIDE; x += 1) {
      const cell = make("td", { role: "gridcell", tabindex: cells.length ? -1 : 0 },
        make("span", { class: "hidden" }));
      cell.number = cells.length;
      cells.push(cell);
      line.append(cell);
    }
    body.append(line);
  }
  table.append(body);
  table.addEventListener("keydown", move);
  table.addEventListener("focusin", (event) => tell(event.target.number));
  table.addEventListener("pointerover", (event) => tell(event.target.closest("td")?.number));
  table.addEventListener("pointerleave", () => tell(null));
  for (const choice of document.querySelectorAll("input[name=heat]")) {
    choice.addEventListener("change", () => {
      heat = choice.value;
      if (figures) show(figures);
    });
  }
}

function move(event) {
  const from = event.target.number;
  let to = from + (STEPS[event.key] ?? NaN);
  if (event.key === "Home") to = from - (from % SIDE);
  if (event.key === "End") to = from - (from % SIDE) + SIDE - 1;
  const isSideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
  if (isSideways && Math.floor(to / SIDE) !== Math.floor(from / SIDE)) return;
  if (cells[to] === undefined) return;
  event.preventDefault();
  cells[from].tabIndex = -1;
  cells[to].tabIndex = 0;
  cells[to].focus();
}

export function show(answer) {
  figures = answer;
  const { bytes, bytes_capacity: capacity, lowest_rank: ranks } = answer;
  const known = ranks.filter((rank) => rank !== null);
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 0];
  cells.forEach((cell, n) => {
    const rank = ranks[n];
    const part = heat === "fill" ? bytes[n] / capacity
      : rank === null ? 0 : 0.15 + (0.85 * (rank - low)) / Math.max(BITS_MIN, high - low);
    const text = Math.min(1, part).toFixed(3);
    if (cell.heat !== text) cell.style.setProperty("--heat", (cell.heat = text));
    say(cell.firstElementChild, about(n));
  });
  const isFill = heat === "fill";
  say(find("#heat-low"), isFill ? "empty" : known.length ? `${low.toFixed(1)} bits` : "none yet");
  say(find("#heat-high"), isFill ? "full" : known.length ? `${high.toFixed(1)} bits` : "");
  tell(current);
}

function about(n) {
  const rank = figures.lowest_rank[n];
  const lowest = rank === null ? "" : `, lowest rank ${rank.toFixed(1)} bits`;
  return `Shard ${n}: ${format.several(figures.entries[n], "entry", "entries")}, \
${format.percent(figures.bytes[n] / figures.bytes_capacity)} full${lowest}`;
}

function tell(n) {
  if (n === undefined) return;
  current = n;
  if (!figures) return;
  const all = figures.entries.reduce((sum, each) => sum + each, 0);
  const fullest = Math.max(...figures.bytes) / figures.bytes_capacity;
  say(find("#shard"), n === null
    ? `${format.several(all, "entry", "entries")} in 256 shards; the fullest is \
${format.percent(fullest)} full` : about(n));
}
