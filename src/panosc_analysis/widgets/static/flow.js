// Frames are asked for with a few requests on their way at a time; what was wanted in between is forgotten.

const IN_FLIGHT = 2;
const CACHE_BYTES = 64e6;
const PATIENCE = 15000; // ms until the person is told that the kernel does not answer

export class Flow {
  /** `send(request)`; `show(answer)`; `wait(state)` with state "loading", "silent" or "idle". */
  constructor(send, show, wait) {
    this.send = send;
    this.show = show;
    this.wait = wait;
    this.view = Math.random().toString(36).slice(2);
    this.flying = new Map();
    this.cache = new Map();
    this.bytes = 0;
    this.wanted = null;
    this.latest = 0;
    this.next = 1;
  }

  want(request) {
    const key = JSON.stringify(request);
    const known = this.cache.get(key);
    this.wanted = { key, request };
    if (known) {
      this.cache.delete(key);
      this.cache.set(key, known); // least recently used stays first
      this.settle();
      this.latest = this.next++; // frames still on their way are older than this one
      this.show(known);
      return;
    }
    this.pump();
  }

  pump() {
    if (!this.wanted || this.flying.size >= IN_FLIGHT) return;
    const { key, request } = this.wanted;
    if ([...this.flying.values()].includes(key)) return;
    const id = this.next++;
    this.flying.set(id, key);
    this.wait("loading");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.wait("silent"), PATIENCE);
    this.send({ ...request, view: this.view, id });
  }

  receive(answer) {
    if (answer.view !== this.view || !this.flying.has(answer.id)) return;
    const key = this.flying.get(answer.id);
    this.flying.delete(answer.id);
    if (answer.kind !== "error") this.remember(key, answer);
    if (this.wanted && key === this.wanted.key) this.settle();
    if (answer.id > this.latest) {
      this.latest = answer.id;
      this.show(answer);
    }
    this.pump();
  }

  settle() {
    this.wanted = null;
    clearTimeout(this.timer);
    this.wait("idle");
  }

  get isWaiting() {
    return this.wanted !== null;
  }

  remember(key, answer) {
    this.cache.set(key, answer);
    this.bytes += answer.bytes;
    for (const [oldest, { bytes }] of this.cache) {
      if (this.bytes <= CACHE_BYTES || oldest === key) break;
      this.cache.delete(oldest);
      this.bytes -= bytes;
    }
  }

  stop() {
    clearTimeout(this.timer);
  }
}
