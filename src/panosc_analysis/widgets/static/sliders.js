// A slider with a player for every dimension that is stepped through.

import { element } from "./controls.js";
import { formatNumber } from "./numbers.js";

const PLAY = "M4 2 L14 8 L4 14 Z";
const PAUSE = "M3 2 H6.5 V14 H3 Z M9.5 2 H13 V14 H9.5 Z";

/** Indices of a frame along dimensions of these lengths, the last one running fastest. */
export function indicesOf(frame, lengths) {
  const indices = [];
  for (let i = lengths.length - 1; i >= 0; i--) {
    indices[i] = frame % lengths[i];
    frame = Math.floor(frame / lengths[i]);
  }
  return indices;
}

export function frameOf(indices, lengths) {
  return indices.reduce((frame, index, i) => frame * lengths[i] + index, 0);
}

export class Sliders {
  /** `dimensions` = [{label, units, length}]; `go(frame)` shows another one. */
  constructor(dimensions, frame, go) {
    this.lengths = dimensions.map((dimension) => dimension.length);
    this.frame = frame;
    this.go = go;
    this.rows = dimensions.map((dimension, i) => this.row(dimension, i));
    this.place = element("output", { class: "panosc-place" });
    this.box = element("div", { class: "panosc-sliders" }, ...this.rows.map((row) => row.box));
    if (this.rows.length > 1) this.box.append(this.place);
    this.show(frame, "");
    this.play(null);
  }

  row({ label, length }, i) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", "0 0 16 16");
    icon.setAttribute("aria-hidden", "true");
    icon.append(path);
    const play = element("button", { type: "button", class: "panosc-play" }, icon);
    const name = this.lengths.length > 1 ? label : "Frame";
    const slider = element("input", { type: "range", min: 0, max: length - 1, step: 1, "aria-label": name });
    const text = element("output", { class: "panosc-position" });
    play.addEventListener("click", () => this.play(this.playing === i ? null : i));
    slider.addEventListener("input", () => {
      this.play(null);
      this.set(i, slider.valueAsNumber);
    });
    slider.addEventListener("keydown", (event) => this.page(event, i));
    return { box: element("div", { class: "panosc-player" }, play, slider, text), play, path, slider, text, name };
  }

  page(event, i) {
    const pages = { PageUp: 1, PageDown: -1 }[event.key];
    if (!pages) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(this.lengths[i] / 20));
    this.set(i, this.rows[i].slider.valueAsNumber + pages * step);
  }

  set(i, index) {
    const indices = indicesOf(this.frame, this.lengths);
    indices[i] = Math.min(this.lengths[i] - 1, Math.max(0, index));
    this.last = { dimension: i, step: Math.sign(indices[i] - indicesOf(this.frame, this.lengths)[i]) || this.last?.step || 1 };
    const frame = frameOf(indices, this.lengths);
    this.show(frame, "");
    this.go(frame);
  }

  /** Frames that come next if the person goes on as she did; likeliest first. */
  following(count) {
    if (!this.last) return []; // she has not moved
    const { dimension, step } = this.last;
    const frames = [];
    const indices = indicesOf(this.frame, this.lengths);
    for (let i = 1; i <= count; i++) {
      const index = indices[dimension] + i * step;
      if (index < 0 || index >= this.lengths[dimension]) break;
      frames.push(frameOf(indices.with(dimension, index), this.lengths));
    }
    return frames;
  }

  /** Say which frame is shown; `position`: where it lies on the axes, in words. */
  show(frame, position) {
    this.frame = frame;
    const indices = indicesOf(frame, this.lengths);
    this.rows.forEach((row, i) => {
      row.slider.value = indices[i];
      const count = `${row.name} ${formatNumber(indices[i])} / ${formatNumber(this.lengths[i] - 1)}`;
      const text = position && this.rows.length === 1 ? `${count} · ${position}` : count;
      if (row.text.textContent === text) return;
      row.text.textContent = text;
      row.text.title = text;
      row.slider.setAttribute("aria-valuetext", text);
    });
    if (position || this.rows.length === 1) this.place.textContent = position;
  }

  paint(row, on) {
    row.path.setAttribute("d", on ? PAUSE : PLAY);
    const text = on ? "Stop playing" : this.rows?.length > 1 ? `Play along ${row.name}` : "Play the frames";
    row.play.setAttribute("aria-label", text);
    row.play.title = text;
  }

  play(i) {
    this.playing = i;
    this.rows.forEach((row, j) => this.paint(row, i === j));
    if (i === null) return;
    const index = this.rows[i].slider.valueAsNumber;
    this.set(i, index >= this.lengths[i] - 1 ? 0 : index + 1);
  }

  /** The frame that was asked for is on the screen: on to the next. */
  advance() {
    const i = this.playing;
    if (i === null) return;
    const index = this.rows[i].slider.valueAsNumber;
    if (index + 1 >= this.lengths[i]) this.play(null);
    else this.set(i, index + 1);
  }
}
