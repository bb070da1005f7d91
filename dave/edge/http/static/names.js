// The owner's entries and the time that is left to them, what ends first first; and what the node
// renews, whosever it is.

import { find, flag, follow, make, row, say } from "./dom.js";
import * as format from "./format.js";

const SOON_SECONDS = 3600;

let list = [];
let pick = () => {};

export let owner = null;

export function begin(onPick) {
  pick = onPick;
  setInterval(() => !document.hidden && times(), 1000);
}

export function show(answer) {
  owner = answer.owner;
  const renewed = new Map(answer.renewed.map((each) => [each.uri, each]));
  list = answer.names.map((name) => {
    const keeping = renewed.get(name.uri);
    renewed.delete(name.uri);
    return { ...name, keeping, isRenewed: keeping !== undefined && keeping.due !== null };
  });
  for (const each of renewed.values()) {
    list.push({ ...each, keeping: each, isRenewed: each.due !== null, written: NaN });
  }
  list.sort((a, b) => a.expires - b.expires || (a.uri < b.uri ? -1 : 1));
  follow(find("#names tbody"), list, (name) => name.uri, build, update);
  const rest = answer.count - answer.names.length;
  const note = [answer.owner && format.several(answer.count, "name"),
    rest > 0 && `${format.count(answer.names.length)} shown`, answer.problem];
  say(find("#names-note"), note.filter(Boolean).join(", "));
  const none = find("#names-none");
  none.hidden = list.length > 0;
  find("#names").hidden = list.length === 0;
  say(none, answer.owner === null
    ? "The node was given no key of yours: dave run --http ADDR --http-key FILE shows your names, \
and lets you put from here."
    : "You have no listed names yet.");
  times();
  return list;
}

function build(name) {
  const made = row(["", "n", "n", ""]);
  const button = make("button", { type: "button", class: "link", title: name.uri },
    make("bdi", {}, format.keyOf(name)));
  button.addEventListener("click", () => pick(name));
  made.cells[0].append(button);
  return made;
}

function update(made, name) {
  made.expires = name.expires;
  say(made.cells[1], name.size === undefined ? "" : format.bytes(name.size));
  const { keeping } = name;
  say(made.cells[3], !keeping ? "no" : name.isRenewed ? `in ${format.duration(
    keeping.due - Date.now() / 1000)}` : `no more: ${keeping.standing}`);
  made.cells[3].title = keeping?.note ?? "";
}

function times() {
  const now = Date.now() / 1000;
  for (const made of find("#names tbody").rows) {
    const left = made.expires - now;
    say(made.cells[2], format.duration(left));
    flag(made, "soon", left < SOON_SECONDS);
  }
}
