// Put, get, watch and remove from the page. What a value says is only ever shown as text.

import { ask, entryPath, socket } from "./api.js";
import { find, make, say } from "./dom.js";
import * as format from "./format.js";
import * as names from "./names.js";
import { wanted, wasRefused } from "./token.js";

const SHOWN_BYTES_MAX = 65_536;
const CHANGES_MAX = 20;

let watching = null;
let changed = () => {};

const button = (id) => find(`#${id}`);
const name = () => find("#name").value.trim();

export function begin(onChange) {
  changed = onChange;
  find("#desk").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(get);
  });
  button("put").addEventListener("click", () => attempt(put));
  button("remove").addEventListener("click", () => attempt(remove));
  button("watch").addEventListener("click", () => attempt(watch));
}

export function fill(text) {
  find("#name").value = text;
  attempt(get);
}

async function attempt(action) {
  if (action === watch && watching) return stop();
  if (!find("#desk").reportValidity()) return undefined;
  try {
    await action();
  } catch (failure) {
    if (failure.status === undefined) throw failure;
    if (failure.status === 401) wasRefused();
    tell(failure.status === 404 ? "There is no such entry." : failure.message, true);
  }
  return undefined;
}

function tell(text, isBad = false) {
  const said = find("#said");
  say(said, text);
  said.className = isBad ? "bad" : "";
}

async function get() {
  tell("Asking …");
  find("#content").hidden = true;
  const response = await ask(entryPath(name(), names.owner));
  const length = Number(response.headers.get("Content-Length"));
  if (length > SHOWN_BYTES_MAX) {
    response.body?.cancel();
    tell(`${format.bytes(length)}: too large to show here. Fetch it with dave get --out FILE.`);
    return;
  }
  const content = new Uint8Array(await response.arrayBuffer());
  show(content);
  const written = response.headers.get("Last-Modified");
  const when = written ? `, written ${format.clock(Date.parse(written) / 1000)}` : "";
  tell(`${format.several(content.length, "byte")}${when}`);
}

function show(content) {
  const shown = find("#content");
  shown.hidden = false;
  say(shown, textOf(content));
}

function textOf(content) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    const hex = [...content.slice(0, 512)].map((byte) => byte.toString(16).padStart(2, "0"));
    return hex.join(" ") + (content.length > 512 ? " …" : "");
  }
}

async function put() {
  if (!(await wanted())) return tell("Putting needs the token.", true);
  tell("Signing, and asking nodes to keep it …");
  const path = `${entryPath(name(), names.owner)}?ttl=${find("#ttl").value}`;
  const body = new TextEncoder().encode(find("#value").value);
  const headers = { "Content-Type": "application/octet-stream" };
  const receipt = await (await ask(path, { method: "PUT", body, headers })).json();
  tell(`Stored by ${receipt.stored} of ${format.several(receipt.asked, "node")}.`);
  return changed();
}

async function remove() {
  if (!(await wanted())) return tell("Removing needs the token.", true);
  tell("Asking nodes to forget it …");
  await ask(entryPath(name(), names.owner), { method: "DELETE" });
  find("#content").hidden = true;
  tell("Removed.");
  return changed();
}

function stop() {
  watching?.close();
  watching = null;
  say(button("watch"), "Watch");
  tell("Not watching any more.");
}

function watch() {
  const about = name();
  if (!about.startsWith("dave://") && names.owner === null) entryPath(about, null);
  const mine = (watching = socket(`/v1/watch?name=${encodeURIComponent(about)}`));
  find("#changes").replaceChildren();
  say(button("watch"), "Stop watching");
  tell(`Watching ${about} …`);
  mine.onmessage = (message) => {
    const change = JSON.parse(message.data);
    if (change.error) tell(change.error, true);
    else version(change);
  };
  mine.onclose = () => {
    if (watching !== mine) return;
    watching = null;
    say(button("watch"), "Watch");
    if (!find("#said").classList.contains("bad")) tell("The watch has ended.", true);
  };
}

function version(change) {
  const text = change.gone ?? (change.value === null ? "a file, or private"
    : textOf(Uint8Array.from(atob(change.value), (char) => char.charCodeAt(0))));
  const line = make("li", {}, make("time", {}, format.clock(Date.now() / 1000)),
    make(change.gone ? "em" : "code", {}, text.slice(0, 300)));
  if (change.skipped) line.append(` after ${format.several(change.skipped, "other")}`);
  const list = find("#changes");
  list.prepend(line);
  if (list.children.length > CHANGES_MAX) list.lastElementChild.remove();
}
