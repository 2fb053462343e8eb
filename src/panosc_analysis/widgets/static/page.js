// A widget's model without Jupyter: traits and messages over HTTP.

import widget from "./widget.js";

function unwrapped(value) {
  if (!value || typeof value !== "object" || typeof value.bytes !== "string") return value;
  return new DataView(Uint8Array.from(atob(value.bytes), (letter) => letter.charCodeAt(0)).buffer);
}

class Model {
  constructor(state) {
    this.state = Object.fromEntries(Object.entries(state).map(([name, value]) => [name, unwrapped(value)]));
    this.raw = state;
    this.callbacks = new Map();
    this.changes = {};
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    const changes = typeof name === "object" ? name : { [name]: value };
    for (const [trait, given] of Object.entries(changes)) {
      if (JSON.stringify(this.raw[trait]) === JSON.stringify(given)) continue;
      this.raw[trait] = given;
      this.state[trait] = given;
      this.changes[trait] = given;
      this.emit(`change:${trait}`);
    }
  }

  async save_changes() {
    if (!Object.keys(this.changes).length) return;
    const body = JSON.stringify(this.changes);
    this.changes = {};
    this.saving = (this.saving ?? Promise.resolve()).then(async () => {
      const answer = await fetch("change", { method: "POST", body });
      if (answer.ok) this.follow(await answer.json());
    });
    await this.saving;
  }

  /** Take over what the other side says, unless it was changed here in the meantime. */
  follow(state) {
    const changed = [];
    for (const [name, value] of Object.entries(state)) {
      if (name in this.changes || JSON.stringify(this.raw[name]) === JSON.stringify(value)) continue;
      this.raw[name] = value;
      this.state[name] = unwrapped(value);
      changed.push(name);
    }
    for (const name of changed.filter((one) => one !== "_revision")) this.emit(`change:${name}`);
    if (changed.includes("_revision")) this.emit("change:_revision");
  }

  async send(message) {
    const answer = await fetch("message", { method: "POST", body: JSON.stringify(message) });
    const bytes = await answer.arrayBuffer();
    if (!answer.ok) return;
    const length = new DataView(bytes).getUint32(0, true);
    const text = new TextDecoder().decode(new Uint8Array(bytes, 4, length));
    // JSON has no NaN; Python writes it all the same.
    const said = JSON.parse(text.replace(/(?<=[[:,] ?)(NaN|-?Infinity)(?=[,\]}])/g, "null"));
    let start = 4 + length;
    const buffers = said.lengths.map((size) => new DataView(bytes, (start += size) - size, size));
    if (said.revision !== this.raw._revision) this.follow(await (await fetch("state")).json());
    this.emit("msg:custom", said, buffers);
  }

  on(event, callback) {
    this.callbacks.set(event, [...(this.callbacks.get(event) ?? []), callback]);
  }

  off(event, callback) {
    this.callbacks.set(event, (this.callbacks.get(event) ?? []).filter((one) => one !== callback));
  }

  emit(event, ...values) {
    for (const callback of this.callbacks.get(event) ?? []) callback(...values);
  }
}

const state = await (await fetch("state")).json();
const model = new Model(state);
widget.render({ model, el: document.getElementById("viewer") });
globalThis.panoscModel = model;
