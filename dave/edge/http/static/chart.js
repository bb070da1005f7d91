// A chart of a few series over time: lines that differ by colour and by dashes, named beside their
// last value. A screen reader gets a sentence instead.

import { draw, make, say } from "./dom.js";

const WIDTH = 600;
const HEIGHT = 120;
const LEFT = 44;
const BOTTOM = 16;

export class Chart {
  // series: [[name, css class], ...]; show: how a value is written.
  constructor(parent, series, show, title) {
    Object.assign(this, { series, show, title });
    this.svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "chart" });
    this.lines = series.map(([, css]) => draw("polyline", { class: css }));
    this.grid = [0, 0.5, 1].map((part) => this.rule(part));
    this.times = [0, 0.5, 1].map((part) => {
      const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
      const x = LEFT + part * (WIDTH - LEFT);
      return draw("text", { x, y: HEIGHT - 3, "text-anchor": anchor });
    });
    this.cursor = draw("line", { class: "cursor", y1: 0, y2: HEIGHT - BOTTOM });
    this.svg.append(...this.grid.flat(), ...this.times, ...this.lines, this.cursor);
    this.figures = series.map(() => make("b"));
    this.legend = make("ul", { class: "key" }, ...series.map(([name, css], i) =>
      make("li", {}, draw("svg", { viewBox: "0 0 20 6", "aria-hidden": "true" },
        draw("line", { class: css, x1: 0, x2: 20, y1: 3, y2: 3 })), `${name} `, this.figures[i])));
    parent.append(this.svg, this.legend);
    this.data = { time: [], lists: series.map(() => []) };
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.point(null));
  }

  rule(part) {
    const y = (HEIGHT - BOTTOM) * (1 - part) + (part === 1 ? 4 : 0);
    const text = draw("text", { x: LEFT - 6, y: y + 3.5, "text-anchor": "end" });
    return [draw("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }), text];
  }

  update(time, lists) {
    this.data = { time, lists };
    const top = nice(Math.max(...lists.map((list) => Math.max(0, ...list))));
    this.grid.forEach(([, text], i) => say(text, this.show((top * i) / 2)));
    this.top = top;
    lists.forEach((list, i) => this.lines[i].setAttribute("points", this.points(list)));
    const minutes = time.length ? (time[time.length - 1] - time[0]) / 60 : 0;
    [minutes, minutes / 2, 0].forEach((ago, i) => say(this.times[i], before(ago)));
    const now = this.series.map(([name], i) => `${name} ${this.show(lists[i].at(-1) ?? 0)}`);
    this.svg.setAttribute("aria-label", `${this.title}; now ${now.join(", ")}`);
    this.tell(lists[0].length - 1);
  }

  points(list) {
    const step = (WIDTH - LEFT) / Math.max(1, list.length - 1);
    const high = HEIGHT - BOTTOM - 4;
    return list.map((value, i) => `${(LEFT + i * step).toFixed(1)},\
${(HEIGHT - BOTTOM - (value / this.top) * high).toFixed(1)}`).join(" ");
  }

  tell(i) {
    this.data.lists.forEach((list, n) => say(this.figures[n], this.show(list[i] ?? 0)));
  }

  point(event) {
    const count = this.data.time.length;
    this.cursor.setAttribute("class", event && count > 1 ? "cursor on" : "cursor");
    if (event === null || count < 2) return this.tell(count - 1);
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    const part = Math.min(1, Math.max(0, (x - LEFT) / (WIDTH - LEFT)));
    const i = Math.round(part * (count - 1));
    const at = LEFT + (i / (count - 1)) * (WIDTH - LEFT);
    this.cursor.setAttribute("x1", at);
    this.cursor.setAttribute("x2", at);
    return this.tell(i);
  }
}

function before(minutes) {
  if (minutes === 0) return "now";
  return minutes < 1 ? `${Math.round(minutes * 60)} s ago` : `${Math.round(minutes)} min ago`;
}

// The next of 1, 2, 5, 10, 20 ...
function nice(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= value);
}
