// Between values, indices and pixels; between buffers and arrays; between the theme and the canvas.

import { element } from "./controls.js";
import { fraction, valueAtFraction } from "./norms.js";

/** A copy of the doubles of a buffer, which may start anywhere. */
export function doubles(view) {
  if (!view || !view.byteLength) return new Float64Array(0);
  return new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

function codesOf(view, bits) {
  if (bits === 8) return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const start = view.byteOffset;
  if (start % 2 === 0) return new Uint16Array(view.buffer, start, view.byteLength / 2);
  return new Uint16Array(view.buffer.slice(start, start + view.byteLength));
}

/** An answer with its buffers as arrays under their names. */
export function unpacked(message, buffers) {
  const answer = { ...message, bytes: buffers.reduce((sum, buffer) => sum + buffer.byteLength, 500) };
  message.buffers?.forEach((name, i) => {
    const view = buffers[i];
    if (name === "codes") answer.codes = codesOf(view, message.bits);
    else if (name === "rgba" || name === "file") answer[name] = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    else answer[name] = doubles(view);
  });
  return answer;
}

export function ends(values) {
  const [first, last] = [values[0], values[values.length - 1]];
  return first < last ? [first, last] : [last, first];
}

/** An axis between two values over some pixels: {low, high, scale, place(value), back(pixel)}. */
export function scaled([low, high], scale, start, length, upwards) {
  const turned = (part) => (upwards ? 1 - part : part);
  return {
    low,
    high,
    scale,
    place: (value) => start + turned(fraction(value, low, high, scale)) * length,
    back: (pixel) => valueAtFraction(turned((pixel - start) / length), low, high, scale),
  };
}

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

/** Where a value lies counted in pixels of the data: 0 is the centre of the first one. */
export function indexOfValue(boundaries, value) {
  const i = indexAt(boundaries, value);
  return i + (value - boundaries[i]) / (boundaries[i + 1] - boundaries[i]) - 0.5;
}

/** The value at a place counted in pixels of the data. */
export function valueOfIndex(boundaries, index) {
  const place = index + 0.5;
  const i = Math.min(boundaries.length - 2, Math.max(0, Math.floor(place)));
  return boundaries[i] + (place - i) * (boundaries[i + 1] - boundaries[i]);
}

/** The theme's colours as the canvas needs them. */
export function themeOf(root) {
  const probe = element("span", { hidden: "" });
  root.append(probe);
  const theme = {};
  for (const name of ["ink", "muted", "line", "grid", "paper", "brand", "masked", "hatch"]) {
    probe.style.color = `var(--panosc-${name})`;
    theme[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return theme;
}
