// The viewer: draws what the kernel sends, asks for the next frame, says what is under the cursor.

import { choice, element, limit, player } from "./controls.js";
import { drawAxes, layOut } from "./axes.js";
import { Cursor } from "./cursor.js";
import { drawBar, drawPicture, drawPoints } from "./picture.js";
import { drawCurve, rangeOf } from "./curve.js";
import { Flow } from "./flow.js";
import { doubles, ends, scaled, themeOf, unpacked } from "./scales.js";

const SCALES = { linear: "Linear", log: "Logarithmic", sqrt: "Square root" };
const LIMITS = { auto: "Automatic", minmax: "Full range", fixed: "Fixed" };
const PLAY_INTERVAL = 80; // ms between two frames at least

function render({ model, el }) {
  const viewer = model.get("kind") === "text" ? new TextView(model, el) : new PlotView(model, el);
  return () => viewer.remove();
}

function heading(model) {
  const title = model.get("title");
  return title ? [element("div", { class: "panosc-title", title, dir: "auto" }, title)] : [];
}

function remarksOf(model) {
  const remarks = model.get("remarks");
  if (!remarks.length) return [];
  const summary = remarks.length === 1 ? "1 remark about these data" : `${remarks.length} remarks about these data`;
  const list = element("ul", {}, ...remarks.map((remark) => element("li", {}, remark)));
  return [element("details", { class: "panosc-remarks" }, element("summary", {}, summary), list)];
}

class TextView {
  constructor(model, el) {
    const label = model.get("label");
    const parts = label ? [element("div", { class: "panosc-name" }, label)] : [];
    parts.push(element("div", { class: "panosc-text", dir: "auto" }, model.get("text")));
    el.append(element("div", { class: "panosc-viewer" }, ...heading(model), ...parts, ...remarksOf(model)));
  }

  remove() {}
}

class PlotView {
  constructor(model, el) {
    this.model = model;
    this.kind = model.get("kind");
    this.listeners = [];
    this.axes = { x: doubles(model.get("_x")), y: doubles(model.get("_y")) };
    this.answer = null;
    this.build(el);
    this.flow = new Flow(
      (request) => model.send(request),
      (answer) => this.receive(answer),
      (state) => this.say(state),
    );
    this.listen("msg:custom", (message, buffers) => this.message(message, buffers));
    for (const trait of ["frame", "scale", "limits", "low", "high"]) this.listen(`change:${trait}`, () => this.ask());
    for (const trait of ["colormap", "x_scale", "origin"]) this.listen(`change:${trait}`, () => this.draw());
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.stage);
    this.theme = new MutationObserver(() => this.draw());
    this.theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light", "class"] });
    this.resize();
    this.ask();
  }

  listen(event, callback) {
    this.model.on(event, callback);
    this.listeners.push([event, callback]);
  }

  remove() {
    for (const [event, callback] of this.listeners) this.model.off(event, callback);
    this.resizing.disconnect();
    this.theme.disconnect();
    this.flow.stop();
    clearTimeout(this.playTimer);
    clearTimeout(this.loadTimer);
    clearTimeout(this.sizeTimer);
  }

  // ---- what the person sees -------------------------------------------------------------------------------------

  build(el) {
    const { model } = this;
    this.canvas = element("canvas", { tabindex: 0, role: "img", "aria-label": this.description() });
    this.overlay = element("canvas", { class: "panosc-overlay", "aria-hidden": "true" });
    this.notice = element("div", { class: "panosc-notice", role: "alert", hidden: "" });
    this.waiting = element("div", { class: "panosc-waiting", role: "status", hidden: "" });
    this.stage = element("div", { class: "panosc-stage" }, this.canvas, this.overlay, this.waiting, this.notice);
    this.readout = element("div", { class: "panosc-readout", role: "status" }, "\u00a0");
    this.legend = element("div", { class: "panosc-legend" }, "\u00a0");
    const below = element("div", { class: "panosc-below" }, this.readout, this.legend);
    const parts = [...heading(model), this.controls(), this.stage, below];
    if (model.get("n_frames") > 1) {
      this.player = player(model, (event, callback) => this.listen(event, callback), (frame) => this.go(frame));
      parts.push(this.player.box);
    }
    // Lumino would take the arrow keys for the notebook otherwise.
    const attributes = { class: "panosc-viewer", role: "group" };
    this.root = element("div", { ...attributes, "aria-label": model.get("title") || "Plot" }, ...parts, ...remarksOf(model));
    el.append(this.root);
    this.cursor = new Cursor(this);
  }

  description() {
    const { model } = this;
    const what = { image: "Image", curve: "Curve", scatter: "Points" }[this.kind];
    const name = model.get("value_label");
    const axes = `${model.get("x_label")} to the right, ${model.get("y_label")} upwards`;
    return `${what} of ${name || "values"}; ${axes}. The arrow keys move the cursor; its value is read below.`;
  }

  controls() {
    const { model } = this;
    const listen = (event, callback) => this.listen(event, callback);
    const scales = Object.entries(SCALES).filter(([name]) => this.kind !== "curve" || name !== "sqrt");
    if (this.kind === "curve") {
      return element(
        "div",
        { class: "panosc-controls" },
        choice(model, "scale", "Values", scales, listen),
        choice(model, "x_scale", "Axis", scales, listen),
      );
    }
    this.low = limit("from", (value) => this.fix("low", value));
    this.high = limit("to", (value) => this.fix("high", value));
    return element(
      "div",
      { class: "panosc-controls" },
      choice(model, "colormap", "Colours", model.get("_colormaps").map((name) => [name, name]), listen),
      choice(model, "scale", "Scale", scales, listen),
      choice(model, "limits", "Limits", Object.entries(LIMITS), listen),
      element("span", { class: "panosc-range" }, this.low.box, this.high.box),
    );
  }

  /** Keep both limits as they are, with the one that was edited. */
  fix(which, value) {
    const now = this.answer ? { low: this.answer.low, high: this.answer.high } : {};
    this.model.set({ ...now, [which]: value, limits: "fixed" });
    this.model.save_changes();
  }

  say(state) {
    clearTimeout(this.loadTimer);
    const texts = { loading: "Reading …", silent: "The kernel does not answer yet; it may be busy or stopped." };
    const show = () => {
      this.waiting.textContent = texts[state] ?? "";
      this.waiting.hidden = !(state in texts);
    };
    if (state === "loading") this.loadTimer = setTimeout(show, 150);
    else show();
  }

  // ---- frames ---------------------------------------------------------------------------------------------------

  go(frame) {
    this.model.set("frame", frame);
    this.model.save_changes();
  }

  ask() {
    if (!this.size) return;
    const get = (name) => this.model.get(name);
    const request = { kind: "frame", frame: get("frame") };
    if (this.kind !== "curve") {
      const ratio = window.devicePixelRatio || 1;
      const { width, height } = this.size.plot;
      Object.assign(request, { rows: Math.round(height * ratio), columns: Math.round(width * ratio) });
      Object.assign(request, { scale: get("scale"), limits: get("limits") });
      if (get("limits") === "fixed") {
        if (get("low") === null && get("high") === null && this.answer) {
          this.fix("low", this.answer.low); // "Fixed" was chosen: the limits stay as they are
          return;
        }
        Object.assign(request, { low: get("low"), high: get("high") });
      }
    } else {
      this.draw(); // the scale of a curve is the browser's own affair
    }
    this.flow.want(request);
  }

  message(message, buffers) {
    if (message.kind === "value") this.cursor.tell(message);
    else this.flow.receive(unpacked(message, buffers));
  }

  receive(answer) {
    this.notice.hidden = answer.kind !== "error";
    this.stage.classList.toggle("panosc-failed", answer.kind === "error");
    if (answer.kind === "error") {
      this.player?.stop();
      this.notice.replaceChildren(element("strong", {}, answer.message), element("p", {}, answer.hint));
      this.player?.show(answer.frame, "");
      return;
    }
    this.answer = answer;
    if (this.low) {
      this.low.show(answer.low);
      this.high.show(answer.high);
    }
    this.player?.show(answer.frame, answer.position);
    this.draw();
    this.tellMasked();
    this.cursor.refresh();
    clearTimeout(this.playTimer);
    this.playTimer = setTimeout(() => this.player?.advance(), PLAY_INTERVAL);
  }

  tellMasked() {
    const part = this.answer.masked;
    if (!part) {
      this.legend.textContent = "\u00a0";
      return;
    }
    const share = part < 0.001 ? "< 0.1" : (100 * part).toFixed(1);
    this.legend.replaceChildren(element("span", { class: "panosc-swatch" }), ` masked: ${share}\u202f% of the ${this.kind === "image" ? "pixels" : "points"}`);
  }

  // ---- drawing --------------------------------------------------------------------------------------------------

  resize() {
    const width = Math.floor(this.stage.clientWidth);
    if (!width || width === this.size?.width) return;
    const first = !this.size;
    this.size = { width, ...layOut(width, this.model.get("_ratio"), this.kind !== "curve") };
    this.stage.style.height = `${this.size.height}px`;
    this.draw();
    clearTimeout(this.sizeTimer);
    this.sizeTimer = setTimeout(() => this.ask(), first ? 0 : 200);
  }

  prepared(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.size;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    return { context, ratio };
  }

  draw() {
    if (!this.size) return;
    const { context, ratio } = this.prepared(this.canvas);
    const theme = themeOf(this.root);
    const { plot, bar } = this.size;
    const { x, y } = (this.scales = this.scalesNow());
    drawAxes(context, plot, x, y, theme, this.kind !== "image");
    if (this.answer) {
      const lut = this.lut();
      if (this.kind === "curve") drawCurve(context, plot, this.answer, x, y, theme);
      else if (this.kind === "scatter") drawPoints(context, plot, this.answer, [x.low, x.high, y.low, y.high], lut, theme);
      else drawPicture(context, plot, this.answer, this.axes, lut, { x: x.flipped, y: !y.flipped }, theme, ratio);
      if (bar) drawBar(context, bar, this.answer, lut, this.model.get("value_label"), theme);
    }
    this.cursor.draw(theme);
  }

  lut() {
    const names = this.model.get("_colormaps");
    const all = this.model.get("_luts");
    const at = Math.max(0, names.indexOf(this.model.get("colormap"))) * 1024;
    return new Uint32Array(all.buffer.slice(all.byteOffset + at, all.byteOffset + at + 1024));
  }

  /** Both axes: where a value lies on the canvas, and back. Numbers rise to the right and upwards. */
  scalesNow() {
    const get = (name) => this.model.get(name);
    const { plot } = this.size;
    const spans = this.spans();
    const upside = get("origin") === "upper";
    const x = scaled(spans.x, get("x_scale"), plot.left, plot.width, false);
    const y = scaled(spans.y, this.kind === "curve" ? get("scale") : "linear", plot.top, plot.height, !upside);
    x.label = get("x_label");
    y.label = get("y_label");
    x.flipped = this.axes.x.length > 0 && this.axes.x[0] > this.axes.x[this.axes.x.length - 1];
    y.flipped = this.axes.y.length > 0 && this.axes.y[0] > this.axes.y[this.axes.y.length - 1] !== upside;
    return { x, y };
  }

  spans() {
    if (this.kind === "image") return { x: ends(this.axes.x), y: ends(this.axes.y) };
    if (this.kind === "scatter") return { x: rangeOf(this.axes.x, "linear"), y: rangeOf(this.axes.y, "linear") };
    if (!this.answer) return { x: [0, 1], y: [0, 1] };
    const [xScale, scale] = [this.model.get("x_scale"), this.model.get("scale")];
    return { x: rangeOf(this.answer.x, xScale), y: rangeOf(this.answer.y, scale, this.answer.errors) };
  }
}

export default { render };
