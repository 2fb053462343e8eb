// A plot: draws what the kernel sends, asks for the next frame, says what is under the cursor.

import { drawAxes, layOut } from "./axes.js";
import { element } from "./controls.js";
import { Cursor } from "./cursor.js";
import { curveColour, curvesOf, drawCurve, rangeOf, rangeOfAll } from "./curve.js";
import { Flow, Questions } from "./flow.js";
import { Histogram } from "./histogram.js";
import { isCoarse, valueAtFraction } from "./norms.js";
import { Results } from "./panels.js";
import { drawBar, drawBehind, drawColours, drawPicture, drawPoints } from "./picture.js";
import { doubles, ends, indexAt, scaled, themeOf, valueOfIndex } from "./scales.js";
import { drawShape } from "./shapes.js";
import { Sliders } from "./sliders.js";
import { Tools } from "./tools.js";

const MARGIN = 0.15; // of the view, fetched around it
const REFINE = 120; // ms without a move until the part in view is fetched at full resolution
const FOLLOW = 2000;
const THEME_AGE = 500; // ms that the theme's colours are remembered: asking for them costs a layout

export class Plot {
  /** `controls(plot)` gives what stands above and under the plot: {above, under}. */
  constructor(model, root, controls) {
    Object.assign(this, { model, root, listeners: [], answer: null, detail: null, view: null, lineWidth: 1 });
    this.kind = model.get("kind");
    this.isImage = this.kind === "image" || this.kind === "rgb";
    this.facts = model.get("_facts");
    this.axes = { x: doubles(model.get("_x")), y: doubles(model.get("_y")) };
    this.curves = [];
    const send = (message) => model.send(message);
    this.flow = new Flow(send, (answer) => this.receive(answer), (state) => this.say(state));
    this.questions = new Questions(send);
    this.placeOf = ([row, column]) => [
      this.scales.x.place(valueOfIndex(this.axes.x, column)),
      this.scales.y.place(valueOfIndex(this.axes.y, row)),
    ];
    this.build(controls);
    this.watch();
    this.resize();
  }

  listen(event, callback) {
    this.model.on(event, callback);
    this.listeners.push([event, callback]);
  }

  watch() {
    for (const trait of ["frame", "use_mask"]) this.listen(`change:${trait}`, () => this.ask());
    for (const trait of ["scale", "gamma", "limits", "low", "high"]) this.listen(`change:${trait}`, () => this.recolour());
    for (const trait of ["colormap", "x_scale", "origin"]) this.listen(`change:${trait}`, () => this.draw());
    this.listen("change:aspect", () => this.resize(true));
    this.listen("change:contours", () => this.askContours());
    this.listen("change:_region", () => this.shapeChanged());
    this.listen("change:_profile", () => this.shapeChanged());
    this.listen("change:follow", () => this.follow());
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.stage);
    const rethemed = () => {
      this.themeKnown = null;
      this.draw();
      setTimeout(() => this.draw(), 2 * THEME_AGE); // the style sheet of a new theme may come after its name
    };
    this.themes = new MutationObserver(rethemed);
    const attributeFilter = ["data-jp-theme-name", "data-jp-theme-light", "data-theme", "class"];
    this.themes.observe(document.body, { attributes: true, attributeFilter });
    this.follow();
  }

  remove() {
    for (const [event, callback] of this.listeners) this.model.off(event, callback);
    this.resizing.disconnect();
    this.themes.disconnect();
    cancelAnimationFrame(this.drawing);
    this.flow.stop();
    this.results.clear();
    for (const timer of [this.playTimer, this.loadTimer, this.sizeTimer, this.refineTimer, this.followTimer]) clearTimeout(timer);
  }

  // ---- what the person sees -----------------------------------------------------------------------------------------

  build(controls) {
    this.canvas = element("canvas", { tabindex: 0, role: "img", "aria-label": this.description() });
    this.overlay = element("canvas", { class: "panosc-overlay", "aria-hidden": "true" });
    this.notice = element("div", { class: "panosc-notice", role: "alert", hidden: "" });
    this.waiting = element("div", { class: "panosc-waiting", role: "status", hidden: "" });
    this.stage = element("div", { class: "panosc-stage" }, this.canvas, this.overlay, this.waiting, this.notice);
    this.readout = element("div", { class: "panosc-readout", role: "status" }, "\u00a0");
    this.legend = element("div", { class: "panosc-legend" }, "\u00a0");
    const below = element("div", { class: "panosc-below" }, this.readout, this.legend);
    this.results = new Results(this);
    this.histogram = new Histogram(this, (which, value) => this.fix(which, value));
    this.tools = new Tools(this);
    this.cursor = new Cursor(this);
    const { above, under } = controls(this);
    this.root.append(...above, this.stage, below);
    if (this.model.get("n_frames") > 1) {
      this.sliders = new Sliders(this.facts.leading, this.model.get("frame"), (frame) => this.go(frame));
      this.root.append(this.sliders.box);
    }
    this.root.append(this.histogram.box, this.results.box, ...under);
  }

  description() {
    const what = { image: "Image", rgb: "Colour picture", curve: "Curve", scatter: "Points" }[this.kind];
    const { value_label: name, x_label: x, y_label: y } = this.facts;
    return `${what} of ${name || "values"}; ${x} to the right, ${y} upwards. Arrow keys move the cursor, whose value is read below; plus and minus zoom, 0 shows all, brackets step through frames.`;
  }

  /** Keep both limits as they are, with the one that was edited. */
  fix(which, value) {
    const { low, high } = this.colouring();
    this.model.set({ low, high, [which]: value, limits: "fixed" });
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

  // ---- frames ---------------------------------------------------------------------------------------------------------

  go(frame) {
    this.model.set("frame", frame);
    this.model.save_changes();
  }

  step(by) {
    const last = this.model.get("n_frames") - 1;
    const frame = Math.min(last, Math.max(0, this.model.get("frame") + by));
    if (this.sliders) this.sliders.last = { dimension: this.facts.leading.length - 1, step: by };
    this.go(frame);
  }

  request(frame, part = null) {
    const request = { kind: "frame", frame };
    if (this.kind === "curve") return request;
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.size.plot;
    Object.assign(request, { rows: Math.round(height * ratio), columns: Math.round(width * ratio) });
    if (this.kind === "image") Object.assign(request, { part, mask: this.model.get("use_mask") });
    return request;
  }

  ask() {
    if (!this.size) return;
    const frame = this.model.get("frame");
    const part = this.partInView();
    const following = (this.sliders?.following(12) ?? []).map((next) => this.request(next, part));
    if (this.sliders && this.sliders.frame !== frame) this.sliders.show(frame, "");
    this.flow.want(this.request(frame, part), following);
  }

  /** Rows and columns in view with a margin, or null for all of them. */
  partInView() {
    if (!this.view || this.kind !== "image") return null;
    const side = (axis, [low, high]) => {
      const margin = (high - low) * MARGIN;
      const indices = [indexAt(axis, low - margin), indexAt(axis, high + margin)].sort((a, b) => a - b);
      return [indices[0], indices[1] + 1];
    };
    return [...side(this.axes.y, this.view.y), ...side(this.axes.x, this.view.x)];
  }

  message(message, buffers, unpacked) {
    const answer = unpacked(message, buffers);
    if (!this.flow.receive(answer)) this.questions.receive(answer);
  }

  receive(answer) {
    this.notice.hidden = answer.kind !== "error";
    this.stage.classList.toggle("panosc-failed", answer.kind === "error");
    if (answer.kind === "error") {
      this.sliders?.play(null);
      this.notice.replaceChildren(element("strong", {}, answer.message), element("p", {}, answer.hint));
      this.sliders?.show(answer.frame, "");
      return;
    }
    const isPart = this.kind === "image" && String(answer.part) !== String(this.wholePart());
    if (!isPart) this.overview = answer;
    this.answer = answer;
    if (this.kind === "curve") this.curves = curvesOf(answer);
    if (answer.frame === this.model.get("frame")) this.sliders?.show(answer.frame, answer.position);
    this.recolour();
    this.tellMasked();
    this.settled(answer);
    clearTimeout(this.playTimer);
    this.playTimer = setTimeout(() => this.sliders?.advance(), this.interval);
  }

  get interval() {
    return 1000 / (this.framesPerSecond ?? 15);
  }

  wholePart() {
    const [rows, columns] = this.facts.frame_shape;
    return [0, rows, 0, columns];
  }

  /** What costs a question of its own waits until the frames stand still. */
  settled(answer) {
    clearTimeout(this.refineTimer);
    this.refineTimer = setTimeout(() => {
      if (this.answer !== answer) return;
      this.cursor.refresh();
      this.histogram.refresh();
      this.results.refresh(this.shape());
      this.askContours();
      this.sharpen();
    }, REFINE);
  }

  /** Ask for finer codes where the limits are closer than the codes can tell apart. */
  sharpen() {
    if (this.kind !== "image" || !isCoarse(this.answer.codec, this.colouring())) return;
    const { low, high } = this.colouring();
    this.flow.want({ ...this.request(this.answer.frame, this.partInView()), focus: [low, high] });
  }

  follow() {
    clearTimeout(this.followTimer);
    if (!this.model.get("follow")) return;
    const again = () => (this.followTimer = setTimeout(() => this.follow(), FOLLOW));
    this.questions.ask({ kind: "refresh" }, again);
  }

  tellMasked() {
    const part = this.answer.masked;
    if (this.curves.length > 1) {
      this.legend.replaceChildren(...this.curves.map((curve, i) => this.key(curve, i)));
      return;
    }
    if (!part) {
      this.legend.textContent = "\u00a0";
      return;
    }
    const share = part < 0.001 ? "< 0.1" : (100 * part).toFixed(1);
    const what = this.kind === "image" ? "pixels" : "points";
    this.legend.replaceChildren(element("span", { class: "panosc-swatch" }), ` masked: ${share}\u202f% of the ${what}`);
  }

  key(curve, i) {
    const line = element("span", { class: "panosc-key" });
    line.style.background = curveColour(i, this.theme());
    return element("span", { class: "panosc-entry" }, line, curve.label || `curve ${i}`);
  }

  // ---- colours --------------------------------------------------------------------------------------------------------

  colouring() {
    const get = (name) => this.model.get(name);
    const scale = get("scale");
    const how = get("limits");
    const found = this.answer?.limits?.[scale][how === "fixed" ? "auto" : how] ?? [0, 1];
    let [low, high] = how === "fixed" ? [get("low") ?? found[0], get("high") ?? found[1]] : found;
    if (low > high) [low, high] = [high, low];
    if (scale === "log" && !(low > 0)) low = high > 0 ? Math.min(found[0], high / 10) : found[0];
    if (scale === "log" && !(high > 0)) high = found[1];
    if (scale === "sqrt") low = Math.max(0, low);
    if (!(low < high)) high = low + (Math.abs(low) || 1);
    return { scale, gamma: get("gamma"), low, high };
  }

  recolour() {
    if (this.low) {
      const { low, high } = this.colouring();
      this.low.show(low);
      this.high.show(high);
    }
    if (this.answer) this.settled(this.answer);
    this.draw();
  }

  lut() {
    const all = this.model.get("_luts");
    const at = Math.max(0, this.facts.colormaps.indexOf(this.model.get("colormap"))) * 1024;
    return new Uint8Array(all.buffer.slice(all.byteOffset + at, all.byteOffset + at + 1024));
  }

  // ---- drawing --------------------------------------------------------------------------------------------------------

  resize(again = false) {
    const width = Math.floor(this.stage.clientWidth);
    if (!width || (width === this.size?.width && !again)) return;
    const first = !this.size;
    const aspect = this.model.get("aspect");
    const isEqual = this.isImage && (aspect === "equal" || (aspect === "auto" && this.facts.square));
    this.size = { width, ...layOut(width, isEqual ? this.facts.ratio : null, this.kind === "image" || this.kind === "scatter") };
    this.stage.style.height = `${this.size.height}px`;
    this.canvas.dataset.plot = JSON.stringify(this.size.plot);
    this.scales = this.scalesNow();
    this.draw();
    this.results.draw();
    clearTimeout(this.sizeTimer);
    if (first) this.ask();
    else this.sizeTimer = setTimeout(() => this.ask(), 200);
  }

  prepared(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    const context = canvas.getContext("2d");
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width === across && canvas.height === down) {
      context.reset();
    } else {
      Object.assign(canvas, { width: across, height: down });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    context.scale(ratio, ratio);
    context.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    return { context, ratio };
  }

  /** The theme's colours. */
  theme() {
    const now = performance.now();
    if (!this.themeKnown || now - this.themeKnown.at > THEME_AGE) this.themeKnown = { at: now, colours: themeOf(this.root) };
    return this.themeKnown.colours;
  }

  /** Draw before the next frame of the screen, once however often it is asked for. */
  draw() {
    cancelAnimationFrame(this.drawing);
    this.drawing = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    if (!this.size) return;
    this.histogram.draw();
    const { context, ratio } = this.prepared(this.canvas, this.size.width, this.size.height);
    const theme = this.theme();
    const { plot, bar } = this.size;
    const { x, y } = (this.scales = this.scalesNow());
    drawAxes(context, plot, x, y, theme, !this.isImage);
    if (this.answer) {
      this.canvas.dataset.frame = this.answer.frame;
      this.canvas.dataset.part = this.answer.part ?? "";
      this.content(context, theme, ratio);
      if (bar) drawBar(context, bar, this.lut(), this.colouring(), this.facts.value_label, theme);
    }
    this.drawOverlay();
  }

  content(context, theme, ratio) {
    const { plot } = this.size;
    const { x, y } = this.scales;
    if (this.kind === "curve") {
      this.curves.forEach((curve, i) => drawCurve(context, plot, curve, x, y, curveColour(i, theme)));
    } else if (this.kind === "scatter") {
      drawPoints(context, plot, this.answer, x, y, this.lut(), this.colouring(), theme);
    } else if (this.kind === "rgb") {
      const [left, right] = ends(this.axes.x).map((value) => x.place(value));
      const [first, last] = [this.axes.y[0], this.axes.y[this.axes.y.length - 1]].map((value) => y.place(value));
      drawColours(context, plot, this.answer, { left, top: first, width: right - left, height: last - first });
    } else {
      drawBehind(context, plot, theme, ratio);
      const sides = { x: [x.low, x.high], y: this.model.get("origin") === "upper" ? [y.low, y.high] : [y.high, y.low] };
      const isBehind = this.overview && this.overview !== this.answer && this.overview.frame === this.answer.frame;
      for (const picture of isBehind ? [this.overview, this.answer] : [this.answer]) {
        drawPicture(context, plot, picture, this.axes, sides, this.lut(), this.colouring(), ratio);
      }
      this.drawContours(context, theme);
    }
  }

  askContours() {
    const count = this.kind === "image" ? this.model.get("contours") : 0;
    const { low, high, scale, gamma } = this.colouring();
    const levels = Array.from({ length: count }, (_, i) => valueAtFraction((i + 1) / (count + 1), low, high, scale, gamma));
    const key = JSON.stringify([this.answer?.frame, levels]);
    if (!this.answer || key === this.contourKey) return;
    this.contourKey = key;
    this.contours = null;
    if (!count) {
      this.draw();
      return;
    }
    this.questions.ask({ kind: "contours", frame: this.answer.frame, levels }, (answer) => {
      this.contours = answer.kind === "error" ? null : answer;
      this.draw();
    });
  }

  drawContours(context, theme) {
    if (!this.contours || this.contours.frame !== this.answer.frame) return;
    const { plot } = this.size;
    context.save();
    context.beginPath();
    context.rect(plot.left, plot.top, plot.width, plot.height);
    context.clip();
    let at = 0;
    context.beginPath();
    for (const length of this.contours.lengths) {
      for (let i = 0; i < length; i++, at++) {
        const [px, py] = this.placeOf([this.contours.points[2 * at], this.contours.points[2 * at + 1]]);
        if (i) context.lineTo(px, py);
        else context.moveTo(px, py);
      }
    }
    for (const [colour, width] of [[theme.ink, 1.6], [theme.paper, 0.8]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
    context.restore();
  }

  /** Draw the cursor, the shape and what is being drawn: `extra` = {open} or {from, to}. */
  drawOverlay(extra = {}) {
    if (!this.size || !this.scales) return;
    const { context } = this.prepared(this.overlay, this.size.width, this.size.height);
    const theme = this.theme();
    const { plot } = this.size;
    this.cursor?.draw(context, theme);
    context.beginPath();
    context.rect(plot.left, plot.top, plot.width, plot.height);
    context.clip();
    const shape = this.shape();
    if (this.isImage && shape) drawShape(context, shape, this.placeOf, theme);
    if (extra.open) drawShape(context, extra.open, this.placeOf, theme, true);
    if (extra.from) {
      const [[x0, y0], [x1, y1]] = [extra.from, extra.to];
      context.strokeStyle = theme.brand;
      context.setLineDash([4, 3]);
      context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
    }
  }

  /** Both axes: where a value lies on the canvas, and back. Numbers rise to the right and upwards. */
  scalesNow() {
    const get = (name) => this.model.get(name);
    const { plot } = this.size;
    const spans = this.spans();
    const x = scaled(spans.x, this.kind === "curve" ? get("x_scale") : "linear", plot.left, plot.width, false);
    const yScale = this.kind === "curve" && get("scale") === "log" ? "log" : "linear";
    const y = scaled(spans.y, yScale, plot.top, plot.height, get("origin") !== "upper" || !this.isImage);
    x.label = this.facts.x_label;
    y.label = this.facts.y_label;
    return { x, y };
  }

  /** The values at both ends of both axes. */
  spans() {
    return this.view ?? this.allSpans();
  }

  allSpans() {
    if (this.isImage) return { x: ends(this.axes.x), y: ends(this.axes.y) };
    if (this.kind === "scatter") return { x: rangeOf(this.axes.x, "linear"), y: rangeOf(this.axes.y, "linear") };
    if (!this.curves.length) return { x: [0, 1], y: [0, 1] };
    const yScale = this.model.get("scale") === "log" ? "log" : "linear";
    return { x: rangeOfAll(this.curves, "x", this.model.get("x_scale")), y: rangeOfAll(this.curves, "y", yScale) };
  }

  /** Look at a part: {x: [low, high], y: [low, high]}, or null for all. */
  setView(view) {
    const all = this.allSpans();
    if (view && this.isImage) view = this.bounded(view, all);
    this.view = view;
    if (this.size) this.scales = this.scalesNow();
    const part = view && this.kind === "image" ? this.partInView() : [];
    this.draw();
    clearTimeout(this.viewTimer);
    this.viewTimer = setTimeout(() => {
      this.ask();
      this.model.set("_part", part);
      this.model.save_changes();
    }, REFINE);
  }

  /** Not further out than all, and with the pixels' shape kept. */
  bounded(view, all) {
    const isEqual = this.facts.square && this.model.get("aspect") !== "fill";
    const part = (which) => (view[which][1] - view[which][0]) / (all[which][1] - all[which][0]);
    const common = isEqual ? Math.max(part("x"), part("y")) : null;
    const side = (which) => {
      const [low, high] = all[which];
      const width = Math.min(1, common ?? part(which)) * (high - low);
      const middle = (view[which][0] + view[which][1]) / 2;
      const start = Math.min(high - width, Math.max(low, middle - width / 2));
      return [start, start + width];
    };
    const bounded = { x: side("x"), y: side("y") };
    return part("x") >= 1 && part("y") >= 1 ? null : bounded;
  }

  // ---- pointing -------------------------------------------------------------------------------------------------------

  pixelOf(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  isInside([px, py]) {
    const { plot } = this.size;
    return px >= plot.left && px < plot.left + plot.width && py >= plot.top && py < plot.top + plot.height;
  }

  cursorPixel() {
    if (!this.cursor.index || !this.isImage) return null;
    return this.placeOf(this.cursor.index);
  }

  /** Row and column in the middle of what is in view. */
  middle() {
    const { plot } = this.size;
    const { x, y } = this.scales;
    return [indexAt(this.axes.y, y.back(plot.top + plot.height / 2)), indexAt(this.axes.x, x.back(plot.left + plot.width / 2))];
  }

  /** Whether indices rise to the left, or downwards. */
  isFlipped(which) {
    const values = this.axes[which];
    const falls = values[0] > values[values.length - 1];
    return which === "y" && this.model.get("origin") === "upper" ? !falls : falls;
  }

  shape() {
    if (this.pending !== undefined) return this.pending;
    const region = this.model.get("_region");
    const profile = this.model.get("_profile");
    return region?.kind ? region : profile?.kind ? profile : null;
  }

  /** Show a shape while it is drawn; what it says follows. */
  setShape(shape) {
    this.pending = shape;
    this.drawOverlay();
    clearTimeout(this.shapeTimer);
    this.shapeTimer = setTimeout(() => this.saveShape(), 80);
  }

  finishShape() {
    this.onShape?.();
  }

  saveShape() {
    const shape = this.pending ?? null;
    const isProfile = shape && (shape.kind === "line" || shape.kind === "box");
    const plain = shape && !isProfile ? { kind: shape.kind, points: shape.points } : {};
    this.pending = undefined;
    this.model.set({ _region: plain, _profile: isProfile ? shape : {} });
    this.model.save_changes();
    this.shapeChanged();
  }

  shapeChanged() {
    this.drawOverlay();
    this.results.refresh(this.isImage ? this.shape() : null);
  }
}
