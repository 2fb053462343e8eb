// The controls round the plot: labelled, in reading order, bound to the model both ways.

import { formatNumber } from "./numbers.js";

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  // JupyterLab looks for this mark on the focused element itself; without it the notebook takes the arrow keys.
  if (["INPUT", "SELECT", "BUTTON"].includes(made.tagName) || "tabindex" in attributes) {
    made.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function labelled(text, control) {
  return element("label", { class: "panosc-control" }, element("span", {}, text), control);
}

/** A choice bound to a trait; `options` = [[value, text], …]. */
export function choice(model, trait, label, options, listen) {
  const select = element("select", {}, ...options.map(([value, text]) => element("option", { value }, text)));
  const follow = () => (select.value = model.get(trait));
  select.addEventListener("change", () => {
    model.set(trait, select.value);
    model.save_changes();
  });
  listen(`change:${trait}`, follow);
  follow();
  return labelled(label, select);
}

/** A number that shows what is used now, and fixes it when it is edited. */
export function limit(label, change) {
  const input = element("input", { type: "number", step: "any", class: "panosc-limit" });
  input.addEventListener("change", () => {
    const value = input.value.trim() === "" ? null : Number(input.value);
    if (value === null || Number.isFinite(value)) change(value);
  });
  const show = (value) => {
    if (document.activeElement !== input || input.value === "") input.value = String(Number(value.toPrecision(6)));
  };
  return { box: labelled(label, input), show };
}

const PLAY = "M4 2 L14 8 L4 14 Z";
const PAUSE = "M3 2 H6.5 V14 H3 Z M9.5 2 H13 V14 H9.5 Z";

/** Play button, slider and frame number; {box, show(frame, position), advance()}. */
export function player(model, listen, go) {
  const count = model.get("n_frames");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 16 16");
  icon.setAttribute("aria-hidden", "true");
  icon.append(path);
  const button = element("button", { type: "button", class: "panosc-play" }, icon);
  const slider = element("input", { type: "range", min: 0, max: count - 1, step: 1, "aria-label": "Frame" });
  const text = element("output", { class: "panosc-position" });
  let playing = false;

  const play = (on) => {
    playing = on;
    path.setAttribute("d", on ? PAUSE : PLAY);
    button.setAttribute("aria-label", on ? "Stop playing" : "Play the frames");
    button.title = on ? "Stop playing" : "Play the frames";
    if (on) go(slider.valueAsNumber >= count - 1 ? 0 : slider.valueAsNumber + 1);
  };
  const name = (frame, position) => {
    const place = `Frame ${formatNumber(frame)} / ${formatNumber(count - 1)}`;
    text.textContent = position ? `${place} · ${position}` : place;
    text.title = text.textContent;
    slider.setAttribute("aria-valuetext", text.textContent);
  };
  button.addEventListener("click", () => play(!playing));
  slider.addEventListener("input", () => {
    if (playing) play(false);
    go(slider.valueAsNumber);
  });
  slider.addEventListener("keydown", (event) => {
    const pages = { PageUp: 1, PageDown: -1 }[event.key];
    if (!pages) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(count / 20));
    go(Math.min(count - 1, Math.max(0, slider.valueAsNumber + pages * step)));
  });
  const follow = () => {
    slider.value = model.get("frame");
    name(model.get("frame"), "");
  };
  listen("change:frame", follow);
  follow();
  play(false);
  return {
    box: element("div", { class: "panosc-player" }, button, slider, text),
    show: (frame, position) => frame === model.get("frame") && name(frame, position),
    advance: () => {
      if (!playing) return;
      const frame = model.get("frame");
      if (frame + 1 >= count) play(false);
      else go(frame + 1);
    },
    stop: () => play(false),
  };
}
