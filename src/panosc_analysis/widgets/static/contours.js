// Lines of equal value over an image, found by the kernel.

import { valueAtFraction } from "./norms.js";

export class Contours {
  constructor(plot) {
    this.plot = plot;
    this.key = "";
    this.lines = null;
  }

  /** Ask for the lines that belong to the frame and the limits, unless they are here. */
  refresh() {
    const { answer, kind } = this.plot;
    const count = kind === "image" ? this.plot.get("contours") : 0;
    const { low, high, scale, gamma } = this.plot.colouring();
    const levels = Array.from({ length: count }, (_, i) => valueAtFraction((i + 1) / (count + 1), low, high, scale, gamma));
    const key = JSON.stringify([answer?.frame, levels]);
    if (!answer || key === this.key) return;
    this.key = key;
    this.lines = null;
    this.plot.painter.draw();
    if (!count) return;
    this.plot.questions.ask({ kind: "contours", frame: answer.frame, levels }, (found) => {
      this.lines = found.kind === "error" ? null : found;
      this.plot.painter.draw();
    });
  }

  draw(context, theme) {
    if (!this.lines || this.lines.frame !== this.plot.answer.frame) return;
    const { left, top, width, height } = this.plot.size.plot;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.beginPath();
    let at = 0;
    for (const length of this.lines.lengths) {
      for (let i = 0; i < length; i++, at++) {
        const [px, py] = this.plot.placeOf([this.lines.points[2 * at], this.lines.points[2 * at + 1]]);
        if (i) context.lineTo(px, py);
        else context.moveTo(px, py);
      }
    }
    for (const [colour, thickness] of [[theme.ink, 1.6], [theme.paper, 0.8]]) {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.stroke();
    }
    context.restore();
  }
}
