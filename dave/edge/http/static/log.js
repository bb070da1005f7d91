// What happens, the newest first: storage challenges, and entries and peers that come and go.
// Neither is a live region: it would chatter.

import { find, flag, make, row, say } from "./dom.js";
import * as format from "./format.js";
import * as ring from "./ring.js";

const ROWS_MAX = 100;
const PAIR_MS = 60_000;

const RESULTS = {
  sent: "asked",
  kept: "proved it",
  broken: "broke its promise",
  offline: "is not there",
  unsettled: "undecided",
  met: "asked us",
};
const EVENTS = {
  stored: "stored", evicted: "evicted", expired: "expired", joined: "peer joined",
  left: "peer left",
};

const open = new Map(); // peer id -> the row of a challenge that has not ended
const tally = { kept: 0, broken: 0 };
let missed = 0;

export function take(event) {
  if (event.kind === "challenges") challenge(event);
  else if (event.kind === "missed") miss(event);
  else activity(event);
}

function add(table, made) {
  const body = table.tBodies[0];
  body.prepend(made);
  if (body.rows.length > ROWS_MAX) body.lastElementChild.remove();
  const empty = table.parentElement.querySelector(".empty");
  if (empty) empty.hidden = true;
}

function challenge(event) {
  if (event.peer) ring.challenge(event.peer, event.event);
  const known = open.get(event.peer);
  const isEnd = !["sent", "met"].includes(event.event);
  let made = known?.isConnected && event.event !== "met" ? known : undefined;
  if (made === undefined) {
    made = row(["", "id", "", "result"]);
    made.asked = event.asked;
    add(find("#challenges"), made);
  }
  if (event.event === "sent") {
    open.set(event.peer, made);
    setTimeout(() => open.get(event.peer) === made && open.delete(event.peer), PAIR_MS);
  } else if (isEnd) {
    open.delete(event.peer);
  }
  say(made.cells[0], format.clock(event.time));
  say(made.cells[1], event.peer ? event.peer.slice(0, 8) : "a client");
  if (event.address) made.cells[1].title = event.address;
  const total = event.asked ?? made.asked;
  const [one, many] = event.about === "shares" ? ["share", "shares"] : ["entry", "entries"];
  say(made.cells[2], total === undefined ? many : format.several(total, one, many));
  const proved = event.event === "met" ? `, ${format.count(event.proved)} proved` : "";
  say(made.cells[3], RESULTS[event.event] + proved);
  for (const name of Object.keys(RESULTS)) flag(made, name, name === event.event);
  if (event.event in tally) tally[event.event] += 1;
  say(find("#challenges-note"), `${format.count(tally.kept)} kept, \
${format.count(tally.broken)} broken since this page was opened`);
}

function activity(event) {
  const made = row(["", "", "name"]);
  say(made.cells[0], format.clock(event.time));
  if (event.kind === "peers") {
    say(made.cells[1], EVENTS[event.event]);
    say(made.cells[2], `${event.peer.slice(0, 8)} ${event.address}`);
  } else {
    const what = event.deleted && event.event === "stored" ? "deleted" : EVENTS[event.event];
    say(made.cells[1], what);
    made.cells[2].append(make("bdi", {}, format.keyOf(event)), ` ${format.bytes(event.bytes)}`);
    made.cells[2].title = event.uri;
  }
  add(find("#activity"), made);
}

function miss(event) {
  missed += event.count;
  say(find("#activity-note"), `${format.several(missed, "event")} more than can be shown`);
}
