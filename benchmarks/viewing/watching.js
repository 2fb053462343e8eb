// Runs in the page: says when a picture is there and how often it changes, by looking at its pixels.

// A WebGL canvas must keep its pixels to be looked at; this costs every viewer that uses one the same.
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, options) {
  const kept = /webgl/.test(kind) ? { ...options, preserveDrawingBuffer: true } : options;
  return getContext.call(this, kind, kept);
};

const SIDE = 48;
const small = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true });
const nextFrame = () => new Promise(requestAnimationFrame);

/** The largest visible picture. */
function picture(selector) {
  const area = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return element.checkVisibility() ? width * height : 0;
  };
  const found = [...document.querySelectorAll(selector)].sort((a, b) => area(b) - area(a))[0];
  return found && area(found) > 10_000 && (found.complete ?? true) ? found : null;
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

function hash(values) {
  let sum = 17;
  for (const value of values) sum = (Math.imul(sum, 31) + value) | 0;
  return sum;
}

window.watching = {
  /** Seconds from calling `start` until the picture has many colours; after a minute and a half it is not awaited. */
  async first(selector, start) {
    const from = performance.now();
    start();
    while (performance.now() - from < 90_000) {
      await nextFrame();
      const values = pixels(selector);
      if (values && new Set(values).size > 60) return (performance.now() - from) / 1000;
    }
    throw new Error(`no picture at ${selector}`);
  },

  /** Count how often the picture changes, until `stop`. */
  watch(selector) {
    const seen = { changes: 0, moments: [] };
    let last = hash(pixels(selector) ?? []);
    this.going = true;
    this.done = (async () => {
      const from = performance.now();
      while (this.going) {
        await nextFrame();
        const values = pixels(selector);
        const now = values ? hash(values) : last;
        if (now !== last) {
          seen.changes += 1;
          seen.moments.push(performance.now());
        }
        last = now;
      }
      return { ...seen, seconds: (performance.now() - from) / 1000 };
    })();
  },

  async stop() {
    this.going = false;
    return await this.done;
  },

  /** Wait until the picture has not changed for `quiet` seconds. */
  async settle(selector, quiet) {
    let last = 0;
    let since = performance.now();
    while (performance.now() - since < 1000 * quiet) {
      await nextFrame();
      const now = hash(pixels(selector) ?? []);
      if (now !== last) since = performance.now();
      last = now;
    }
  },
};
