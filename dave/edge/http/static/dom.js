// What every part needs of the document. Text is only ever set as text.

export const find = (selector) => document.querySelector(selector);

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// Only what differs is touched: what a screen reader watches must not chatter.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function flag(node, name, is) {
  if (node.classList.contains(name) !== is) node.classList.toggle(name, is);
}

// Makes the children of `parent` follow `items`, in order; a child stays as long as its item does.
export function follow(parent, items, keyOf, build, update) {
  const known = parent.known ?? new Map();
  const next = new Map();
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const child = known.get(key) ?? build(item);
    next.set(key, child);
    update?.(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const [key, child] of known) if (!next.has(key)) child.remove();
  parent.known = next;
}

export function row(cells) {
  return make("tr", {}, ...cells.map((css) => make("td", css ? { class: css } : {})));
}
