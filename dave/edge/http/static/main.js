// The dashboard: what is asked how often, and who shows it.

import { find, flag, follow, make, say } from "./dom.js";
import * as desk from "./desk.js";
import * as format from "./format.js";
import { Events, Poll } from "./live.js";
import * as log from "./log.js";
import * as names from "./names.js";
import * as peers from "./peers.js";
import * as shards from "./shards.js";
import * as theme from "./theme.js";
import * as tiles from "./tiles.js";
import * as token from "./token.js";
import * as traffic from "./traffic.js";
import * as verdict from "./verdict.js";

// What is known so far: the verdict needs all of it.
const known = { status: null, rates: null, peers: [], names: [] };
let needsToken = false;

function overview() {
  if (!known.status || !known.rates) return;
  tiles.show(known);
  verdict.show({ ...known, now: Date.now() / 1000, kernelDrops: traffic.growth("kernel_drops") });
}

function alive() {
  connected("live", "Live");
}

function connected(state, text) {
  const link = find("#link");
  for (const each of ["live", "lost"]) flag(link, each, each === state);
  say(find("#link-text"), text);
}

function lost(failure, wait) {
  if (failure.status === 401) {
    connected("lost", "Locked");
    verdict.silent("This node shows its figures to other machines only with its token.");
    if (!needsToken) {
      needsToken = true;
      token.wasRefused();
      token.wanted();
    }
    return;
  }
  connected("lost", `No answer: next try in ${format.duration(wait)}`);
  verdict.silent(failure.status ? failure.message : "The node does not answer. Is it running? \
This page goes on by itself once it is.");
}

function facts(status) {
  const version = status.version ? [["Version", status.version]] : [];
  const items = [
    ...version,
    ["Address", status.address],
    ["Seen by others at", status.seen_at ?? "nobody has said"],
    ["Reached by others", status.reached ? "yes" : "no"],
    ["Network", status.network],
    ["Id", status.id],
    ["Key", status.key],
    ["Running for", format.duration(status.uptime_seconds)],
    ["Process", String(status.pid)],
    ["Journal on disk", `${format.bytes(status.journal_bytes)}, sync ${status.sync}`],
    ["Files on disk", status.files ? `${format.bytes(status.files.bytes_used)} in \
${format.several(status.files.shares, "share")}` : "none kept"],
    ["Watched by others", format.several(status.watches, "lease")],
    ["Connections for files", format.count(status.bulk_connections)],
    ["Puts under way", format.count(status.puts_waiting)],
    ["Renewed here", format.several(status.kept, "entry", "entries")],
  ];
  follow(find("#facts"), items, ([name]) => name,
    ([name]) => make("div", {}, make("dt", {}, name), make("dd")),
    (item, [, value]) => say(item.lastElementChild, value));
}

const polls = [
  new Poll(() => "/v1/status", 5, {
    data(status) {
      needsToken = false;
      known.status = status;
      say(find("#whoami"), `${status.network} · ${status.address}`);
      document.title = `Dave · ${status.address}`;
      facts(status);
      alive();
      overview();
    },
    failed: lost,
  }),
  new Poll(traffic.path, 5, {
    data(answer) {
      known.rates = traffic.take(answer);
      overview();
    },
  }),
  new Poll(() => "/v1/peers", 5, {
    data(answer) {
      known.peers = answer.peers;
      peers.show(known.status?.id ?? "0", answer.peers);
      overview();
    },
  }),
  new Poll(() => "/v1/shards", 15, { data: shards.show }),
  new Poll(() => "/v1/names", 30, {
    data(answer) {
      known.names = names.show(answer);
      overview();
    },
  }),
];
const events = new Events("/v1/events", log.take);
const ofNames = polls.at(-1);

theme.begin();
traffic.begin();
shards.begin();
peers.begin();
names.begin((name) => desk.fill(name.uri));
// A put is in the directory a second later, and the node looks there every three.
desk.begin(() => setTimeout(() => ofNames.now(), 4000));
token.begin(() => {
  for (const poll of polls) poll.now();
  events.check();
});
