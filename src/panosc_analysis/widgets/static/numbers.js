// Numbers as people read them: the same rules as quantities.py.

const THIN = "\u202f";

function grouped(text) {
  const [whole, rest] = text.split(".");
  const digits = whole.replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
  return rest === undefined ? digits : `${digits}.${rest}`;
}

/** Write a number with at most six digits: 12 345, 0.123457, 1.5e-7. */
export function formatNumber(value, digits = 6) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
  }
  return grouped(String(Number(value.toPrecision(digits))));
}

export function formatQuantity(value, units) {
  return units ? `${formatNumber(value)}${THIN}${units}` : formatNumber(value);
}

/** Round steps between two values, about `count` of them; returns [{value, label}]. */
export function linearTicks(low, high, count) {
  const span = high - low;
  // Closer together than numbers of this size can be told apart, no step would lead on.
  if (!(span > 1e-13 * Math.max(Math.abs(low), Math.abs(high)))) return [{ value: low, label: formatNumber(low) }];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((s) => s * power >= rough * 0.999) * power;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-6); i * step <= high + step * 1e-6; i++) ticks.push(i * step);
  if (ticks.length < 2 && count < 20) return linearTicks(low, high, 2 * count); // one number is no scale
  return ticks.map((value) => ({ value: value, label: tickLabel(value, step) }));
}

/** The roundest number between two others. */
export function roundest(low, high) {
  let power = Math.ceil(Math.log10(Math.max(Math.abs(low), Math.abs(high)) || 1));
  for (let left = 20; left > 0; left--, power--) {
    for (const step of [5 * 10 ** power, 2 * 10 ** power, 10 ** power]) {
      const value = Math.ceil(low / step) * step;
      if (value <= high) return Number(value.toPrecision(12));
    }
  }
  return low;
}

function tickLabel(value, step) {
  const size = Math.max(Math.abs(value), step);
  if (size >= 1e6 || size < 1e-3) return value === 0 ? "0" : formatNumber(value, significant(value, step));
  return grouped(value.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9))).replace(/^-(0(\.0+)?)$/, "$1"));
}

function significant(value, step) {
  const power = (size) => Math.floor(Math.log10(size) + 1e-9);
  return Math.min(6, Math.max(1, power(Math.abs(value)) - power(step) + 1));
}

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

function powerLabel(power) {
  if (power >= -2 && power <= 4) return grouped(String(Number((10 ** power).toPrecision(1))));
  return `10${[...String(power)].map((c) => SUPERSCRIPTS[c]).join("")}`;
}

/** Powers of ten, and within less than two of them 2 and 5 as well. */
export function logTicks(low, high, count) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, count)));
  const ticks = [];
  for (let power = first; power <= last; power += every) {
    const base = 10 ** power;
    ticks.push({ value: base, label: powerLabel(power) });
    if (last - first <= 2) for (const m of [2, 5]) ticks.push({ value: m * base, label: formatNumber(m * base) });
  }
  const kept = ticks.filter((tick) => tick.value >= low * 0.9999 && tick.value <= high * 1.0001);
  return kept.length >= 2 ? kept : linearTicks(low, high, count);
}
