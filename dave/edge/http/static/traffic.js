// Counters become rates: of requests, of data, and of what was dropped, by reason.

import { Chart } from "./chart.js";
import { draw, find, follow, make, row, say } from "./dom.js";
import * as format from "./format.js";
import { REASONS } from "./reasons.js";
import { spark } from "./tiles.js";

const SAMPLES_MAX = 361;

const kept = { last: 0, time: [], counters: {}, drops: {} };
let requests;
let data;

export const path = () => `/v1/traffic?since=${kept.last}`;

export function begin() {
  requests = new Chart(find("#requests"), [
    ["gets found", "one"], ["gets absent", "two"], ["puts stored", "three"],
    ["puts refused", "four"],
  ], format.rate, "Requests a second over the last half hour");
  data = new Chart(find("#bytes"), [["received", "one"], ["sent", "two"]],
    (n) => `${format.bytes(n)}/s`, "Data a second over the last half hour", 10);
}

// Takes in new samples, and returns the rates between them, by name.
export function take(answer) {
  if (answer.last < kept.last) forget(); // the node was started again
  kept.last = answer.last;
  kept.time.push(...answer.time);
  merge(kept.counters, answer.counters, answer.time.length);
  merge(kept.drops, answer.drops, answer.time.length);
  for (const list of [kept.time, ...Object.values(kept.counters), ...Object.values(kept.drops)]) {
    list.splice(0, Math.max(0, list.length - SAMPLES_MAX));
  }
  const rates = Object.fromEntries(
    Object.entries(kept.counters).map(([name, list]) => [name, perSecond(list)]));
  const drops = Object.entries(kept.drops).map(([name, list]) =>
    ({ name, total: list.at(-1) ?? 0, rates: perSecond(list) }));
  rates.dropped = kept.time.slice(1).map((_, i) =>
    drops.reduce((sum, drop) => sum + drop.rates[i], 0));
  show(rates, drops.sort((a, b) => b.total - a.total));
  return rates;
}

// How much a counter grew over the time that is shown.
export function growth(name) {
  const list = kept.counters[name] ?? [];
  return list.length ? list.at(-1) - list[0] : 0;
}

function forget() {
  Object.assign(kept, { last: 0, time: [], counters: {}, drops: {} });
}

// A reason that is new was at 0 before.
function merge(into, from, count) {
  const before = kept.time.length - count;
  for (const [name, list] of Object.entries(from)) {
    into[name] ??= Array(before).fill(0);
    into[name].push(...list);
  }
}

function perSecond(list) {
  const { time } = kept;
  return list.slice(1).map((value, i) =>
    Math.max(0, value - list[i]) / Math.max(0.001, time[i + 1] - time[i]));
}

function show(rates, drops) {
  const time = kept.time.slice(1);
  requests.update(time,
    [rates.gets_found, rates.gets_absent, rates.puts_stored, rates.puts_refused]);
  data.update(time, [rates.received_bytes, rates.sent_bytes]);
  find("#drops").hidden = drops.length === 0;
  find("#drops-none").hidden = drops.length > 0;
  follow(find("#drops tbody"), drops, (drop) => drop.name, build, update);
}

function build(drop) {
  const made = row(["", "trend", "n", "n"]);
  made.cells[0].append(format.words(drop.name),
    make("small", {}, REASONS[drop.name] ?? ""));
  made.cells[1].append(draw("svg", {
    viewBox: "0 0 100 20", preserveAspectRatio: "none", "aria-hidden": "true",
  }, draw("polyline", { class: "spark" })), make("span", { class: "hidden" }));
  return made;
}

function update(made, drop) {
  const [line, text] = made.cells[1].children;
  line.firstElementChild.setAttribute("points", spark(drop.rates, 100, 20));
  say(text, `at most ${format.rate(Math.max(0, ...drop.rates))} a second`);
  say(made.cells[2], `${format.rate(drop.rates.at(-1) ?? 0)} /s`);
  say(made.cells[3], format.count(drop.total));
}
