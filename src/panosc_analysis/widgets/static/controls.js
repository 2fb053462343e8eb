// The controls round the plot: labelled, in reading order, bound to the model both ways.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  // JupyterLab looks for this mark on the focused element itself; without it the notebook takes the arrow keys.
  if (["INPUT", "SELECT", "BUTTON", "SUMMARY"].includes(made.tagName) || "tabindex" in attributes) {
    made.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function labelled(text, control) {
  return element("label", { class: "panosc-control" }, element("span", {}, text), control);
}

export function button(text, action, attributes = {}) {
  const made = element("button", { type: "button", class: "panosc-button", ...attributes }, text);
  made.addEventListener("click", action);
  return made;
}

function save(model, changes) {
  model.set(changes);
  model.save_changes();
}

/** A choice bound to a trait; `options` = [[value, text], …]. */
export function choice(model, trait, label, options, listen) {
  const choices = options.map(([value, text]) => element("option", { value }, text));
  const select = element("select", { "data-trait": trait }, ...choices);
  const follow = () => (select.value = model.get(trait));
  select.addEventListener("change", () => save(model, { [trait]: select.value }));
  listen(`change:${trait}`, follow);
  follow();
  return labelled(label, select);
}

/** A check box bound to a trait. */
export function check(model, trait, label, listen) {
  const box = element("input", { type: "checkbox" });
  const follow = () => (box.checked = model.get(trait));
  box.addEventListener("change", () => save(model, { [trait]: box.checked }));
  listen(`change:${trait}`, follow);
  follow();
  return element("label", { class: "panosc-control" }, box, element("span", {}, label));
}

/** A number bound to a trait. */
export function amount(model, trait, label, attributes, listen) {
  const input = element("input", { type: "number", class: "panosc-amount", ...attributes });
  const follow = () => (input.value = model.get(trait));
  input.addEventListener("change", () => {
    const value = Number(input.value);
    const isFine = input.value !== "" && value >= (attributes.min ?? -Infinity) && value <= (attributes.max ?? Infinity);
    if (isFine) save(model, { [trait]: value });
    else follow();
  });
  listen(`change:${trait}`, follow);
  follow();
  return labelled(label, input);
}

/** A number that shows what is used now, and fixes it when it is edited. */
export function limit(label, change) {
  const input = element("input", { type: "number", step: "any", class: "panosc-limit" });
  input.addEventListener("change", () => {
    const value = input.value.trim() === "" ? null : Number(input.value);
    if (value === null || Number.isFinite(value)) change(value);
  });
  const show = (value) => {
    if (document.activeElement === input && input.value !== "") return;
    const isSmall = value !== 0 && Math.abs(value) < 1e-3; // with all its zeros it would not fit
    input.value = isSmall ? Number(value.toPrecision(5)).toExponential() : String(Number(value.toPrecision(6)));
  };
  return { box: labelled(label, input), show };
}

/** Buttons of which one is pressed; `options` = [[value, text, title], …]; arrow keys move between them. */
export function switches(label, options, chosen, change) {
  const buttons = options.map(([value, text, title]) => {
    const made = button(text, () => pick(value), { role: "radio", title, class: "panosc-button panosc-switch" });
    return { value, made };
  });
  function pick(value, focus = false) {
    show(value);
    if (focus) buttons.find((one) => one.value === value).made.focus();
    change(value);
  }
  function show(value) {
    for (const one of buttons) {
      one.made.setAttribute("aria-checked", String(one.value === value));
      one.made.tabIndex = one.value === value ? 0 : -1;
    }
  }
  const box = element("div", { class: "panosc-switches", role: "radiogroup", "aria-label": label }, ...buttons.map((one) => one.made));
  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const now = buttons.findIndex((one) => one.made === document.activeElement);
    pick(buttons[(now + step + buttons.length) % buttons.length].value, true);
  });
  show(chosen);
  return { box, show };
}
