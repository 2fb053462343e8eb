// What is under the cursor, moved by the pointer or the arrow keys.

import { nearest } from "./curve.js";
import { formatQuantity } from "./numbers.js";
import { indexAt } from "./scales.js";

export class Cursor {
  /** `plot`: the view that it belongs to. */
  constructor(plot) {
    this.plot = plot;
    this.index = null;
    const { canvas } = plot;
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => this.moveTo(null));
    canvas.addEventListener("blur", () => this.moveTo(null));
  }

  point(event) {
    const place = this.plot.pixelOf(event);
    this.moveTo(this.plot.isInside(place) && this.plot.answer ? this.indexUnder(...place) : null);
  }

  indexUnder(px, py) {
    const { x, y } = this.plot.scales;
    if (this.plot.isImage) return [indexAt(this.plot.axes.y, y.back(py)), indexAt(this.plot.axes.x, x.back(px))];
    if (this.plot.kind === "curve") return [nearest(this.plot.curves[0].x, x.back(px))];
    let [best, distance] = [0, Infinity];
    for (let i = 0; i < this.plot.answer.x.length; i++) {
      const far = Math.hypot(x.place(this.plot.answer.x[i]) - px, y.place(this.plot.answer.y[i]) - py);
      if (far < distance) [best, distance] = [i, far];
    }
    return [best];
  }

  get count() {
    return this.plot.kind === "curve" ? this.plot.curves[0].x.length : this.plot.answer.x.length;
  }

  /** Move by the arrow keys; returns whether the key was one. */
  key(event) {
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] }[event.key];
    if (!move || !this.plot.answer) return false;
    event.preventDefault();
    const step = event.shiftKey ? 10 : 1;
    const within = (value, count) => Math.min(count - 1, Math.max(0, value));
    if (!this.plot.isImage) {
      const { count } = this;
      this.moveTo([within((this.index?.[0] ?? count >> 1) + (move[0] + move[1]) * step, count)]);
      return true;
    }
    const [rows, columns] = [this.plot.axes.y.length - 1, this.plot.axes.x.length - 1];
    const [row, column] = this.index ?? this.plot.viewport.middle();
    const up = this.plot.viewport.isFlipped("y") ? -step : step;
    const right = this.plot.viewport.isFlipped("x") ? -step : step;
    this.moveTo([within(row + move[0] * up, rows), within(column + move[1] * right, columns)]);
    return true;
  }

  moveTo(index) {
    if (String(index) === String(this.index)) return;
    this.index = index;
    this.plot.painter.overlay();
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
    if (this.plot.kind === "curve") return [this.plot.curves[0].x[i[0]], this.plot.curves[0].y[i[0]]];
    if (!this.plot.isImage) return [this.plot.answer.x[i[0]], this.plot.answer.y[i[0]]];
    const middle = (edges, index) => (edges[index] + edges[index + 1]) / 2;
    return [middle(this.plot.axes.x, i[1]), middle(this.plot.axes.y, i[0])];
  }

  /** Coordinates at once; the exact value comes from the kernel, one question on its way at a time. */
  inquire() {
    const { facts } = this.plot;
    const [x, y] = this.place();
    const name = (which, value) => `${facts[`${which}_name`]} ${formatQuantity(value, facts[`${which}_units`])}`;
    if (this.plot.kind === "curve") {
      this.plot.readout.textContent = `${name("x", x)} · ${name("y", y)}${this.others(x)}`;
      return;
    }
    this.where = `${name("x", x)} · ${name("y", y)}`;
    if (this.plot.kind === "rgb") {
      this.plot.readout.textContent = this.where;
      return;
    }
    this.plot.readout.textContent = `${this.where} · …`;
    if (this.isAsking) {
      this.again = true;
      return;
    }
    this.isAsking = true;
    const kinds = this.plot.withGeometry ? ["value", "hover"] : ["value"];
    const texts = [];
    for (const kind of kinds) {
      this.plot.questions.ask({ kind, frame: this.plot.answer.frame, index: this.index }, (answer) => {
        texts.push(answer.kind === "error" ? answer.message : answer.text);
        if (texts.length === kinds.length) this.tell(texts);
      });
    }
  }

  /** Values of the other curves near `x`. */
  others(x) {
    return this.plot.curves
      .slice(1)
      .map((curve) => ` · ${curve.label} ${formatQuantity(curve.y[nearest(curve.x, x)], curve.units)}`)
      .join("");
  }

  tell(texts) {
    this.isAsking = false;
    if (!this.index) return;
    if (this.again) {
      this.again = false;
      this.inquire();
      return;
    }
    const label = this.plot.model.get("label");
    this.plot.readout.textContent = `${this.where} · ${label ? `${label} ` : ""}${texts.join(" · ")}`;
  }

  draw(context, theme) {
    if (!this.index || !this.plot.answer) return;
    const [x, y] = this.place();
    const { plot } = this.plot.size;
    const [px, py] = [this.plot.scales.x.place(x), this.plot.scales.y.place(y)];
    if (!this.plot.isInside([px, py])) return;
    for (const [colour, width] of [[theme.paper, 3], [theme.ink, 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      if (this.plot.isImage) {
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
    context.globalAlpha = 1;
  }
}
