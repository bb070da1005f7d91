// Asks again and again, and listens: what keeps the page up to date while it is looked at. When
// the node goes away it is asked again after 1, 2, 4 ... 30 s.

import { json, socket } from "./api.js";

const SECONDS_MAX = 30;

export class Backoff {
  constructor() {
    this.wait = 0;
  }

  next() {
    this.wait = Math.min(SECONDS_MAX, this.wait * 2 || 1);
    return this.wait;
  }

  reset() {
    this.wait = 0;
  }
}

// Asks for `path()` every `seconds` while the page is visible. `on.data(answer)`,
// `on.failed(failure, waitSeconds)`.
export class Poll {
  constructor(path, seconds, on) {
    Object.assign(this, { path, seconds, on });
    this.backoff = new Backoff();
    this.timer = null;
    this.isAsking = false;
    document.addEventListener("visibilitychange", () => this.now());
  }

  async now() {
    clearTimeout(this.timer);
    if (document.hidden || this.isAsking) return;
    this.isAsking = true;
    let wait = this.seconds;
    try {
      const answer = await json(this.path());
      this.backoff.reset();
      this.on.data(answer);
    } catch (failure) {
      if (failure.status === undefined) throw failure;
      wait = this.backoff.next();
      this.on.failed?.(failure, wait);
    } finally {
      this.isAsking = false;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.now(), wait * 1000);
    }
  }
}

// The events of the node, as long as the page is visible.
export class Events {
  constructor(path, onEvent) {
    Object.assign(this, { path, onEvent });
    this.backoff = new Backoff();
    this.socket = null;
    this.timer = null;
    document.addEventListener("visibilitychange", () => this.check());
  }

  check() {
    clearTimeout(this.timer);
    if (document.hidden) {
      this.socket?.close();
    } else if (this.socket === null) {
      this.open();
    }
  }

  open() {
    const mine = (this.socket = socket(this.path));
    mine.onopen = () => this.backoff.reset();
    mine.onmessage = (message) => this.onEvent(JSON.parse(message.data));
    mine.onclose = () => {
      this.socket = null;
      if (!document.hidden) this.timer = setTimeout(() => this.check(), this.backoff.next() * 1000);
    };
  }
}
