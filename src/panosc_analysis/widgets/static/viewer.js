// The viewer: a plot with its controls, a table or a text, built anew when something else is shown.

import { amount, button, check, choice, element, labelled, limit, switches } from "./controls.js";
import { Questions } from "./flow.js";
import { takeMenu } from "./menu.js";
import { FOLLOW, Plot } from "./plot.js";
import { unpacked } from "./scales.js";
import { Table } from "./table.js";

const SCALE_NAMES = { linear: "Linear", log: "Logarithmic", sqrt: "Square root", arcsinh: "Arcsinh", gamma: "Gamma" };
const LIMIT_NAMES = { auto: "Percentiles", minmax: "Full range", stddev3: "Mean ± 3 σ", fixed: "Fixed" };
const ASPECTS = { auto: "Automatic", equal: "Square pixels", fill: "Fill" };
const ORIGINS = { lower: "Upwards", upper: "Downwards" };
const TOOL_NAMES = [
  ["move", "Move", "Drag to move, wheel or plus and minus to zoom, Shift and drag to zoom into a box"],
  ["line", "Line", "Profile along a line"],
  ["box", "Box", "Mean profiles across a box"],
  ["rectangle", "Rectangle", "Region: rectangle"],
  ["ellipse", "Ellipse", "Region: ellipse"],
  ["polygon", "Polygon", "Region: click the corners, double-click the last"],
  ["annulus", "Annulus", "Region: ring"],
];
const SPEEDS = [5, 15, 30, 60];

function render({ model, el }) {
  const attributes = { class: "panosc-viewer", role: "group" };
  const root = element("div", { ...attributes, "aria-label": model.get("title") || "Plot" });
  el.append(root);
  let shown = build(model, root);
  const rebuild = () => {
    const before = shown;
    before.remove();
    root.replaceChildren();
    shown = build(model, root);
    // The same frame shape and a part that is still meant: the file has grown, and she looks on where she looked.
    const isSame = String(before.facts?.frame_shape) === String(shown.facts?.frame_shape) && model.get("_part").length;
    if (isSame && before.viewport?.view && shown.viewport) shown.viewport.set(before.viewport.view);
  };
  const receive = (message, buffers) => shown.message(message, buffers, unpacked);
  model.on("change:_revision", rebuild);
  model.on("msg:custom", receive);
  return () => {
    model.off("change:_revision", rebuild);
    model.off("msg:custom", receive);
    shown.remove();
  };
}

function build(model, root) {
  const kind = model.get("kind");
  if (kind === "text" || kind === "table") return new PageView(model, root);
  return new Plot(model, root, (plot) => controlsOf(model, plot));
}

function heading(model) {
  const title = model.get("title");
  return title ? [element("div", { class: "panosc-title", title, dir: "auto" }, title)] : [];
}

function remarksOf(model) {
  const { remarks } = model.get("_facts");
  if (!remarks.length) return [];
  const summary = remarks.length === 1 ? "1 remark about these data" : `${remarks.length} remarks about these data`;
  const list = element("ul", {}, ...remarks.map((remark) => element("li", {}, remark)));
  return [element("details", { class: "panosc-remarks" }, element("summary", {}, summary), list)];
}

/** A text or a table. A text may follow the file, where there may be something to draw later. */
class PageView {
  constructor(model, root) {
    Object.assign(this, { model, listeners: [] });
    const label = model.get("label");
    const parts = label ? [element("div", { class: "panosc-name" }, label)] : [];
    this.questions = new Questions((message) => model.send(message));
    if (model.get("kind") === "table") parts.push(new Table(model, this.questions).box, takeMenu(model, this.questions).box);
    else parts.push(element("div", { class: "panosc-text", dir: "auto" }, model.get("_facts").text));
    root.append(...heading(model), ...parts, ...this.following(), ...remarksOf(model));
  }

  following() {
    const { model } = this;
    if (model.get("kind") !== "text" || !model.get("_facts").can_follow) return [];
    this.again = () => {
      clearTimeout(this.timer);
      const later = () => this.again && (this.timer = setTimeout(this.again, FOLLOW));
      if (model.get("follow")) this.questions.ask({ kind: "refresh" }, later);
    };
    const listen = (event, told) => {
      model.on(event, told);
      this.listeners.push([event, told]);
    };
    const box = check(model, "follow", "Follow the file", listen);
    listen("change:follow", this.again);
    this.again();
    return [element("div", { class: "panosc-controls" }, box)];
  }

  message(message, buffers, unpack) {
    this.questions.receive(unpack(message, buffers));
  }

  remove() {
    this.again = null;
    clearTimeout(this.timer);
    for (const [event, told] of this.listeners) this.model.off(event, told);
  }
}

function controlsOf(model, plot) {
  const listen = (event, callback) => plot.listen(event, callback);
  const above = [...heading(model)];
  if (plot.kind === "image" || plot.kind === "scatter") above.push(colourControls(model, plot, listen));
  if (plot.kind === "curve") above.push(curveControls(model, listen));
  if (plot.kind === "image") above.push(toolControls(plot));
  const under = [more(model, plot, listen), takeMenu(model, plot.questions).box, ...remarksOf(model)];
  return { above, under };
}

function curveControls(model, listen) {
  const scales = ["linear", "log"].map((name) => [name, SCALE_NAMES[name]]);
  const choices = [choice(model, "scale", "Values", scales, listen), choice(model, "x_scale", "Axis", scales, listen)];
  return element("div", { class: "panosc-controls" }, ...choices);
}

function colourControls(model, plot, listen) {
  plot.low = limit("from", (value) => plot.fix("low", value));
  plot.high = limit("to", (value) => plot.fix("high", value));
  const gamma = amount(model, "gamma", "γ", { min: 0.01, max: 100, step: 0.05 }, listen);
  const follow = () => (gamma.hidden = model.get("scale") !== "gamma");
  listen("change:scale", follow);
  follow();
  const names = plot.facts.colormaps.map((name) => [name, name]);
  const limits = choice(model, "limits", "Limits", Object.entries(LIMIT_NAMES), listen);
  // "Fixed" keeps what is shown now.
  limits.querySelector("select").addEventListener("change", (event) => {
    if (event.target.value === "fixed" && model.get("low") === null) plot.fix("low", plot.answer?.limits[model.get("scale")].auto[0] ?? 0);
  });
  return element(
    "div",
    { class: "panosc-controls" },
    choice(model, "colormap", "Colours", names, listen),
    choice(model, "scale", "Scale", Object.entries(SCALE_NAMES), listen),
    gamma,
    limits,
    element("span", { class: "panosc-range" }, plot.low.box, plot.high.box),
  );
}

function toolControls(plot) {
  const width = element("input", { type: "number", class: "panosc-amount", min: 1, max: 1000, step: 1, value: 1 });
  const widthBox = labelled("Width", width);
  width.addEventListener("change", () => {
    plot.lineWidth = Math.min(1000, Math.max(1, Math.round(width.valueAsNumber) || 1));
    const { shape } = plot.drawn;
    if (shape?.kind === "line") plot.drawn.set({ ...shape, width: plot.lineWidth });
  });
  const remove = button("Remove", () => plot.drawn.set(null), { title: "Remove the line, box or region" });
  const choose = (tool) => {
    plot.tools.choose(tool);
    widthBox.hidden = tool !== "line";
  };
  widthBox.hidden = true;
  const tools = switches("Tool", TOOL_NAMES, "move", choose);
  plot.drawn.finished = () => {
    tools.show("move");
    plot.tools.choose("move");
  };
  const histogram = button("Histogram", () => {
    const isOpen = histogram.getAttribute("aria-pressed") === "true";
    histogram.setAttribute("aria-pressed", String(!isOpen));
    plot.histogram.toggle(!isOpen);
  }, { "aria-pressed": "false" });
  return element("div", { class: "panosc-controls" }, tools.box, widthBox, remove, histogram);
}

/** What is needed seldom, behind one line. */
function more(model, plot, listen) {
  const parts = [];
  if (plot.isImage) {
    parts.push(choice(model, "aspect", "Shape", Object.entries(ASPECTS), listen));
    parts.push(choice(model, "origin", "Rows", Object.entries(ORIGINS), listen));
  }
  if (plot.kind === "image") {
    parts.push(check(model, "use_mask", "Mask", listen));
    parts.push(amount(model, "contours", "Contours", { min: 0, max: 20, step: 1 }, listen));
    parts.push(geometryCheck(plot));
  }
  const { dimensions, can_follow: canFollow } = plot.facts;
  if (dimensions.length > (plot.kind === "curve" ? 1 : 0)) parts.push(...axisChoices(model, plot, dimensions));
  if (canFollow) parts.push(check(model, "follow", "Follow the file", listen));
  if (plot.model.get("n_frames") > 1) parts.push(speedChoice(plot));
  parts.push(button("Show all", () => plot.viewport.set(null)));
  return element("details", { class: "panosc-more" }, element("summary", {}, "More"), element("div", { class: "panosc-controls" }, ...parts));
}

function geometryCheck(plot) {
  const box = element("input", { type: "checkbox" });
  box.addEventListener("change", () => (plot.withGeometry = box.checked));
  const title = "Scattering vector and angle under the cursor, where the file tells where its detector is";
  return element("label", { class: "panosc-control", title }, box, element("span", {}, "q and 2θ"));
}

function speedChoice(plot) {
  const select = element("select", {}, ...SPEEDS.map((speed) => element("option", { value: speed }, `${speed} frames/s`)));
  select.value = 15;
  select.addEventListener("change", () => (plot.framesPerSecond = Number(select.value)));
  return labelled("Play", select);
}

/** Which dimension runs to the right and which upwards; `order` lists stored dimensions, those drawn last. */
function axisChoices(model, plot, dimensions) {
  const order = model.get("order");
  const names = order.map((stored, i) => [String(stored), dimensions[i].label]);
  const swap = (position, stored) => {
    const next = [...order];
    const other = next.indexOf(stored);
    [next[position], next[other]] = [next[other], next[position]];
    model.set("order", next);
    model.save_changes();
  };
  const made = (text, position) => {
    const select = element("select", {}, ...names.map(([value, name]) => element("option", { value }, name)));
    select.value = String(order[position]);
    select.addEventListener("change", () => swap(position, Number(select.value)));
    return labelled(text, select);
  };
  const last = order.length - 1;
  if (plot.kind === "curve") return [made("Along", last)];
  return [made("To the right", last), made("Upwards", last - 1), button("Transpose", () => swap(last, order[last - 1]))];
}

export default { render };
