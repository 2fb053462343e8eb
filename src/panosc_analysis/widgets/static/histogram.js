// How often each value occurs, with the limits of the colours as handles that are dragged or moved by arrow keys.

import { element } from "./controls.js";
import { formatNumber } from "./numbers.js";
import { fraction, valueAtFraction } from "./norms.js";
import { colourOf } from "./picture.js";

const HIST_HEIGHT = 96;
const STEPS = 200; // of a handle from one end to the other by the arrow keys

export class Histogram {
  /** `change(which, value)`: a limit was moved. */
  constructor(plot, change) {
    this.plot = plot;
    this.change = change;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.handles = {};
    for (const which of ["low", "high"]) {
      const text = which === "low" ? "Value of the first colour" : "Value of the last colour";
      const handle = element("div", { class: "panosc-handle", role: "slider", tabindex: 0, "aria-label": text });
      handle.addEventListener("keydown", (event) => this.key(event, which));
      handle.addEventListener("pointerdown", (event) => this.grab(event, which));
      handle.addEventListener("pointermove", (event) => this.drag(event, which));
      this.handles[which] = handle;
    }
    this.note = element("div", { class: "panosc-note" });
    this.stage = element("div", { class: "panosc-histogram" }, this.canvas, this.handles.low, this.handles.high);
    this.box = element("div", { class: "panosc-panel", role: "group", "aria-label": "Histogram", hidden: "" }, this.stage, this.note);
  }

  toggle(on) {
    this.box.hidden = !on;
    if (on) this.refresh();
  }

  /** Ask for the counts of the frame that is shown. */
  refresh() {
    if (this.box.hidden || !this.plot.answer) return;
    const scale = this.plot.model.get("scale");
    this.plot.questions.ask({ kind: "histogram", frame: this.plot.answer.frame, scale }, (answer) => {
      this.counts = answer.kind === "error" ? null : answer;
      this.note.textContent = answer.kind === "error" ? `${answer.message} ${answer.hint}` : "";
      this.draw();
    });
  }

  /** The values at both sides: all that occur, and the limits. */
  span() {
    const { low, high, scale, gamma } = this.plot.colouring();
    const edges = this.counts?.edges;
    let [first, last] = edges ? [edges[0], edges[edges.length - 1]] : [low, high];
    if (scale === "log" && first <= 0) first = edges.find((edge) => edge > 0) / 2;
    if (scale === "sqrt") first = Math.max(0, first);
    return { first: Math.min(first, low), last: Math.max(last, high), scale: scale === "gamma" ? "linear" : scale, gamma };
  }

  draw() {
    if (this.box.hidden) return;
    const width = this.stage.clientWidth;
    const { context } = this.plot.painter.prepared(this.canvas, width, HIST_HEIGHT);
    const theme = this.plot.painter.theme();
    const { first, last, scale } = this.span();
    const place = (value) => fraction(value, first, last, scale) * width;
    const { low, high } = this.plot.colouring();
    const lut = this.plot.lut();
    for (let x = 0; x < width; x++) {
      const value = valueAtFraction((x + 0.5) / width, first, last, scale);
      const part = fraction(value, low, high, this.plot.model.get("scale"), this.plot.model.get("gamma"));
      context.fillStyle = colourOf(lut, Math.min(255, Math.max(0, Math.floor(part * 256) || 0)));
      context.fillRect(x, HIST_HEIGHT - 10, 1.5, 10);
    }
    if (this.counts) this.bars(context, place, theme);
    for (const [which, value] of [["low", low], ["high", high]]) {
      const at = Math.min(width, Math.max(0, place(value)));
      const handle = this.handles[which];
      handle.style.left = `${at}px`;
      handle.setAttribute("aria-valuenow", String(Number(value.toPrecision(6))));
      handle.setAttribute("aria-valuemin", String(first));
      handle.setAttribute("aria-valuemax", String(last));
      handle.setAttribute("aria-valuetext", `${formatNumber(value)} ${this.plot.model.get("units")}`.trim());
      handle.title = formatNumber(value);
    }
  }

  bars(context, place, theme) {
    const { counts, edges } = this.counts;
    const most = Math.log1p(Math.max(...counts));
    const room = HIST_HEIGHT - 12;
    context.fillStyle = theme.muted;
    for (let i = 0; i < counts.length; i++) {
      const [left, right] = [Math.max(0, place(edges[i]) || 0), place(edges[i + 1])];
      const height = most ? (Math.log1p(counts[i]) / most) * room : 0;
      context.fillRect(left, room - height, Math.max(1, right - left), height);
    }
  }

  valueAt(x) {
    const { first, last, scale } = this.span();
    return valueAtFraction(Math.min(1, Math.max(0, x / this.stage.clientWidth)), first, last, scale);
  }

  grab(event, which) {
    this.handles[which].setPointerCapture(event.pointerId);
    event.preventDefault();
    this.handles[which].focus();
  }

  drag(event, which) {
    if (!this.handles[which].hasPointerCapture(event.pointerId)) return;
    this.move(which, this.valueAt(event.clientX - this.stage.getBoundingClientRect().left));
  }

  key(event, which) {
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -20, PageUp: 20 }[event.key];
    if (!step) return;
    event.preventDefault();
    const { first, last, scale } = this.span();
    const now = fraction(this.plot.colouring()[which], first, last, scale);
    this.move(which, valueAtFraction(Math.min(1, Math.max(0, now + step / STEPS)), first, last, scale));
  }

  move(which, value) {
    const { low, high } = this.plot.colouring();
    if (which === "low" ? value >= high : value <= low) return;
    this.change(which, Number(value.toPrecision(7)));
  }
}
