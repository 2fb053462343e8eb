// A cluster: what it has, what it does, and what its owner can change.

const EVERY = 1000; // milliseconds between two looks

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function numberField(label, least) {
  const input = element("input", { type: "number", min: String(least), step: "1" });
  return { input, label: element("label", { className: "panosc-control" }, `${label} `, input) };
}

function bar(label) {
  const progress = element("progress", { max: 1 });
  progress.setAttribute("aria-label", label);
  const text = element("span");
  return { progress, text, row: element("div", { className: "panosc-bar" }, element("span", { textContent: label }), progress, text) };
}

function render({ model, el }) {
  const name = element("span", { className: "panosc-title" });
  const link = element("a", { textContent: "Dashboard", target: "_blank", rel: "noopener" });
  const summary = element("span");
  const [memory, tasks] = [bar("Memory"), bar("Tasks")];
  const workers = numberField("Workers", 1);
  const scale = element("button", { type: "button", textContent: "Scale" });
  const [least, most] = [numberField("or between", 0), numberField("and", 1)];
  const adapt = element("button", { type: "button", textContent: "Adapt" });
  const close = element("button", { type: "button", textContent: "Close" });
  const controls = element("div", { className: "panosc-controls" }, workers.label, scale, least.label, most.label, adapt, close);
  const notice = element("p", { className: "panosc-said" });
  notice.setAttribute("role", "status");
  const root = element("div", { className: "panosc-cluster" },
    element("div", { className: "panosc-head" }, name, summary, link), memory.row, tasks.row, controls, notice);

  const [first, usual] = [model.get("adapting"), Math.max(1, model.get("workers"))];
  workers.input.value = usual;
  least.input.value = first[0] ?? 1;
  most.input.value = first[1] ?? Math.max(2, usual);

  scale.addEventListener("click", () => model.send({ kind: "scale", workers: workers.input.valueAsNumber }));
  adapt.addEventListener("click", () =>
    model.send({ kind: "adapt", minimum: least.input.valueAsNumber, maximum: most.input.valueAsNumber }));
  close.addEventListener("click", () => model.send({ kind: "close" }));

  const show = () => {
    const open = model.get("state") === "open";
    name.textContent = model.get("title");
    summary.textContent = model.get("summary");
    link.href = model.get("dashboard");
    link.hidden = !open || !model.get("dashboard");
    for (const [one, part] of [[memory, "memory"], [tasks, "tasks"]]) {
      one.progress.value = model.get(`${part}_part`);
      one.text.textContent = model.get(part);
      one.row.hidden = !open;
    }
    controls.hidden = !open;
    adapt.setAttribute("aria-pressed", String(model.get("adapting").length > 0));
    notice.textContent = model.get("notice");
    notice.hidden = !model.get("notice");
  };
  model.on("change", show);
  show();
  el.append(root);
  // Only while it can be seen: a notebook in another tab asks nothing.
  const timer = setInterval(() => {
    if (root.isConnected && !document.hidden && model.get("state") === "open") model.send({ kind: "look" });
  }, EVERY);
  return () => {
    clearInterval(timer);
    model.off("change", show);
  };
}

export default { render };
