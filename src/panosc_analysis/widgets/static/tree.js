// The tree of a file: groups are fetched when they are opened; the keys are those of the ARIA tree pattern.

import { element } from "./controls.js";
import { Questions } from "./flow.js";

const SIGNS = { group: "▸", dataset: "▪", link: "↗", broken: "✕", more: "…" };

function render({ model, el }) {
  const tree = new FileTree(model, el);
  const receive = (message) => tree.questions.receive(message);
  const follow = () => tree.mark(model.get("selected"));
  model.on("msg:custom", receive);
  model.on("change:selected", follow);
  return () => {
    model.off("msg:custom", receive);
    model.off("change:selected", follow);
  };
}

class FileTree {
  constructor(model, el) {
    this.model = model;
    this.questions = new Questions((message) => model.send(message));
    const label = `What ${model.get("title")} holds`;
    this.tree = element("ul", { role: "tree", "aria-label": label, class: "panosc-tree" });
    this.details = element("dl", { class: "panosc-details", "aria-live": "polite" });
    this.tree.addEventListener("keydown", (event) => this.key(event));
    this.tree.addEventListener("click", (event) => this.click(event));
    const title = element("div", { class: "panosc-title", title: model.get("title") }, model.get("title"));
    el.append(element("div", { class: "panosc-viewer panosc-file" }, title, this.tree, this.details));
    const [only, ...others] = this.addAll(this.tree, model.get("_root"), 1);
    if (only && !others.length) this.open(only);
    this.tree.querySelector("[role=treeitem]")?.setAttribute("tabindex", "0");
    this.mark(model.get("selected"));
  }

  /** Put the children of `node` into `list`; a last item fetches those that are still to come. */
  addAll(list, node, level) {
    const items = node.children.map((child, i) => this.item(child, level, node.first + i + 1, node.size));
    const known = node.first + node.children.length;
    if (known < node.size) {
      const rest = { name: `${node.size - known} more`, path: node.path, kind: "more", what: "", size: 0, first: known };
      items.push(this.item(rest, level, known + 1, node.size));
    }
    list.append(...items);
    return items;
  }

  item(node, level, place, count) {
    const sign = element("span", { class: "panosc-sign", "aria-hidden": "true" }, SIGNS[node.kind]);
    const what = element("span", { class: "panosc-what" }, node.what);
    const row = element("div", { class: `panosc-row panosc-${node.kind}` }, sign, element("span", { dir: "auto" }, node.name), " ", what);
    row.style.paddingLeft = `${(level - 1) * 14 + 4}px`;
    const canOpen = node.kind === "link" || (node.kind === "group" && node.size > 0);
    const attributes = { role: "treeitem", tabindex: -1, "aria-level": level, "aria-posinset": place, "aria-setsize": count };
    const item = element("li", { ...attributes, "aria-expanded": canOpen ? "false" : null, "aria-selected": "false" }, row);
    item.node = node;
    return item;
  }

  // ---- opening ------------------------------------------------------------------------------------------------------

  open(item) {
    if (item.getAttribute("aria-expanded") !== "false") return;
    item.setAttribute("aria-expanded", "true");
    this.turn(item);
    if (item.querySelector(":scope > ul")) return;
    const list = element("ul", { role: "group" });
    item.append(list);
    this.fetch(item.node.path, 0, (node) => {
      if (!node || node.kind === "dataset") this.leaf(item, node);
      else this.addAll(list, node, Number(item.getAttribute("aria-level")) + 1);
    });
  }

  /** A link that turned out to lead to an array. */
  leaf(item, node) {
    item.removeAttribute("aria-expanded");
    item.querySelector(":scope > ul")?.remove();
    if (node) item.querySelector(".panosc-what").textContent = `${node.what} ↗`;
  }

  close(item) {
    if (item.getAttribute("aria-expanded") !== "true") return;
    item.setAttribute("aria-expanded", "false");
    this.turn(item);
  }

  turn(item) {
    const sign = item.querySelector(".panosc-sign");
    if (item.node.kind === "group") sign.textContent = item.getAttribute("aria-expanded") === "true" ? "▾" : "▸";
  }

  fetch(path, first, done) {
    this.questions.ask({ kind: "children", path, first }, (answer) => {
      if (answer.kind === "error") this.tell([["Error", `${answer.message} ${answer.hint}`]]);
      done(answer.kind === "error" ? null : answer.node);
    });
  }

  more(item) {
    this.fetch(item.node.path, item.node.first, (node) => {
      if (!node) return;
      const list = item.parentElement;
      item.remove();
      const [first] = this.addAll(list, node, Number(item.getAttribute("aria-level")));
      if (first) this.focus(first);
    });
  }

  // ---- choosing -----------------------------------------------------------------------------------------------------

  choose(item) {
    this.focus(item);
    if (item.node.kind === "more") {
      this.more(item);
      return;
    }
    this.mark(item.node.path);
    this.questions.ask({ kind: "details", path: item.node.path }, (answer) =>
      this.tell(answer.kind === "error" ? [["Path", item.node.path], ["Error", `${answer.message} ${answer.hint}`]] : answer.rows),
    );
    this.model.set("selected", item.node.path);
    this.model.save_changes();
  }

  mark(path) {
    for (const item of this.tree.querySelectorAll("[role=treeitem]")) {
      item.setAttribute("aria-selected", String(item.node.path === path && item.node.kind !== "more"));
    }
  }

  tell(rows) {
    this.details.replaceChildren(
      ...rows.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", { dir: "auto" }, text))),
    );
  }

  click(event) {
    const row = event.target.closest(".panosc-row");
    if (!row) return;
    const item = row.parentElement;
    const isSign = event.target.classList.contains("panosc-sign");
    if (item.getAttribute("aria-expanded") === "true" && isSign) this.close(item);
    else this.open(item);
    if (!isSign) this.choose(item);
  }

  focus(item) {
    this.tree.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    item.setAttribute("tabindex", "0");
    item.focus();
  }

  /** The items that can be seen, in their order. */
  seen() {
    return [...this.tree.querySelectorAll("[role=treeitem]")].filter((item) => {
      for (let above = item.parentElement.closest("[role=treeitem]"); above; above = above.parentElement.closest("[role=treeitem]")) {
        if (above.getAttribute("aria-expanded") === "false") return false;
      }
      return true;
    });
  }

  key(event) {
    const item = document.activeElement.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const seen = this.seen();
    const at = seen.indexOf(item);
    const move = (to) => seen[to] && this.focus(seen[to]);
    const actions = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      Home: () => move(0),
      End: () => move(seen.length - 1),
      ArrowRight: () => (item.getAttribute("aria-expanded") === "true" ? move(at + 1) : this.open(item)),
      ArrowLeft: () => this.left(item),
      Enter: () => this.choose(item),
      " ": () => this.choose(item),
    };
    const action = actions[event.key] ?? (event.key.length === 1 ? () => this.spell(event.key, seen, at) : null);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  left(item) {
    if (item.getAttribute("aria-expanded") === "true") this.close(item);
    else {
      const above = item.parentElement.closest("[role=treeitem]");
      if (above) this.focus(above);
    }
  }

  /** On to the next name that begins with a letter. */
  spell(letter, seen, at) {
    const order = [...seen.slice(at + 1), ...seen.slice(0, at + 1)];
    const found = order.find((item) => item.node.name.toLowerCase().startsWith(letter.toLowerCase()));
    if (found) this.focus(found);
  }
}

export default { render };
