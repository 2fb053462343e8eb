// A form for the parameters of a step. Python checks what is filled in; here it is only shown.

import { button, element } from "./controls.js";

let forms = 0;

function control(field, id) {
  if (field.kind === "choice") {
    return element("select", { id }, ...field.choices.map((value) => element("option", { value }, value)));
  }
  if (field.kind === "bool") return element("input", { id, type: "checkbox" });
  const number = field.kind === "int" || field.kind === "float";
  return element("input", {
    id, type: "text", inputmode: number ? "decimal" : "text", placeholder: field.hint, autocomplete: "off", spellcheck: "false",
    class: number ? "panosc-number" : "panosc-wide",
  });
}

function row(field, prefix, fill) {
  const id = `${prefix}-${field.name}`;
  const input = control(field, id);
  const isBox = field.kind === "bool";
  input.addEventListener("change", () => fill(field.name, isBox ? String(input.checked) : input.value));
  const said = element("p", { id: `${id}-said`, class: "panosc-said", role: "status" });
  const unit = element("span", { class: "panosc-unit", id: `${id}-unit` }, field.unit);
  const name = element("code", { class: "panosc-name" }, field.name);
  const label = element("label", { for: id }, field.label);
  input.setAttribute("aria-describedby", `${id}-unit ${id}-said`);
  const box = element("div", { class: "panosc-field" }, element("div", {}, label, " ", name), element("div", {}, input, unit, said));
  const show = (text, error) => {
    if (isBox) input.checked = text === "true";
    else if (input.value !== text) input.value = text;
    said.textContent = error ?? "";
    said.hidden = !error;
    if (error) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return { name: field.name, box, show };
}

function render({ model, el }) {
  const prefix = `panosc-form-${(forms += 1)}`;
  const rows = model.get("fields").map((field) => row(field, prefix, (name, text) => model.send({ kind: "fill", name, text })));
  const title = element("h3", { class: "panosc-title", id: `${prefix}-title` }, model.get("title"));
  const problem = element("p", { class: "panosc-said", role: "status" });
  const run = element("button", { type: "submit", class: "panosc-button panosc-primary" }, "Reduce");
  const follow = element("input", { type: "checkbox" });
  follow.addEventListener("change", () => {
    model.set("follow", follow.checked);
    model.save_changes();
  });
  const following = element("label", { class: "panosc-control" }, follow, element("span", {}, "Follow the file while it is written"));
  const code = element("pre", { tabindex: "0", "aria-label": "Code" });
  const copied = element("span", { role: "status" });
  const copy = button("Copy code", async () => {
    try {
      await navigator.clipboard.writeText(model.get("code"));
      copied.textContent = "Copied";
    } catch {
      copied.textContent = "The browser does not allow it; select the lines instead";
      details.open = true;
    }
    setTimeout(() => (copied.textContent = ""), 4000);
  });
  const details = element("details", { class: "panosc-code" }, element("summary", {}, "Code"), code);
  const form = element("form", { class: "panosc-form", "aria-labelledby": title.id, novalidate: "" }, title, ...rows.map((one) => one.box),
    problem, element("div", { class: "panosc-controls" }, run, following, copy, copied), details);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.activeElement?.blur?.();
    model.send({ kind: "run" });
    run.focus();
  });

  const show = () => {
    const [texts, errors, isRunning] = [model.get("texts"), model.get("errors"), model.get("running")];
    for (const one of rows) one.show(texts[one.name] ?? "", errors[one.name]);
    problem.textContent = model.get("problem");
    problem.hidden = !problem.textContent;
    const wrong = Object.keys(errors).length > 0 || problem.textContent !== "";
    run.disabled = wrong || isRunning;
    run.textContent = isRunning ? "Reducing …" : "Reduce";
    copy.disabled = wrong;
    follow.checked = model.get("follow");
    code.textContent = model.get("code");
  };
  model.on("change", show);
  show();
  el.append(form);
  return () => model.off("change", show);
}

export default { render };
