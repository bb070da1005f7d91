// The peers as a table, which can be sorted, beside the ring.

import { find, flag, follow, row, say } from "./dom.js";
import * as format from "./format.js";
import * as ring from "./ring.js";

const table = find("#peers");
const body = table.tBodies[0];

let sortedBy = "id";
let sign = 1;
let last = { id: "", peers: [] };

export function begin() {
  ring.begin((bar) => pick(bar?.dataset.id ?? null));
  for (const button of table.querySelectorAll("button[data-sort]")) {
    button.addEventListener("click", () => {
      const isSame = sortedBy === button.dataset.sort;
      // What is worth a look comes first.
      sign = isSame ? -sign : ["trust", "id", "address"].includes(button.dataset.sort) ? 1 : -1;
      sortedBy = button.dataset.sort;
      show(last.id, last.peers);
    });
  }
  body.addEventListener("pointerover", (event) => pick(event.target.closest("tr")?.dataset.id));
  body.addEventListener("pointerleave", () => pick(null));
}

function pick(id) {
  ring.pick(id);
  for (const each of body.rows) flag(each, "picked", each.dataset.id === id);
}

const figure = (peer) => peer[sortedBy] ?? -1;

function compare(a, b) {
  const [x, y] = [figure(a), figure(b)];
  if (x === y) return a.id < b.id ? -1 : 1;
  return (x < y ? -1 : 1) * sign;
}

export function show(id, peers) {
  last = { id, peers };
  ring.show(id, peers);
  for (const head of table.tHead.rows[0].cells) {
    const is = head.querySelector("button").dataset.sort === sortedBy;
    head.setAttribute("aria-sort", is ? (sign > 0 ? "ascending" : "descending") : "none");
  }
  follow(body, [...peers].sort(compare), (peer) => peer.id, build, update);
  const tested = peers.filter((peer) => peer.trust !== null).length;
  say(find("#peers-note"), peers.length
    ? `${format.several(peers.length, "known", "known")}, ${format.count(tested)} tested`
    : "none known");
}

function build(peer) {
  const made = row(["id", "", "n", "n", "n", "n", "n"]);
  made.dataset.id = peer.id;
  made.cells[0].title = peer.id;
  return made;
}

function update(made, peer) {
  const cells = made.cells;
  say(cells[0], peer.id.slice(0, 8));
  say(cells[1], peer.address);
  say(cells[2], peer.trust === null ? "untested" : peer.trust.toFixed(2));
  say(cells[3], peer.kept.toFixed(0));
  say(cells[4], peer.broken.toFixed(0));
  say(cells[5], peer.rtt_ms === null ? "–" : format.milliseconds(peer.rtt_ms));
  say(cells[6], peer.heard_seconds_ago < 5 ? "now" :
    `${format.duration(peer.heard_seconds_ago)} ago`);
  flag(made, "broken", peer.broken > peer.kept);
}
