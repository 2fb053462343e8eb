// What is under the cursor, moved by the pointer or the arrow keys.

import { nearest } from "./curve.js";
import { formatQuantity } from "./numbers.js";
import { indexAt } from "./picture.js";
import { themeOf } from "./scales.js";

export class Cursor {
  /** `plot`: the view that it belongs to. */
  constructor(plot) {
    this.plot = plot;
    this.index = null;
    const { canvas } = plot;
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerdown", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => this.moveTo(null));
    canvas.addEventListener("blur", () => this.moveTo(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  point(event) {
    const { left, top } = this.plot.canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - left, event.clientY - top];
    const { plot } = this.plot.size;
    const inside = px >= plot.left && px < plot.left + plot.width && py >= plot.top && py < plot.top + plot.height;
    this.moveTo(inside && this.plot.answer ? this.indexUnder(px, py) : null);
  }

  indexUnder(px, py) {
    const { x, y } = this.plot.scales;
    if (this.plot.kind === "image") return [indexAt(this.plot.axes.y, y.back(py)), indexAt(this.plot.axes.x, x.back(px))];
    if (this.plot.kind === "curve") return [nearest(this.plot.answer.x, x.back(px))];
    let [best, distance] = [0, Infinity];
    for (let i = 0; i < this.plot.answer.x.length; i++) {
      const far = Math.hypot(x.place(this.plot.answer.x[i]) - px, y.place(this.plot.answer.y[i]) - py);
      if (far < distance) [best, distance] = [i, far];
    }
    return [best];
  }

  key(event) {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] }[event.key];
    if (!move || !this.plot.answer) return;
    event.preventDefault();
    const step = event.shiftKey ? 10 : 1;
    const within = (value, count) => Math.min(count - 1, Math.max(0, value));
    if (this.plot.kind !== "image") {
      const count = this.plot.answer.x.length;
      this.moveTo([within((this.index?.[0] ?? count >> 1) + (move[0] + move[1]) * step, count)]);
      return;
    }
    const [rows, columns] = [this.plot.axes.y.length - 1, this.plot.axes.x.length - 1];
    const [row, column] = this.index ?? [rows >> 1, columns >> 1];
    const up = this.plot.scales.y.flipped ? -step : step;
    const right = this.plot.scales.x.flipped ? -step : step;
    this.moveTo([within(row + move[0] * up, rows), within(column + move[1] * right, columns)]);
  }

  moveTo(index) {
    if (String(index) === String(this.index)) return;
    this.index = index;
    this.draw(themeOf(this.plot.root));
    if (index) this.inquire();
    else this.plot.readout.textContent = "\u00a0";
  }

  /** Ask again after a new frame. */
  refresh() {
    if (this.index) this.inquire();
  }

  /** Where the cursor is: its values on both axes. */
  place() {
    const i = this.index;
    if (this.plot.kind !== "image") return [this.plot.answer.x[i[0]], this.plot.answer.y[i[0]]];
    const middle = (edges, index) => (edges[index] + edges[index + 1]) / 2;
    return [middle(this.plot.axes.x, i[1]), middle(this.plot.axes.y, i[0])];
  }

  /** Coordinates at once; the exact value comes from the kernel, one question on its way at a time. */
  inquire() {
    const [x, y] = this.place();
    const name = (which, value) => `${this.plot.model.get(`_${which}_name`)} ${formatQuantity(value, this.plot.model.get(`_${which}_units`))}`;
    if (this.plot.kind === "curve") {
      this.plot.readout.textContent = `${name("x", x)} · ${name("y", y)}`;
      return;
    }
    this.where = `${name("x", x)} · ${name("y", y)}`;
    this.plot.readout.textContent = `${this.where} · …`;
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = { kind: "value", view: this.plot.flow.view, frame: this.plot.answer.frame, index: this.index };
    this.plot.model.send(this.asking);
  }

  tell(message) {
    if (message.view !== this.plot.flow.view) return;
    this.asking = null;
    if (this.index && this.again) {
      this.again = false;
      this.inquire();
    } else if (this.index) {
      const label = this.plot.model.get("label");
      this.plot.readout.textContent = `${this.where} · ${label ? `${label} ` : ""}${message.text}`;
    }
  }

  draw(theme) {
    const { context } = this.plot.prepared(this.plot.overlay);
    if (!this.index || !this.plot.answer) return;
    const [x, y] = this.place();
    const { plot } = this.plot.size;
    const [px, py] = [this.plot.scales.x.place(x), this.plot.scales.y.place(y)];
    for (const [colour, width] of [[theme.paper, 3], [theme.ink, 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      if (this.plot.kind === "image") {
        context.moveTo(plot.left, py);
        context.lineTo(plot.left + plot.width, py);
        context.moveTo(px, plot.top);
        context.lineTo(px, plot.top + plot.height);
      } else if (Number.isFinite(py)) {
        context.arc(px, py, 6, 0, 2 * Math.PI);
      }
      context.globalAlpha = width === 3 ? 0.5 : 0.9;
      context.stroke();
    }
  }
}
