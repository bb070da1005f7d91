// A chart of a few series over time: lines that differ by colour and by dashes, named below with
// their last value, or with that under the pointer. A screen reader gets a sentence instead.

import { draw, make, say } from "./dom.js";

const HEIGHT = 132;
const LEFT = 58;
const TOP = 8;
const BOTTOM = 18;
const PLOT = HEIGHT - TOP - BOTTOM;

export class Chart {
  // series: [[name, css class], ...]; show: how a value is written; least: the least top.
  constructor(parent, series, show, title, least = 1) {
    Object.assign(this, { series, show, title, least, width: 400, top: 1 });
    this.svg = draw("svg", { role: "img", class: "chart", height: HEIGHT });
    this.lines = series.map(([, css]) => draw("polyline", { class: css }));
    this.grid = [0, 0.5, 1].map((part) => {
      const y = TOP + PLOT * (1 - part);
      return [draw("line", { class: "grid", x1: LEFT, y1: y, y2: y }),
        draw("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" })];
    });
    this.times = ["start", "middle", "end"].map((anchor) =>
      draw("text", { y: HEIGHT - 3, "text-anchor": anchor }));
    this.cursor = draw("line", { class: "cursor", y1: TOP, y2: TOP + PLOT });
    this.svg.append(...this.grid.flat(), ...this.times, ...this.lines, this.cursor);
    this.figures = series.map(() => make("b"));
    this.legend = make("ul", { class: "key" }, ...series.map(([name, css], i) =>
      make("li", {}, draw("svg", { viewBox: "0 0 20 6", "aria-hidden": "true" },
        draw("line", { class: css, x1: 0, x2: 20, y1: 3, y2: 3 })), `${name} `, this.figures[i])));
    parent.append(this.svg, this.legend);
    this.update([], series.map(() => []));
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    new ResizeObserver(() => this.fit()).observe(this.svg);
  }

  // Letters keep their size, whatever the width is.
  fit() {
    this.width = Math.max(160, this.svg.clientWidth);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    for (const [line] of this.grid) line.setAttribute("x2", this.width);
    this.times.forEach((text, i) => text.setAttribute("x", LEFT + (i / 2) * (this.width - LEFT)));
    this.plot();
  }

  update(time, lists) {
    this.data = { time, lists };
    this.top = nice(Math.max(this.least, ...lists.flat()));
    this.grid.forEach(([, text], i) => say(text, this.show((this.top * i) / 2)));
    const minutes = time.length ? (time.at(-1) - time[0]) / 60 : 0;
    [minutes, minutes / 2, 0].forEach((ago, i) => say(this.times[i], before(ago)));
    const now = this.series.map(([name], i) => `${name} ${this.show(lists[i].at(-1) ?? 0)}`);
    this.svg.setAttribute("aria-label", `${this.title}; now ${now.join(", ")}`);
    this.plot();
    this.tell(time.length - 1);
  }

  plot() {
    const step = (this.width - LEFT) / Math.max(1, this.data.time.length - 1);
    this.data.lists.forEach((list, n) => {
      const points = list.map((value, i) =>
        `${(LEFT + i * step).toFixed(1)},${(TOP + PLOT * (1 - value / this.top)).toFixed(1)}`);
      this.lines[n].setAttribute("points", points.join(" "));
    });
  }

  tell(i) {
    this.data.lists.forEach((list, n) => say(this.figures[n], this.show(list[i] ?? 0)));
  }

  point(event) {
    const count = this.data.time.length;
    this.cursor.setAttribute("class", event && count > 1 ? "cursor on" : "cursor");
    if (event === null || count < 2) return this.tell(count - 1);
    const part = (event.offsetX - LEFT) / (this.width - LEFT);
    const i = Math.round(Math.min(1, Math.max(0, part)) * (count - 1));
    const at = LEFT + (i / (count - 1)) * (this.width - LEFT);
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
