// An image, or coloured points, with its colour bar.

import { fraction, linearTicks, logTicks } from "./numbers.js";
import { drawFrame, drawText } from "./axes.js";

const MASKED = 255;

/** Index of the last boundary at or before `value`, boundaries rising or falling. */
export function indexAt(boundaries, value) {
  const rising = boundaries[boundaries.length - 1] > boundaries[0];
  let low = 0;
  let high = boundaries.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (rising ? boundaries[middle] <= value : boundaries[middle] >= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** For each screen pixel along one side the first and the last cell that it shows; narrow cells are never left out. */
function cellsOf(boundaries, factor, pixels, flipped) {
  const low = boundaries[0];
  const high = boundaries[boundaries.length - 1];
  const cell = (place) => Math.floor(indexAt(boundaries, low + ((high - low) * place) / pixels) / factor);
  const first = new Int32Array(pixels);
  const last = new Int32Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const target = flipped ? pixels - 1 - pixel : pixel;
    const middle = cell(pixel + 0.5);
    first[target] = Math.min(cell(pixel) + 1, middle);
    last[target] = Math.max(cell(pixel + 1) - 1, middle);
  }
  return { first, last };
}

/** The level of each screen pixel: the highest of the cells it shows, masked only if all of them are. */
function levelsOnScreen(levels, columns, across, down) {
  const width = across.first.length;
  const out = new Uint8Array(width * down.first.length);
  const strip = new Uint8Array(width);
  for (let y = 0; y < down.first.length; y++) {
    const same = y > 0 && down.first[y] === down.first[y - 1] && down.last[y] === down.last[y - 1];
    if (!same) {
      strip.fill(MASKED);
      for (let row = down.first[y]; row <= down.last[y]; row++) {
        for (let x = 0; x < width; x++) {
          for (let column = across.first[x]; column <= across.last[x]; column++) {
            const level = levels[row * columns + column];
            if (level !== MASKED && (strip[x] === MASKED || level > strip[x])) strip[x] = level;
          }
        }
      }
    }
    out.set(strip, y * width);
  }
  return out;
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

/** Draw the answer into `box`; `axes` = {x, y} boundaries, `lut` 256 colours as Uint32. */
export function drawPicture(context, box, answer, axes, lut, flips, theme, ratio) {
  const width = Math.max(1, Math.round(box.width * ratio));
  const height = Math.max(1, Math.round(box.height * ratio));
  const across = cellsOf(axes.x, answer.factors[1], width, flips.x);
  const down = cellsOf(axes.y, answer.factors[0], height, flips.y);
  const levels = levelsOnScreen(answer.levels, answer.columns, across, down);
  const bitmap = document.createElement("canvas");
  bitmap.width = width;
  bitmap.height = height;
  const pen = bitmap.getContext("2d");
  const image = pen.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = levels[i] === MASKED ? 0 : lut[levels[i]];
  pen.putImageData(image, 0, 0);
  context.fillStyle = hatch(context, theme, ratio);
  context.fillRect(box.left, box.top, box.width, box.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, box.left, box.top, box.width, box.height);
}

/** Draw coloured points; masked ones as open circles. */
export function drawPoints(context, box, answer, range, lut, theme) {
  const [x0, x1, y0, y1] = range;
  const size = answer.x.length > 5000 ? 1.5 : 4;
  for (let i = 0; i < answer.x.length; i++) {
    const x = box.left + ((answer.x[i] - x0) / (x1 - x0)) * box.width;
    const y = box.top + box.height - ((answer.y[i] - y0) / (y1 - y0)) * box.height;
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    if (answer.levels[i] === MASKED) {
      context.strokeStyle = theme.muted;
      context.stroke();
    } else {
      context.fillStyle = colour(lut[answer.levels[i]]);
      context.fill();
    }
  }
}

function colour(entry) {
  return `rgb(${entry & 255}, ${(entry >> 8) & 255}, ${(entry >> 16) & 255})`;
}

/** Draw the colour bar with its ticks and name into `box`. */
export function drawBar(context, box, answer, lut, label, theme) {
  for (let y = 0; y < box.height; y++) {
    const level = Math.min(254, Math.floor((1 - (y + 0.5) / box.height) * 255));
    context.fillStyle = colour(lut[level]);
    context.fillRect(box.left, box.top + y, box.width, 1.5);
  }
  drawFrame(context, box, theme);
  const { low, high, scale } = answer;
  const count = Math.max(2, Math.floor(box.height / 50));
  const ticks = scale === "log" ? logTicks(low, high, count) : linearTicks(low, high, count);
  let widest = 0;
  for (const tick of ticks) {
    const y = box.top + (1 - fraction(tick.value, low, high, scale)) * box.height;
    if (y < box.top - 1 || y > box.top + box.height + 1) continue;
    context.fillStyle = theme.line;
    context.fillRect(box.left + box.width, y - 0.5, 4, 1);
    widest = Math.max(widest, context.measureText(tick.label).width);
    drawText(context, tick.label, box.left + box.width + 7, y, { align: "left", colour: theme.ink });
  }
  const room = { rotate: true, colour: theme.ink, most: box.height };
  drawText(context, label, box.left + box.width + 18 + widest, box.top + box.height / 2, room);
}
