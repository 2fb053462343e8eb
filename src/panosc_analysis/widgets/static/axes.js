// Axes with ticks and names; the space they take does not depend on the data, so nothing moves between frames.

import { linearTicks, logTicks } from "./numbers.js";

/** Boxes of the plot and of the colour bar inside a canvas of `width`; `ratio` is height over width of an image, or null. */
export function layOut(width, ratio, hasBar) {
  const narrow = width < 480;
  const left = narrow ? 64 : 68;
  const right = hasBar ? (narrow ? 98 : 108) : 16;
  const [top, bottom] = [10, 46];
  const room = Math.max(80, width - left - right);
  const tallest = 560;
  // Whole pixels: an image must not be stretched by a part of one.
  let plot = { left, top, width: Math.round(room), height: Math.round(Math.min(tallest, Math.max(220, room * 0.6))) };
  if (ratio) {
    const wide = Math.min(room, tallest / ratio);
    plot = { left, top, width: Math.round(wide), height: Math.max(1, Math.round(wide * ratio)) };
  }
  const bar = hasBar ? { left: left + plot.width + 14, top, width: 14, height: plot.height } : null;
  return { plot, bar, height: Math.ceil(plot.height + top + bottom) };
}

export function drawFrame(context, box, theme) {
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(Math.round(box.left) - 0.5, Math.round(box.top) - 0.5, Math.round(box.width) + 1, Math.round(box.height) + 1);
}

/** Write a text about a point; shortened in the middle where it is longer than `most`. */
export function drawText(context, text, x, y, { align = "center", rotate = false, colour, most = Infinity }) {
  context.save();
  context.translate(x, y);
  if (rotate) context.rotate(-Math.PI / 2);
  context.fillStyle = colour;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.fillText(shortened(context, text, most), 0, 0);
  context.restore();
}

function shortened(context, text, most) {
  if (context.measureText(text).width <= most) return text;
  let kept = text.length;
  let short = text;
  while (kept > 4 && context.measureText(short).width > most) {
    kept -= 2;
    short = `${text.slice(0, Math.ceil(kept / 2))}…${text.slice(text.length - Math.floor(kept / 2))}`;
  }
  return short;
}

/** Draw both axes round `box`: {x, y} each with low, high, scale, label, place(value) -> pixel. */
export function drawAxes(context, box, x, y, theme, withGrid) {
  drawFrame(context, box, theme);
  const bottom = box.top + box.height;
  let end = -Infinity;
  for (const tick of ticksOf(x, box.width / 90)) {
    const at = x.place(tick.value);
    if (at < box.left - 1 || at > box.left + box.width + 1) continue;
    if (withGrid) gridLine(context, at, box.top, 1, box.height, theme);
    context.fillStyle = theme.line;
    context.fillRect(at - 0.5, bottom, 1, 5);
    const half = context.measureText(tick.label).width / 2;
    if (at - half < end + 6) continue;
    drawText(context, tick.label, at, bottom + 14, { colour: theme.ink });
    end = at + half;
  }
  for (const tick of ticksOf(y, box.height / 50)) {
    const at = y.place(tick.value);
    if (at < box.top - 1 || at > bottom + 1) continue;
    if (withGrid) gridLine(context, box.left, at, box.width, 1, theme);
    context.fillStyle = theme.line;
    context.fillRect(box.left - 5, at - 0.5, 5, 1);
    drawText(context, tick.label, box.left - 8, at, { align: "right", colour: theme.ink });
  }
  drawText(context, x.label, box.left + box.width / 2, bottom + 34, { colour: theme.ink, most: box.width + 40 });
  drawText(context, y.label, 9, box.top + box.height / 2, { rotate: true, colour: theme.ink, most: box.height + 20 });
}

function ticksOf(axis, count) {
  const [low, high] = axis.low < axis.high ? [axis.low, axis.high] : [axis.high, axis.low];
  return axis.scale === "log" ? logTicks(low, high, count) : linearTicks(low, high, Math.max(2, count));
}

function gridLine(context, x, y, width, height, theme) {
  context.fillStyle = theme.grid;
  context.fillRect(x, y, width, height);
}
