// What the pointer and the keys do on the plot: move and zoom, or draw a line, a box, a region.

import { indexOfValue } from "./scales.js";
import { SHAPES, gripAt, moved } from "./shapes.js";

const WHEEL = 1.25;

export class Tools {
  constructor(plot) {
    this.plot = plot;
    this.tool = "move";
    this.drawing = null;
    this.hold = null;
    const { canvas } = plot;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("dblclick", () => this.double());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  choose(tool) {
    this.tool = tool;
    this.drawing = null;
    this.plot.canvas.style.cursor = tool === "move" ? "" : "copy";
    this.plot.painter.overlay();
  }

  indexAt([px, py]) {
    const { axes, scales } = this.plot;
    return [indexOfValue(axes.y, scales.y.back(py)), indexOfValue(axes.x, scales.x.back(px))];
  }

  down(event) {
    if (event.button !== 0 || !this.plot.answer) return;
    const place = this.plot.pixelOf(event);
    if (!this.plot.isInside(place)) return;
    this.plot.canvas.setPointerCapture(event.pointerId);
    if (this.tool === "polygon" || this.drawing) {
      this.addPoint(this.indexAt(place));
      return;
    }
    const { shape } = this.plot.drawn;
    const grip = this.plot.isImage && shape ? gripAt(shape, this.plot.placeOf, place) : null;
    if (grip !== null) this.hold = { kind: "shape", grip, at: this.indexAt(place), shape };
    else if (this.tool !== "move") {
      const start = this.indexAt(place);
      this.hold = { kind: "new", start };
    } else this.hold = { kind: event.shiftKey ? "zoom" : "pan", at: place };
  }

  drag(event) {
    if (!this.hold) {
      if (this.drawing) this.hover(event);
      return;
    }
    const place = this.plot.pixelOf(event);
    if (this.hold.kind === "pan") this.pan(place);
    else if (this.hold.kind === "zoom") this.plot.painter.overlay({ from: this.hold.at, to: place });
    else if (this.hold.kind === "new") this.plot.drawn.set(this.started(this.hold.start, this.indexAt(place)));
    else {
      const [row, column] = this.indexAt(place);
      const by = [row - this.hold.at[0], column - this.hold.at[1]];
      this.plot.drawn.set(moved(this.hold.shape, this.hold.grip, by));
    }
  }

  up(event) {
    const { hold } = this;
    this.hold = null;
    if (hold?.kind === "zoom") this.zoomTo(hold.at, this.plot.pixelOf(event));
    if (hold?.kind === "new" && String(this.indexAt(this.plot.pixelOf(event))) !== String(hold.start)) this.plot.drawn.finished();
  }

  /** A new shape of the tool between two places. */
  started(start, end) {
    const width = this.tool === "line" ? { width: this.plot.lineWidth } : {};
    if (this.tool !== "annulus") return { kind: this.tool, points: [start, end], ...width };
    const inner = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
    return { kind: "annulus", points: [start, end, inner] };
  }

  hover(event) {
    const end = this.indexAt(this.plot.pixelOf(event));
    this.plot.painter.overlay({ open: { ...this.drawing, points: [...this.drawing.points, end] } });
  }

  /** One more corner of a polygon, or an end of a shape that is drawn with the keyboard. */
  addPoint(point) {
    this.drawing ??= { kind: this.tool, points: [] };
    this.drawing.points.push(point);
    const { most } = SHAPES[this.drawing.kind];
    if (this.drawing.kind !== "polygon" && this.drawing.points.length >= Math.min(2, most)) this.close();
    else this.plot.painter.overlay({ open: this.drawing });
  }

  close() {
    const { drawing } = this;
    if (!drawing || drawing.points.length < Math.min(SHAPES[drawing.kind].least, drawing.kind === "polygon" ? 3 : 2)) return;
    this.drawing = null;
    this.plot.drawn.set(drawing.kind === "polygon" ? drawing : this.started(...drawing.points));
    this.plot.drawn.finished();
  }

  double() {
    if (this.drawing?.kind === "polygon") {
      this.drawing.points.pop(); // the second click of the two
      this.close();
    } else if (this.tool === "move") this.plot.viewport.set(null);
  }

  // ---- where to look -------------------------------------------------------------------------------------------

  wheel(event) {
    // A page that is scrolled must not stop at every plot: only a plot that has the focus zooms.
    if (document.activeElement !== this.plot.canvas && !event.ctrlKey) return;
    const place = this.plot.pixelOf(event);
    if (!this.plot.isInside(place)) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1 / WHEEL : WHEEL, place);
  }

  /** Show `factor` times as much as now about a pixel. */
  zoom(factor, [px, py]) {
    const { plot } = this.plot.size;
    const side = (scale, start, length, at) => {
      const [first, last] = [at - (at - start) * factor, at + (start + length - at) * factor];
      return [scale.back(first), scale.back(last)].sort((a, b) => a - b);
    };
    const { x, y } = this.plot.scales;
    this.plot.viewport.set({ x: side(x, plot.left, plot.width, px), y: side(y, plot.top, plot.height, py) });
  }

  zoomTo([x0, y0], [x1, y1]) {
    if (Math.abs(x1 - x0) < 4 || Math.abs(y1 - y0) < 4) {
      this.plot.painter.overlay();
      return;
    }
    const { x, y } = this.plot.scales;
    const sorted = (scale, a, b) => [scale.back(a), scale.back(b)].sort((low, high) => low - high);
    this.plot.viewport.set({ x: sorted(x, x0, x1), y: sorted(y, y0, y1) });
  }

  pan([px, py]) {
    const { at } = this.hold;
    this.shift(at[0] - px, at[1] - py);
    this.hold.at = [px, py];
  }

  shift(across, down) {
    if (!this.plot.viewport.view) return;
    const { plot } = this.plot.size;
    const { x, y } = this.plot.scales;
    const side = (scale, start, length, by) => [scale.back(start + by), scale.back(start + length + by)].sort((a, b) => a - b);
    this.plot.viewport.set({ x: side(x, plot.left, plot.width, across), y: side(y, plot.top, plot.height, down) });
  }

  // ---- keys ----------------------------------------------------------------------------------------------------

  key(event) {
    const { plot } = this.plot.size;
    if (event.altKey && event.key.startsWith("Arrow")) {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      event.preventDefault();
      this.shift((move[0] * plot.width) / 8, (move[1] * plot.height) / 8);
      return;
    }
    if (this.plot.cursor.key(event)) {
      if (this.drawing && this.plot.cursor.index) {
        this.plot.painter.overlay({ open: { ...this.drawing, points: [...this.drawing.points, this.plot.cursor.index] } });
      }
      return;
    }
    const about = this.plot.cursorPixel() ?? [plot.left + plot.width / 2, plot.top + plot.height / 2];
    const actions = {
      "+": () => this.zoom(1 / WHEEL, about),
      "=": () => this.zoom(1 / WHEEL, about),
      "-": () => this.zoom(WHEEL, about),
      0: () => this.plot.viewport.set(null),
      Enter: () => this.enter(),
      Escape: () => this.escape(),
      Delete: () => this.plot.drawn.set(null),
      "[": () => this.plot.step(-1),
      "]": () => this.plot.step(1),
    };
    if (!(event.key in actions) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    actions[event.key]();
  }

  enter() {
    const { index } = this.plot.cursor;
    if (this.tool === "move" || !index) return;
    const last = this.drawing?.points.at(-1);
    if (this.drawing?.kind === "polygon" && String(last) === String(index)) this.close();
    else this.addPoint(index);
  }

  escape() {
    this.drawing = null;
    this.plot.painter.overlay();
  }
}
