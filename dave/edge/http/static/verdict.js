// Whether all is well: each rule looks at what the node tells of itself, and says what to do.

import { find, flag, follow, make, say } from "./dom.js";
import * as format from "./format.js";

const YOUNG_SECONDS = 30; // so long a node that just started may know nobody
const FULL = 0.97;
const LONG_SECONDS = 86400; // what lives shorter is meant to end
const LAST_PART = 0.1;

const BAD = "bad";
const WARN = "warn";

// Each returns [level, text], or nothing where all is well.
const RULES = [
  ({ status }) => status.read_only && [BAD, `The journal cannot be written (${status.read_only}): \
the node only reads. Mend the disk and start it again.`],
  ({ status }) => status.files?.failure && [BAD, `Shares of files cannot be written \
(${status.files.failure}). Mend the disk and start the node again.`],
  ({ status }) => status.state_failure && [WARN, `What the node knows of others is not saved \
(${status.state_failure}).`],
  ({ status }) => status.journal_damage.length && [WARN, `Reading the journal found damage: \
${status.journal_damage.join("; ")}.`],
  ({ status }) => !status.reached && [WARN, `No other node reaches this one: it goes as a client. \
Open port ${status.address.split(":").pop()} for UDP and TCP.`],
  ({ status }) => status.peers === 0 && status.uptime_seconds > YOUNG_SECONDS && [WARN, "It knows \
no other node, so that nobody else keeps what it keeps. Start others with --edge."],
  ({ status }) => status.bytes_used > FULL * status.bytes_capacity && [WARN, "The store is full: \
what ranks lowest makes room. A larger --capacity keeps more."],
  ({ status }) => status.upkeep?.lacking && [WARN, `${format.several(status.upkeep.lacking, "file \
stripe")} lack shares, and are being mended.`],
  ({ kernelDrops }) => kernelDrops > 0 && [WARN, `The system dropped ${format.several(kernelDrops,
    "datagram")} in the last half hour: the node could not read as fast as they came.`],
  ({ peers }) => {
    const faithless = peers.filter((peer) => peer.broken > peer.kept);
    return faithless.length && [WARN, `${format.several(faithless.length, "peer")} broke more \
promises than they kept.`];
  },
  ({ names, now }) => {
    const soon = names.filter((name) => {
      const life = name.expires - name.written;
      return !name.isRenewed && life >= LONG_SECONDS && name.expires - now < LAST_PART * life;
    });
    return soon.length && [WARN, `${format.several(soon.length, "entry", "entries")} of yours \
will end soon, and this node renews ${soon.length === 1 ? "it" : "them"} not. Put again, or keep: \
dave put NAME --keep.`];
  },
];

const HEADLINES = {
  good: "All is well",
  warn: "Worth a look",
  bad: "Something is wrong",
  gone: "No answer",
};

export function show(facts) {
  const found = RULES.map((rule) => rule(facts)).filter(Boolean);
  const level = found.some(([each]) => each === BAD) ? BAD : found.length ? WARN : "good";
  headline(level, found.length
    ? `${found.length} of ${RULES.length} checks found something`
    : `all ${RULES.length} checks passed`);
  follow(find("#findings"), found, ([, text]) => text, ([each, text]) =>
    make("li", { class: each }, text));
}

export function silent(text) {
  headline("gone", text);
  follow(find("#findings"), [], String, null);
}

function headline(level, text) {
  const section = find("#verdict");
  for (const each of Object.keys(HEADLINES)) flag(section, each, each === level);
  say(find("#headline"), HEADLINES[level]);
  say(find("#checks"), text);
}
