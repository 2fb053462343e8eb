// A plot: draws what the kernel sends, asks for the next frame, says what is under the cursor.

import { layOut } from "./axes.js";
import { element } from "./controls.js";
import { Cursor } from "./cursor.js";
import { curveColour, curvesOf } from "./curve.js";
import { Drawn } from "./drawn.js";
import { Flow, Questions } from "./flow.js";
import { Histogram } from "./histogram.js";
import { isCoarse } from "./norms.js";
import { Painter } from "./painter.js";
import { doubles, valueOfIndex } from "./scales.js";
import { Sliders } from "./sliders.js";
import { Tools } from "./tools.js";
import { Viewport } from "./viewport.js";

const STANDS_STILL = 120; // ms that a frame stands still before questions about it are asked
export const FOLLOW = 2000; // ms between two looks at a file that may grow
// The model hears which frame is shown after so many ms without a move, or at the latest after so many: each time costs
// the kernel, the server and the page as many messages as a frame does.
const FRAME_SETTLES = 100;
const FRAME_LATEST = 500;
const MOST_AHEAD = 12; // frames in the direction of travel that may be fetched

export class Plot {
  /** `controls(plot)` gives what stands above and under the plot: {above, under}. */
  constructor(model, root, controls) {
    Object.assign(this, { model, root, listeners: [], curves: [], answer: null, lineWidth: 1 });
    this.kind = model.get("kind");
    this.isImage = this.kind === "image" || this.kind === "rgb";
    this.facts = model.get("_facts");
    this.frame = model.get("frame");
    this.axes = { x: doubles(model.get("_x")), y: doubles(model.get("_y")) };
    const send = (message) => model.send(message);
    this.flow = new Flow(send, (answer) => this.receive(answer), (state) => this.say(state));
    this.questions = new Questions(send);
    this.placeOf = ([row, column]) => [
      this.scales.x.place(valueOfIndex(this.axes.x, column)),
      this.scales.y.place(valueOfIndex(this.axes.y, row)),
    ];
    this.viewport = new Viewport(this);
    this.painter = new Painter(this);
    this.drawn = new Drawn(this);
    this.build(controls);
    this.watch();
    this.resize();
  }

  listen(event, callback) {
    this.model.on(event, callback);
    this.listeners.push([event, callback]);
  }

  get(trait) {
    return this.model.get(trait);
  }

  save(changes) {
    this.model.set(changes);
    this.model.save_changes();
  }

  watch() {
    this.listen("change:frame", () => this.follows(this.get("frame")));
    this.listen("change:use_mask", () => this.ask());
    for (const trait of ["scale", "gamma", "limits", "low", "high"]) this.listen(`change:${trait}`, () => this.recolour());
    for (const trait of ["colormap", "x_scale", "origin"]) this.listen(`change:${trait}`, () => this.painter.draw());
    this.listen("change:aspect", () => this.resize(true));
    this.listen("change:contours", () => this.painter.contours.refresh());
    this.listen("change:follow", () => this.follow());
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.stage);
    this.follow();
  }

  remove() {
    for (const [event, callback] of this.listeners) this.model.off(event, callback);
    this.resizing.disconnect();
    for (const part of [this.viewport, this.painter, this.drawn, this.flow]) part.remove();
    for (const timer of [this.frameTimer, this.playTimer, this.loadTimer, this.sizeTimer, this.settleTimer, this.followTimer]) clearTimeout(timer);
  }

  // ---- what the person sees -----------------------------------------------------------------------------------------

  build(controls) {
    this.canvas = element("canvas", { tabindex: 0, role: "img", "aria-label": this.description() });
    this.over = element("canvas", { class: "panosc-overlay", "aria-hidden": "true" });
    this.notice = element("div", { class: "panosc-notice", role: "alert", hidden: "" });
    this.waiting = element("div", { class: "panosc-waiting", role: "status", hidden: "" });
    this.stage = element("div", { class: "panosc-stage" }, this.canvas, this.over, this.waiting, this.notice);
    this.readout = element("div", { class: "panosc-readout", role: "status" }, "\u00a0");
    this.legend = element("div", { class: "panosc-legend" }, "\u00a0");
    const below = element("div", { class: "panosc-below" }, this.readout, this.legend);
    this.histogram = new Histogram(this, (which, value) => this.fix(which, value));
    this.tools = new Tools(this);
    this.cursor = new Cursor(this);
    const { above, under } = controls(this);
    this.root.append(...above, this.stage, below);
    if (this.get("n_frames") > 1) {
      this.sliders = new Sliders(this.facts.leading, this.frame, (frame) => this.go(frame));
      this.root.append(this.sliders.box);
    }
    this.root.append(this.histogram.box, this.drawn.results.box, ...under);
  }

  description() {
    const what = { image: "Image", rgb: "Colour picture", curve: "Curve", scatter: "Points" }[this.kind];
    const { value_label: name, x_label: x, y_label: y } = this.facts;
    return `${what} of ${name || "values"}; ${x} to the right, ${y} upwards. Arrow keys move the cursor, whose value is read below; plus and minus zoom, 0 shows all, brackets step through frames.`;
  }

  /** Keep both limits as they are, with the one that was edited. */
  fix(which, value) {
    const { low, high } = this.colouring();
    this.save({ low, high, [which]: value, limits: "fixed" });
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
    this.frame = frame;
    const now = performance.now();
    this.movedAt ??= now;
    clearTimeout(this.frameTimer);
    const wait = Math.min(FRAME_SETTLES, this.movedAt + FRAME_LATEST - now);
    this.frameTimer = setTimeout(() => this.keepFrame(), wait);
    this.ask();
  }

  keepFrame() {
    this.movedAt = null;
    this.save({ frame: this.frame });
  }

  /** Another frame was chosen elsewhere. */
  follows(frame) {
    if (frame === this.frame) return;
    clearTimeout(this.frameTimer);
    this.movedAt = null;
    this.frame = frame;
    this.ask();
  }

  step(by) {
    const last = this.get("n_frames") - 1;
    const frame = Math.min(last, Math.max(0, this.frame + by));
    if (this.sliders) this.sliders.last = { dimension: this.facts.leading.length - 1, step: by };
    this.go(frame);
  }

  request(frame, part = null) {
    const request = { kind: "frame", frame };
    if (this.kind === "curve") return request;
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.size.plot;
    Object.assign(request, { rows: Math.round(height * ratio), columns: Math.round(width * ratio) });
    if (this.kind === "image") Object.assign(request, { part, mask: this.get("use_mask") });
    return request;
  }

  ask() {
    if (!this.size) return;
    const { frame } = this;
    const part = this.viewport.part();
    const following = (this.sliders?.following(MOST_AHEAD) ?? []).map((next) => this.request(next, part));
    if (this.sliders && this.sliders.frame !== frame) this.sliders.show(frame, "");
    this.flow.want(this.request(frame, part), following);
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
    if (answer.frame === this.frame) this.sliders?.show(answer.frame, answer.position);
    this.recolour();
    this.tellMasked();
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
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => {
      if (this.answer !== answer) return;
      this.cursor.refresh();
      this.histogram.refresh();
      this.drawn.refresh();
      this.painter.contours.refresh();
      this.sharpen();
    }, STANDS_STILL);
  }

  /** Ask for finer codes where the limits are closer than the codes can tell apart. */
  sharpen() {
    if (this.kind !== "image" || !isCoarse(this.answer.codec, this.colouring())) return;
    const { low, high } = this.colouring();
    this.flow.want({ ...this.request(this.answer.frame, this.viewport.part()), focus: [low, high] });
  }

  follow() {
    clearTimeout(this.followTimer);
    if (!this.get("follow")) return;
    const again = () => (this.followTimer = setTimeout(() => this.follow(), FOLLOW));
    this.questions.ask({ kind: "refresh" }, again);
  }

  tellMasked() {
    const part = this.answer.masked;
    if (this.curves.length > 1) {
      this.legend.replaceChildren(...this.curves.map((curve, i) => this.key(curve, i)));
      return;
    }
    const share = part < 0.001 ? "< 0.1" : (100 * part).toFixed(1);
    const what = this.kind === "image" ? "pixels" : "points";
    const text = part ? ` masked: ${share}\u202f% of the ${what}` : "\u00a0";
    if (this.legend.textContent === text) return;
    this.legend.replaceChildren(...(part ? [element("span", { class: "panosc-swatch" })] : []), text);
  }

  key(curve, i) {
    const line = element("span", { class: "panosc-key" });
    line.style.background = curveColour(i, this.painter.theme());
    return element("span", { class: "panosc-entry" }, line, curve.label || `curve ${i}`);
  }

  // ---- colours --------------------------------------------------------------------------------------------------------

  colouring() {
    const [scale, how] = [this.get("scale"), this.get("limits")];
    const found = this.answer?.limits?.[scale][how === "fixed" ? "auto" : how] ?? [0, 1];
    let [low, high] = how === "fixed" ? [this.get("low") ?? found[0], this.get("high") ?? found[1]] : found;
    if (low > high) [low, high] = [high, low];
    if (scale === "log" && !(low > 0)) low = high > 0 ? Math.min(found[0], high / 10) : found[0];
    if (scale === "log" && !(high > 0)) high = found[1];
    if (scale === "sqrt") low = Math.max(0, low);
    if (!(low < high)) high = low + (Math.abs(low) || 1);
    return { scale, gamma: this.get("gamma"), low, high };
  }

  recolour() {
    if (this.answer) this.settled(this.answer);
    if (this.answer?.focus && this.isBeyond(this.answer.focus)) this.ask();
    this.painter.draw();
  }

  /** Whether colours are wanted for values that the codes of a focused picture do not tell apart. */
  isBeyond([first, last]) {
    const { low, high } = this.colouring();
    return low < first || high > last;
  }

  lut() {
    const [all, name] = [this.get("_luts"), this.get("colormap")];
    if (this.colours?.all !== all || this.colours.name !== name) {
      const at = all.byteOffset + Math.max(0, this.facts.colormaps.indexOf(name)) * 1024;
      this.colours = { all, name, table: new Uint8Array(all.buffer.slice(at, at + 1024)) };
    }
    return this.colours.table;
  }

  // ---- drawing --------------------------------------------------------------------------------------------------------

  resize(again = false) {
    const width = Math.floor(this.stage.clientWidth);
    if (!width || (width === this.size?.width && !again)) return;
    const first = !this.size;
    const aspect = this.get("aspect");
    const isEqual = this.isImage && (aspect === "equal" || (aspect === "auto" && this.facts.square));
    this.size = { width, ...layOut(width, isEqual ? this.facts.ratio : null, this.kind === "image" || this.kind === "scatter") };
    this.stage.style.height = `${this.size.height}px`;
    this.canvas.dataset.plot = JSON.stringify(this.size.plot);
    this.scales = this.viewport.scales();
    this.painter.draw();
    this.drawn.results.draw();
    clearTimeout(this.sizeTimer);
    if (first) this.ask();
    else this.sizeTimer = setTimeout(() => this.ask(), 200);
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
}
