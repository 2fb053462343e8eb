// A progress bar with a button that cancels.

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "panosc-progress";
  const bar = document.createElement("progress");
  const text = document.createElement("output");
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", () => model.send({ kind: "cancel" }));
  const name = document.createElement("span");
  root.append(name, bar, text, button);

  const show = () => {
    const [done, total, state] = [model.get("done"), model.get("total"), model.get("state")];
    name.textContent = model.get("what");
    bar.setAttribute("aria-label", model.get("what"));
    bar.max = total || 1;
    if (total || state !== "running") bar.value = state === "done" ? bar.max : done;
    else bar.removeAttribute("value");
    text.textContent = model.get("text");
    const running = state === "running" || state === "cancelling";
    button.textContent = state === "cancelling" ? "Cancelling …" : "Cancel";
    button.disabled = state !== "running";
    button.style.visibility = running ? "visible" : "hidden";
  };
  const events = ["what", "done", "total", "text", "state"].map((trait) => `change:${trait}`).join(" ");
  model.on(events, show);
  show();
  el.append(root);
  return () => model.off(events, show);
}

export default { render };
