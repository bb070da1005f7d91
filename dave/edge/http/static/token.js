// Asks for the token, once: it is kept in this tab's session storage. Without it all can be read.

import { ask, hasToken, setToken } from "./api.js";
import { find, flag, say } from "./dom.js";

const dialog = find("#token-dialog");
const input = find("#token");
let waiting = null; // what to do with the answer

export function begin(onChange) {
  const button = find("#unlock");
  const show = () => {
    say(button, hasToken() ? "Unlocked: lock" : "Read only: unlock");
    flag(button, "on", hasToken());
    onChange();
  };
  button.addEventListener("click", () => {
    if (hasToken()) {
      setToken(null);
      show();
    } else {
      wanted();
    }
  });
  find("#token-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    try {
      if (!/^[\w-]+$/.test(text)) throw new Error("A token has letters, digits, - and _ only.");
      await ask("/v1/status", { shown: text });
      setToken(text);
      finish(true);
    } catch (failure) {
      say(find("#token-said"), failure.status === 401 ? "This is not the token." : failure.message);
      input.select();
    }
  });
  find("#token-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => finish(false));
  const finish = (isDone) => {
    input.value = "";
    say(find("#token-said"), "");
    const done = waiting;
    waiting = null;
    dialog.close();
    if (isDone) show();
    done?.(isDone);
  };
  show();
}

// Whether the token is there, once it was asked for if need be.
export function wanted() {
  if (hasToken()) return Promise.resolve(true);
  return new Promise((resolve) => {
    waiting = resolve;
    dialog.showModal();
    input.focus();
  });
}

// The node says that the token is wrong: perhaps another one stands there since it was started.
export function wasRefused() {
  setToken(null);
  flag(find("#unlock"), "on", false);
  say(find("#unlock"), "Read only: unlock");
}
