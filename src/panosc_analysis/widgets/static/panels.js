// Small plots and numbers below the picture: profiles, statistics of a region, its curve over the stack.

import { drawAxes } from "./axes.js";
import { button, element } from "./controls.js";
import { curveColour, drawCurve, rangeOf } from "./curve.js";
import { scaled } from "./scales.js";

const CHART_HEIGHT = 190;

/** A line chart of its own: show({x, y}, x label, y label). */
export class Chart {
  constructor(plot, title) {
    this.plot = plot;
    this.title = title;
    this.canvas = element("canvas", { role: "img", "aria-label": title });
    this.box = element("figure", { class: "panosc-chart" }, element("figcaption", {}, title), this.canvas);
  }

  show(curve, xLabel, yLabel) {
    Object.assign(this, { curve, xLabel, yLabel });
    this.draw();
  }

  draw() {
    const width = this.box.clientWidth;
    if (!this.curve || !width) return;
    const { context } = this.plot.painter.prepared(this.canvas, width, CHART_HEIGHT);
    const theme = this.plot.painter.theme();
    const box = { left: 68, top: 8, width: Math.max(60, width - 80), height: CHART_HEIGHT - 54 };
    const scale = this.plot.model.get("scale") === "log" ? "log" : "linear";
    const x = { ...scaled(rangeOf(this.curve.x, "linear"), "linear", box.left, box.width, false), label: this.xLabel };
    const y = { ...scaled(rangeOf(this.curve.y, scale), scale, box.top, box.height, true), label: this.yLabel };
    drawAxes(context, box, x, y, theme, true);
    drawCurve(context, box, this.curve, x, y, curveColour(0, theme));
  }
}

const NAMES = {
  pixels: "Pixels", masked: "Masked", sum: "Sum", mean: "Mean", std: "σ", median: "Median", min: "Lowest", max: "Highest",
  centroid: "Centre of mass", highest: "Highest at",
};

/** What the line, box or region on the image says. */
export class Results {
  constructor(plot) {
    this.plot = plot;
    this.box = element("div", { class: "panosc-panel panosc-results", role: "region", "aria-label": "Results", hidden: "" });
  }

  clear() {
    clearTimeout(this.timer);
    this.charts = [];
    this.box.hidden = true;
    this.box.replaceChildren();
    this.shown = "";
  }

  draw() {
    for (const chart of this.charts ?? []) chart.draw();
  }

  /** Ask the kernel about the shapes on the image again. */
  refresh(shape) {
    if (!shape) return this.clear();
    const frame = this.plot.answer?.frame;
    if (frame === undefined) return undefined;
    if (shape.kind === "line" || shape.kind === "box") {
      const request = { kind: "profile", shape: shape.kind, frame, points: shape.points, width: shape.width ?? 1 };
      return this.plot.questions.ask(request, (answer) => this.profile(answer));
    }
    return this.plot.questions.ask({ kind: "region", frame, region: shape }, (answer) => this.region(answer, shape));
  }

  layOut(kind, build) {
    this.box.hidden = false;
    if (this.shown === kind) return;
    this.shown = kind;
    this.charts = [];
    this.box.replaceChildren(...build());
  }

  fail(answer) {
    this.layOut("error", () => [element("p", { role: "alert" }, `${answer.message} ${answer.hint}`)]);
    this.shown = "";
  }

  profile(answer) {
    if (answer.kind === "error") return this.fail(answer);
    const titles = answer.shape === "box" ? ["Mean along the columns", "Mean along the rows"] : ["Profile"];
    this.layOut(answer.shape, () => {
      this.charts = titles.map((title) => new Chart(this.plot, title));
      return this.charts.map((chart) => chart.box);
    });
    return this.charts.forEach((chart, i) => {
      const [label, units] = answer.axes[i];
      chart.show({ x: answer[`x${i}`], y: answer[`y${i}`] }, units ? `${label} (${units})` : label, this.plot.facts.value_label);
    });
  }

  region(answer, shape) {
    if (answer.kind === "error") return this.fail(answer);
    this.layOut("region", () => {
      this.table = element("dl", { class: "panosc-numbers" });
      if (this.plot.model.get("n_frames") < 2) return [this.table];
      this.stack = new Chart(this.plot, "Mean over the stack");
      this.progress = element("span", { class: "panosc-note", role: "status" });
      this.start = button("Curve over the stack", () => this.toggleStack());
      this.stack.box.hidden = true;
      this.charts = [this.stack];
      return [this.table, element("div", { class: "panosc-controls" }, this.start, this.progress), this.stack.box];
    });
    this.shape = shape;
    const rows = Object.entries(NAMES).filter(([name]) => name in answer.texts);
    return this.table.replaceChildren(
      ...rows.map(([name, text]) => element("div", {}, element("dt", {}, text), element("dd", {}, answer.texts[name]))),
    );
  }

  toggleStack() {
    const action = this.isRunning ? "stop" : "start";
    this.askStack(action);
  }

  askStack(action) {
    const message = { kind: "stack", action, ...(action === "start" ? { region: this.shape } : {}) };
    this.plot.questions.ask(message, (answer) => this.showStack(answer));
  }

  showStack(answer) {
    if (answer.kind === "error") return this.fail(answer);
    if (this.shown !== "region") return undefined;
    this.isRunning = answer.running;
    this.start.textContent = answer.running ? "Stop" : "Curve over the stack";
    const count = `${answer.done} of ${answer.total} frames`;
    this.progress.textContent = answer.error || (answer.done < answer.total ? count : "");
    this.stack.box.hidden = false;
    const [label, units] = answer.axes[0];
    this.stack.show({ x: answer.x0, y: answer.y0 }, units ? `${label} (${units})` : label, this.plot.facts.value_label);
    if (answer.running) this.timer = setTimeout(() => this.askStack("look"), 250);
    return undefined;
  }
}
