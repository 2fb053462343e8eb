// An image, or coloured points, with its colour bar.

import { drawFrame, drawText } from "./axes.js";
import { element } from "./controls.js";
import { levelTable, fraction, valueAtFraction } from "./norms.js";
import { linearTicks, logTicks, formatNumber, roundest } from "./numbers.js";
import { indexAt } from "./scales.js";
import { surface } from "./surface.js";

const cellsKnown = new WeakMap(); // by boundaries, then by the rest of the question
const MOST_CELLS = 16;

/** What `makeCells` gives; the same array for the same question, as long as a picture is looked at in the same way. */
export function cellsOf(boundaries, ...question) {
  const key = question.join();
  const cells = cellsKnown.get(boundaries) ?? new Map();
  if (!cells.has(key)) {
    if (cells.size >= MOST_CELLS) cells.clear();
    cells.set(key, makeCells(boundaries, ...question));
  }
  cellsKnown.set(boundaries, cells);
  return cells.get(key);
}

/**
 * For each screen pixel along one side the first and the last cell of a picture that it shows (first > last: none);
 * cells narrower than a pixel are never left out. `from`, `to`: the values at the ends of the side.
 */
function makeCells(boundaries, [start, stop], factor, pixels, from, to) {
  const cells = new Int32Array(2 * pixels);
  const [first, last] = [boundaries[0], boundaries[boundaries.length - 1]];
  const [lowest, highest] = first < last ? [first, last] : [last, first];
  const count = Math.ceil((stop - start) / factor);
  const cell = (place) => {
    const value = from + ((to - from) * place) / pixels;
    const index = indexAt(boundaries, value);
    return Math.floor((index - start) / factor);
  };
  for (let pixel = 0; pixel < pixels; pixel++) {
    const value = from + ((to - from) * (pixel + 0.5)) / pixels;
    const middle = cell(pixel + 0.5);
    if (value < lowest || value > highest || middle < 0 || middle >= count) {
      cells[2 * pixel + 1] = -1;
      continue;
    }
    const [one, other] = [cell(pixel), cell(pixel + 1)];
    const [low, high] = one < other ? [one, other] : [other, one];
    // Those whose middle another pixel shows are left to it.
    cells[2 * pixel] = Math.max(0, Math.min(low + 1, middle));
    cells[2 * pixel + 1] = Math.min(count - 1, Math.max(high - 1, middle));
  }
  return cells;
}

function hatch(context, theme, ratio) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = Math.round(6 * ratio);
  const pen = tile.getContext("2d");
  pen.fillStyle = theme.masked;
  pen.fillRect(0, 0, tile.width, tile.height);
  pen.strokeStyle = theme.hatch;
  pen.lineWidth = ratio;
  const side = tile.width;
  for (const shift of [-side, 0, side]) {
    pen.beginPath();
    pen.moveTo(shift - 1, side + 1);
    pen.lineTo(shift + side + 1, -1);
    pen.stroke();
  }
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}

/** Fill the box of an image with the pattern of masked pixels, which the image then covers. */
export function drawBehind(context, box, theme, ratio) {
  context.fillStyle = hatch(context, theme, ratio);
  context.fillRect(box.left, box.top, box.width, box.height);
}

/**
 * Draw a picture into `box`; `axes` = {x, y} boundaries, `sides` = {x: [left, right], y: [top, bottom]} values at the
 * sides of the box, `lut` 1024 bytes, `colouring` = {scale, gamma, low, high}.
 */
export function drawPicture(context, box, picture, axes, sides, lut, colouring, ratio) {
  const width = Math.max(1, Math.round(box.width * ratio));
  const height = Math.max(1, Math.round(box.height * ratio));
  const [firstRow, lastRow, firstColumn, lastColumn] = picture.part;
  const drawn = surface().render({
    picture,
    lut,
    levels: levelTable(picture.codec, picture.bits, colouring),
    across: cellsOf(axes.x, [firstColumn, lastColumn], picture.factors[1], width, ...sides.x),
    down: cellsOf(axes.y, [firstRow, lastRow], picture.factors[0], height, ...sides.y),
  });
  context.imageSmoothingEnabled = false;
  context.drawImage(drawn.canvas, 0, drawn.top, width, height, box.left, box.top, box.width, box.height);
}

/** Draw a colour picture; `corners` = {left, top, width, height} of the whole of it, cut to `box`. */
export function drawColours(context, box, answer, corners) {
  const bitmap = document.createElement("canvas");
  Object.assign(bitmap, { width: answer.columns, height: answer.rows });
  const image = new ImageData(new Uint8ClampedArray(answer.rgba), answer.columns, answer.rows);
  bitmap.getContext("2d").putImageData(image, 0, 0);
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  context.imageSmoothingEnabled = false;
  context.translate(corners.left, corners.top);
  context.scale(corners.width / answer.columns, corners.height / answer.rows);
  context.drawImage(bitmap, 0, 0);
  context.restore();
}

/** Draw coloured points; masked ones as open circles. */
export function drawPoints(context, box, answer, x, y, lut, colouring, theme) {
  const size = answer.x.length > 5000 ? 1.5 : 4;
  const levels = levelTable(answer.codec, answer.bits, colouring);
  const masked = answer.bits === 8 ? 255 : 65535;
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  for (let i = 0; i < answer.x.length; i++) {
    context.beginPath();
    context.arc(x.place(answer.x[i]), y.place(answer.y[i]), size, 0, 2 * Math.PI);
    if (answer.codes[i] === masked) {
      context.strokeStyle = theme.muted;
      context.stroke();
    } else {
      context.fillStyle = colourOf(lut, levels[answer.codes[i]]);
      context.fill();
    }
  }
  context.restore();
}

export function colourOf(lut, level) {
  return `rgb(${lut[4 * level]}, ${lut[4 * level + 1]}, ${lut[4 * level + 2]})`;
}

const gradients = new WeakMap();

/** The colours above each other, one pixel each. */
function gradient(lut) {
  if (!gradients.has(lut)) {
    const made = element("canvas", { width: 1, height: 256 });
    const image = new ImageData(1, 256);
    const [from, to] = [new Uint32Array(lut.buffer, lut.byteOffset, 256), new Uint32Array(image.data.buffer)];
    to.set(from.toReversed());
    made.getContext("2d").putImageData(image, 0, 0);
    gradients.set(lut, made);
  }
  return gradients.get(lut);
}

/** Draw the colour bar with its ticks and name into `box`. */
export function drawBar(context, box, lut, { low, high, scale, gamma }, label, theme) {
  context.imageSmoothingEnabled = false;
  context.drawImage(gradient(lut), box.left, box.top, box.width, box.height);
  drawFrame(context, box, theme);
  let widest = 0;
  let above = Infinity;
  for (const tick of barTicks(low, high, scale, gamma, Math.max(2, Math.floor(box.height / 50)))) {
    const y = box.top + (1 - fraction(tick.value, low, high, scale, gamma)) * box.height;
    if (y < box.top - 1 || y > box.top + box.height + 1 || above - y < 14) continue;
    above = y;
    context.fillStyle = theme.line;
    context.fillRect(box.left + box.width, y - 0.5, 4, 1);
    widest = Math.max(widest, context.measureText(tick.label).width);
    drawText(context, tick.label, box.left + box.width + 7, y, { align: "left", colour: theme.ink });
  }
  const room = { rotate: true, colour: theme.ink, most: box.height };
  drawText(context, label, box.left + box.width + 18 + widest, box.top + box.height / 2, room);
}

/** Round values on the bar; on bent scales the roundest near even places. */
function barTicks(low, high, scale, gamma, count) {
  if (scale === "linear") return linearTicks(low, high, count);
  if (scale === "log") return logTicks(low, high, count);
  const ticks = [];
  for (let i = 0; i <= count; i++) {
    const near = [i - 0.3, i + 0.3].map((place) => valueAtFraction(Math.min(1, Math.max(0, place / count)), low, high, scale, gamma));
    const value = roundest(...near);
    ticks.push({ value, label: formatNumber(value) });
  }
  return ticks;
}
