// Rows of records, fetched a page at a time.

import { button, element } from "./controls.js";
import { formatNumber } from "./numbers.js";

const ROWS = 50;

export class Table {
  constructor(model, questions) {
    Object.assign(this, { model, questions, first: 0 });
    this.head = element("thead");
    this.body = element("tbody");
    const table = element("table", { class: "panosc-table" }, this.head, this.body);
    this.place = element("span", { role: "status" });
    this.back = button("Previous", () => this.go(this.first - ROWS));
    this.next = button("Next", () => this.go(this.first + ROWS));
    const scroll = element("div", { class: "panosc-scroll", tabindex: 0, role: "region", "aria-label": model.get("title") || "Table" }, table);
    this.box = element("div", {}, scroll, element("div", { class: "panosc-controls" }, this.back, this.next, this.place));
    this.go(0);
  }

  go(first) {
    const message = { kind: "frame", frame: this.model.get("frame"), first: Math.max(0, first), count: ROWS };
    this.questions.ask(message, (answer) => this.show(answer));
  }

  show(answer) {
    if (answer.kind === "error") {
      this.place.textContent = `${answer.message} ${answer.hint}`;
      return;
    }
    this.first = answer.first;
    const number = (tag, text, attributes = {}) => element(tag, attributes, text);
    const names = answer.names.map((name) => number("th", name, { scope: "col" }));
    this.head.replaceChildren(element("tr", {}, number("th", "Row", { scope: "col" }), ...names));
    this.body.replaceChildren(
      ...answer.cells.map((cells, i) =>
        element("tr", {}, number("th", formatNumber(answer.first + i), { scope: "row" }), ...cells.map((cell) => number("td", cell))),
      ),
    );
    const last = answer.first + answer.cells.length;
    this.place.textContent = `Rows ${formatNumber(answer.first)} to ${formatNumber(last - 1)} of ${formatNumber(answer.total)}`;
    this.back.disabled = answer.first === 0;
    this.next.disabled = last >= answer.total;
  }
}
