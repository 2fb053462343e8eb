// What of the data is in view, and where it lies on the canvas.

import { rangeOf, rangeOfAll } from "./curve.js";
import { ends, indexAt, scaled } from "./scales.js";

const MARGIN = 0.15; // of the view, fetched around it
const VIEW_SETTLES = 120; // ms without a move until the part in view is asked for

export class Viewport {
  constructor(plot) {
    this.plot = plot;
    this.view = null;
  }

  remove() {
    clearTimeout(this.timer);
  }

  /** Rows and columns in view with a margin, or null for all of them. */
  part() {
    if (!this.view || this.plot.kind !== "image") return null;
    const side = (axis, [low, high]) => {
      const margin = (high - low) * MARGIN;
      const indices = [indexAt(axis, low - margin), indexAt(axis, high + margin)].sort((a, b) => a - b);
      return [indices[0], indices[1] + 1];
    };
    return [...side(this.plot.axes.y, this.view.y), ...side(this.plot.axes.x, this.view.x)];
  }

  /** Both axes: where a value lies on the canvas, and back. Numbers rise to the right and upwards. */
  scales() {
    const { plot, view } = this;
    const box = plot.size.plot;
    const spans = view ?? this.all();
    const [xScale, yScale] = plot.kind === "curve" ? [plot.get("x_scale"), this.valueScale()] : ["linear", "linear"];
    const x = scaled(spans.x, xScale, box.left, box.width, false);
    const y = scaled(spans.y, yScale, box.top, box.height, plot.get("origin") !== "upper" || !plot.isImage);
    x.label = plot.facts.x_label;
    y.label = plot.facts.y_label;
    return { x, y };
  }

  valueScale() {
    return this.plot.get("scale") === "log" ? "log" : "linear";
  }

  /** The values at both ends of both axes when all is in view. */
  all() {
    const { axes, curves, isImage, kind } = this.plot;
    if (isImage) return { x: ends(axes.x), y: ends(axes.y) };
    if (kind === "scatter") return { x: rangeOf(axes.x, "linear"), y: rangeOf(axes.y, "linear") };
    if (!curves.length) return { x: [0, 1], y: [0, 1] };
    return { x: rangeOfAll(curves, "x", this.plot.get("x_scale")), y: rangeOfAll(curves, "y", this.valueScale()) };
  }

  /** Look at a part: {x: [low, high], y: [low, high]}, or null for all. */
  set(view) {
    const { plot } = this;
    this.view = view && plot.isImage ? this.bounded(view) : view;
    if (plot.size) plot.scales = this.scales();
    plot.painter.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      plot.ask();
      plot.save({ _part: this.part() ?? [] });
    }, VIEW_SETTLES);
  }

  /** Not further out than all, and with the pixels' shape kept. */
  bounded(view) {
    const all = this.all();
    const isEqual = this.plot.facts.square && this.plot.get("aspect") !== "fill";
    const part = (which) => (view[which][1] - view[which][0]) / (all[which][1] - all[which][0]);
    if (part("x") >= 1 && part("y") >= 1) return null;
    const common = isEqual ? Math.max(part("x"), part("y")) : null;
    const side = (which) => {
      const [low, high] = all[which];
      const width = Math.min(1, common ?? part(which)) * (high - low);
      const middle = (view[which][0] + view[which][1]) / 2;
      const start = Math.min(high - width, Math.max(low, middle - width / 2));
      return [start, start + width];
    };
    return { x: side("x"), y: side("y") };
  }

  /** Whether indices rise to the left, or downwards. */
  isFlipped(which) {
    const values = this.plot.axes[which];
    const falls = values[0] > values[values.length - 1];
    return which === "y" && this.plot.get("origin") === "upper" ? !falls : falls;
  }

  /** Row and column in the middle of what is in view. */
  middle() {
    const { axes, scales, size } = this.plot;
    const { left, top, width, height } = size.plot;
    return [indexAt(axes.y, scales.y.back(top + height / 2)), indexAt(axes.x, scales.x.back(left + width / 2))];
  }
}
