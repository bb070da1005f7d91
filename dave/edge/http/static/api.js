// The node's API: one place that knows the token and what an error looks like.

const STORED_AS = "dave.token";

let token = sessionStorage.getItem(STORED_AS);

export const hasToken = () => token !== null;

export function setToken(text) {
  token = text;
  if (text === null) sessionStorage.removeItem(STORED_AS);
  else sessionStorage.setItem(STORED_AS, text);
}

export class Failure extends Error {
  constructor(status, text) {
    super(text);
    this.status = status; // 0: there was no answer at all
  }
}

export async function ask(path, { method = "GET", body, headers = {}, shown = token } = {}) {
  if (shown !== null) headers = { ...headers, Authorization: `Bearer ${shown}` };
  let response;
  try {
    response = await fetch(path, {
      method, body, headers, cache: "no-store", signal: AbortSignal.timeout(30_000),
    });
  } catch {
    throw new Failure(0, "The node does not answer.");
  }
  if (response.ok) return response;
  let text = `${response.status} ${response.statusText}`;
  try {
    text = (await response.json()).detail ?? text;
  } catch {
    // Not every proxy on the way speaks JSON.
  }
  throw new Failure(response.status, text);
}

export async function json(path) {
  const response = await ask(path);
  try {
    return await response.json();
  } catch {
    throw new Failure(0, "The node broke off its answer.");
  }
}

// A browser sends no headers with a WebSocket: the token is a subprotocol, which is not chosen.
export function socket(path) {
  const protocols = token === null ? ["dave"] : ["dave", `dave.token.${token}`];
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(`${scheme}//${location.host}${path}`, protocols);
}

export function entryPath(name, ownOwner) {
  const uri = /^dave:\/\/([a-z2-7]{52})\/(.+)$/i.exec(name);
  if (uri) return `/v1/entries/${uri[1]}/${uri[2].replaceAll("/", "%2F")}`;
  if (name.startsWith("dave://")) throw new Failure(400, "A URI is dave://OWNER/KEY.");
  if (ownOwner === null) {
    throw new Failure(400, "Whose? Give dave://OWNER/KEY: this node was given no key of yours.");
  }
  return `/v1/entries/${ownOwner}/${encodeURIComponent(name)}`;
}
