// Runs in the page: says when a picture is there and how often it changes, by looking at its pixels.

// A WebGL canvas must keep its pixels to be looked at; this costs every viewer that uses one the same.
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  const kept = /webgl/.test(kind) ? { ...options, preserveDrawingBuffer: true } : options;
  return getContext.call(this, kind, kept);
};

const SIDE = 48;
const PATIENCE = 90_000; // ms that a picture is waited for
const small = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true });
const nextFrame = () => new Promise(requestAnimationFrame);

const known = { selector: '', found: null, at: 0 };
const KNOWN = 500; // ms that a picture is known to be the largest: asking costs the page a layout

/** The largest visible picture. */
function picture(selector) {
  const isKnown = known.selector === selector && known.found?.isConnected && performance.now() - known.at < KNOWN;
  if (!isKnown) Object.assign(known, { selector, found: largest(selector), at: performance.now() });
  return known.found && (known.found.complete ?? true) ? known.found : null;
}

function largest(selector) {
  const area = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return element.checkVisibility() ? width * height : 0;
  };
  const found = [...document.querySelectorAll(selector)].sort((a, b) => area(b) - area(a))[0];
  return found && area(found) > 10_000 ? found : null;
}

/** Its pixels, small. */
function pixels(selector) {
  const found = picture(selector);
  if (!found) return null;
  small.clearRect(0, 0, SIDE, SIDE);
  try {
    small.drawImage(found, 0, 0, SIDE, SIDE);
  } catch {
    return null; // an image that is being replaced
  }
  return new Uint32Array(small.getImageData(0, 0, SIDE, SIDE).data.buffer);
}

/** A number that stands for what is seen: 0 for nothing, or for a picture that is being replaced. */
function look(selector) {
  const values = pixels(selector);
  if (!values || new Set(values).size < 2) return 0;
  let sum = 17;
  for (const value of values) sum = (Math.imul(sum, 31) + value) | 0;
  return sum || 1;
}

window.watching = {
  keys: [],
  last: 0,

  /** Seconds from calling `start` until the picture has many colours. */
  async first(selector, start) {
    const from = performance.now();
    start();
    while (performance.now() - from < PATIENCE) {
      await nextFrame();
      const values = pixels(selector);
      if (values && new Set(values).size > 60) return (performance.now() - from) / 1000;
    }
    throw new Error(`no picture at ${selector}`);
  },

  /** Note when the picture changes and when keys come, until `stop`. */
  watch(selector) {
    this.keys = [];
    this.going = true;
    this.done = (async () => {
      const changes = [];
      const seen = new Set();
      let last = look(selector);
      while (this.going) {
        await nextFrame();
        const now = look(selector);
        if (!now || now === last) continue;
        changes.push(performance.now());
        seen.add(now);
        last = now;
      }
      return { changes, pictures: seen.size, keys: this.keys };
    })();
  },

  async stop() {
    this.going = false;
    return await this.done;
  },

  /** Wait until the picture is another than at the last call. */
  async another(selector) {
    const from = performance.now();
    while (performance.now() - from < PATIENCE) {
      const now = look(selector);
      const isNew = now && now !== this.last;
      if (isNew) {
        this.last = now;
        return;
      }
      await nextFrame();
    }
    throw new Error(`the picture at ${selector} stays the same`);
  },

  /** Wait until the picture has not changed for `quiet` seconds. */
  async settle(selector, quiet) {
    this.last = 0;
    let since = performance.now();
    while (performance.now() - since < 1000 * quiet) {
      await nextFrame();
      const now = look(selector);
      if (now !== this.last) since = performance.now();
      this.last = now;
    }
  },
};

addEventListener('keydown', () => window.watching.keys.push(performance.now()), true);
