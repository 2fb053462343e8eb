// Draws a plot: axes, what they hold, colour bar; and over it the cursor and what was drawn by hand.

import { drawAxes } from "./axes.js";
import { Contours } from "./contours.js";
import { curveColour, drawCurve } from "./curve.js";
import { drawBar, drawBehind, drawColours, drawPicture, drawPoints } from "./picture.js";
import { ends, themeOf } from "./scales.js";
import { drawShape } from "./shapes.js";

const THEME_AGE = 500; // ms that the theme's colours are remembered: asking for them costs a layout

export class Painter {
  constructor(plot) {
    this.plot = plot;
    this.contours = new Contours(plot);
    this.behind = { canvas: document.createElement("canvas"), key: "" };
    this.themes = new MutationObserver(() => this.retheme());
    const attributeFilter = ["data-jp-theme-name", "data-jp-theme-light", "data-theme", "class"];
    this.themes.observe(document.body, { attributes: true, attributeFilter });
  }

  remove() {
    this.themes.disconnect();
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.timer);
  }

  retheme() {
    this.known = null;
    this.draw();
    this.timer = setTimeout(() => this.draw(), 2 * THEME_AGE); // the style sheet of a new theme may come after its name
  }

  /** The theme's colours. */
  theme() {
    const now = performance.now();
    if (!this.known || now - this.known.at > THEME_AGE) {
      const { fontFamily } = getComputedStyle(this.plot.root);
      this.known = { at: now, colours: themeOf(this.plot.root), font: `12px ${fontFamily}` };
    }
    return this.known.colours;
  }

  /** An empty canvas of a size on the screen, and its context. */
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
    this.theme();
    context.font = this.known.font;
    return { context, ratio };
  }

  /** Axes and the pattern of masked pixels, drawn anew only if they are others. */
  backdrop(theme, ratio) {
    const { answer, isImage, kind, scales, size } = this.plot;
    const { x, y } = scales;
    const hasPattern = kind === "image" && Boolean(answer);
    const sides = [x, y].map(({ low, high, scale, label }) => [low, high, scale, label]);
    const key = JSON.stringify([size, sides, theme, this.known.font, ratio, this.plot.get("origin"), hasPattern]);
    if (this.behind.key === key) return this.behind.canvas;
    const { context } = this.prepared(this.behind.canvas, size.width, size.height);
    drawAxes(context, size.plot, x, y, theme, !isImage);
    if (hasPattern) drawBehind(context, size.plot, theme, ratio);
    this.behind.key = key;
    return this.behind.canvas;
  }

  /** Draw before the next frame of the screen, once however often it is asked for. */
  draw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    const { plot } = this;
    if (!plot.size) return;
    plot.histogram.draw();
    if (plot.low && plot.answer) {
      const { low, high } = plot.colouring();
      plot.low.show(low);
      plot.high.show(high);
    }
    const { context, ratio } = this.prepared(plot.canvas, plot.size.width, plot.size.height);
    const theme = this.theme();
    plot.scales = plot.viewport.scales();
    context.drawImage(this.backdrop(theme, ratio), 0, 0, plot.canvas.width / ratio, plot.canvas.height / ratio);
    if (plot.answer) {
      Object.assign(plot.canvas.dataset, { frame: plot.answer.frame, part: plot.answer.part ?? "" });
      this.content(context, theme, ratio);
      if (plot.size.bar) drawBar(context, plot.size.bar, plot.lut(), plot.colouring(), plot.facts.value_label, theme);
    }
    this.overlay();
  }

  content(context, theme, ratio) {
    const { answer, curves, kind, scales, size } = this.plot;
    const { x, y } = scales;
    if (kind === "curve") curves.forEach((curve, i) => drawCurve(context, size.plot, curve, x, y, curveColour(i, theme)));
    else if (kind === "scatter") drawPoints(context, size.plot, answer, x, y, this.plot.lut(), this.plot.colouring(), theme);
    else if (kind === "rgb") this.colours(context);
    else this.picture(context, theme, ratio);
  }

  colours(context) {
    const { answer, axes, scales, size } = this.plot;
    const [left, right] = ends(axes.x).map((value) => scales.x.place(value));
    const [first, last] = [axes.y[0], axes.y[axes.y.length - 1]].map((value) => scales.y.place(value));
    drawColours(context, size.plot, answer, { left, top: first, width: right - left, height: last - first });
  }

  /** The part that was fetched, over the whole frame where that is here too. */
  picture(context, theme, ratio) {
    const { answer, axes, overview, scales, size } = this.plot;
    const { x, y } = scales;
    const sides = { x: [x.low, x.high], y: this.plot.get("origin") === "upper" ? [y.low, y.high] : [y.high, y.low] };
    const hasBehind = overview && overview !== answer && overview.frame === answer.frame;
    for (const picture of hasBehind ? [overview, answer] : [answer]) {
      drawPicture(context, size.plot, picture, axes, sides, this.plot.lut(), this.plot.colouring(), ratio);
    }
    this.contours.draw(context, theme);
  }

  /** Draw the cursor, the shape and what is being drawn: `extra` = {open} or {from, to}. */
  overlay(extra = {}) {
    const { cursor, drawn, isImage, placeOf, scales, size } = this.plot;
    if (!size || !scales) return;
    const isEmpty = !cursor.index && !drawn.shape && !extra.open && !extra.from;
    if (isEmpty && this.emptyOver === size) return; // as nearly always while frames go by
    this.emptyOver = isEmpty ? size : null;
    const { context } = this.prepared(this.plot.over, size.width, size.height);
    const theme = this.theme();
    cursor.draw(context, theme);
    context.beginPath();
    context.rect(size.plot.left, size.plot.top, size.plot.width, size.plot.height);
    context.clip();
    if (isImage && drawn.shape) drawShape(context, drawn.shape, placeOf, theme);
    if (extra.open) drawShape(context, extra.open, placeOf, theme, true);
    if (extra.from) {
      const [[x0, y0], [x1, y1]] = [extra.from, extra.to];
      context.strokeStyle = theme.brand;
      context.setLineDash([4, 3]);
      context.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
    }
  }
}
