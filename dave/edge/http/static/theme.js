// Light, dark, or as the system has it: what was chosen is remembered.

import { find } from "./dom.js";

const STORED_AS = "dave.theme";

export function begin() {
  const choice = find("#theme");
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  choice.value = localStorage.getItem(STORED_AS) ?? "";
  apply(choice.value);
  choice.addEventListener("change", () => {
    apply(choice.value);
    if (choice.value) localStorage.setItem(STORED_AS, choice.value);
    else localStorage.removeItem(STORED_AS);
  });
}
