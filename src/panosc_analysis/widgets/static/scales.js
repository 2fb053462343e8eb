// Between values and pixels, between buffers and arrays, between the theme and the canvas.

import { element } from "./controls.js";
import { fraction } from "./numbers.js";

/** A view on the doubles of a buffer, which may start anywhere. */
export function doubles(view) {
  if (!view || !view.byteLength) return new Float64Array(0);
  return new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export function unpacked(message, buffers) {
  const bytes = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 200);
  const answer = { ...message, bytes };
  message.buffers?.forEach((name, i) => {
    const view = buffers[i];
    answer[name] = name === "levels" ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : doubles(view);
  });
  return answer;
}

export function ends(values) {
  const [first, last] = [values[0], values[values.length - 1]];
  return first < last ? [first, last] : [last, first];
}

export function scaled([low, high], scale, start, length, upwards) {
  const turned = (part) => (upwards ? 1 - part : part);
  const place = (value) => start + turned(fraction(value, low, high, scale)) * length;
  const back = (pixel) => {
    const part = turned((pixel - start) / length);
    return scale === "log" ? low * (high / low) ** part : low + part * (high - low);
  };
  return { low, high, scale, place, back };
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
