// Frames are asked for with a few requests on their way at a time; what was wanted in between is forgotten. While nothing
// is wanted, the frames that the person is moving towards are fetched into the cache.

const IN_FLIGHT = 3;
const CACHE_BYTES = 192e6;
const AHEAD = 12; // frames fetched in the direction of travel
const PATIENCE = 15000; // ms until the person is told that the kernel does not answer

export class Flow {
  /** `send(request)`; `show(answer)`; `wait(state)` with state "loading", "silent" or "idle". */
  constructor(send, show, wait) {
    Object.assign(this, { send, show, wait });
    this.view = Math.random().toString(36).slice(2);
    this.flying = new Map();
    this.cache = new Map();
    this.bytes = 0;
    this.wanted = null;
    this.ahead = [];
    this.latest = 0;
    this.next = 1;
  }

  /** Show the answer to `request` as soon as it is here; `following`: requests that may come next, likeliest first. */
  want(request, following = []) {
    const key = JSON.stringify(request);
    const known = this.cache.get(key);
    this.ahead = following.slice(0, AHEAD);
    this.wanted = { key, request };
    // What was fetched ahead and is wanted now may be shown when it comes, even if she has gone on meanwhile.
    for (const flight of this.flying.values()) if (flight.key === key) flight.isAhead = false;
    if (known) {
      this.cache.delete(key);
      this.cache.set(key, known); // least recently used stays first
      this.settle();
      this.latest = this.next++; // frames still on their way are older than this one
      this.show(known);
    }
    this.pump();
  }

  has(request) {
    return this.cache.has(JSON.stringify(request));
  }

  pump() {
    while (this.flying.size < IN_FLIGHT) {
      const isFlying = (key) => [...this.flying.values()].some((flight) => flight.key === key);
      if (this.wanted && !isFlying(this.wanted.key)) {
        this.launch(this.wanted.key, this.wanted.request, false);
        this.wait("loading");
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.wait("silent"), PATIENCE);
        continue;
      }
      if (this.wanted) return; // nothing else until it is here
      const request = this.ahead.shift();
      if (!request) return;
      const key = JSON.stringify(request);
      if (!this.cache.has(key) && !isFlying(key)) this.launch(key, request, true);
    }
  }

  launch(key, request, isAhead) {
    const id = this.next++;
    this.flying.set(id, { key, isAhead });
    this.send({ ...request, view: this.view, id });
  }

  /** Take an answer; returns whether it was one of these. */
  receive(answer) {
    if (answer.view !== this.view || !this.flying.has(answer.id)) return false;
    const { key, isAhead } = this.flying.get(answer.id);
    this.flying.delete(answer.id);
    if (answer.kind !== "error") this.remember(key, answer);
    const isWanted = this.wanted !== null && key === this.wanted.key;
    if (isWanted) this.settle();
    if (isWanted || (!isAhead && answer.id > this.latest)) {
      this.latest = Math.max(this.latest, answer.id);
      this.show(answer);
    }
    this.pump();
    return true;
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
    this.bytes -= this.cache.get(key)?.bytes ?? 0;
    this.cache.delete(key);
    this.cache.set(key, answer);
    this.bytes += answer.bytes;
    for (const [oldest, { bytes }] of this.cache) {
      if (this.bytes <= CACHE_BYTES || oldest === key) break;
      this.cache.delete(oldest);
      this.bytes -= bytes;
    }
  }

  /** Forget everything: the data have changed. */
  clear() {
    this.cache.clear();
    this.flying.clear();
    this.bytes = 0;
    this.wanted = null;
    this.ahead = [];
  }

  remove() {
    this.clear();
    clearTimeout(this.timer);
  }
}

/** Questions with one answer each; a newer question of a kind (about a path) makes the older one's answer void. */
export class Questions {
  constructor(send) {
    this.send = send;
    this.view = Math.random().toString(36).slice(2);
    this.open = new Map();
    this.next = 1;
  }

  ask(message, answer) {
    const id = this.next++;
    const key = `${message.kind} ${message.path ?? ""}`;
    for (const [older, question] of this.open) if (question.key === key) this.open.delete(older);
    this.open.set(id, { key, answer });
    this.send({ ...message, view: this.view, id });
  }

  receive(answer) {
    if (answer.view !== this.view) return;
    const question = this.open.get(answer.id);
    this.open.delete(answer.id);
    question?.answer(answer);
  }
}
