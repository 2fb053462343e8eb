// From a code to a value to a colour: the scales of silx, in double precision, for the shader, the canvas and the bars.

/** The value that a code stands for; see encoding.py. */
export function decoded(codec, code) {
  if (codec.kind === "asinh") return codec.step * Math.sinh(codec.slope * code + codec.offset);
  return codec.offset + codec.step * code;
}

const FORWARD = {
  linear: (value) => value,
  gamma: (value) => value,
  log: (value) => (value > 0 ? Math.log10(value) : -Infinity),
  sqrt: (value) => (value >= 0 ? Math.sqrt(value) : -Infinity),
  arcsinh: (value) => Math.asinh(value),
};
const BACKWARD = {
  linear: (place) => place,
  gamma: (place) => place,
  log: (place) => 10 ** place,
  sqrt: (place) => place * place,
  arcsinh: (place) => Math.sinh(place),
};

/** Where a value lies between two others on a scale: 0 at low, 1 at high, not clipped. */
export function fraction(value, low, high, scale, gamma = 1) {
  const forward = FORWARD[scale];
  const first = forward(low);
  const part = (forward(value) - first) / (forward(high) - first);
  return scale === "gamma" ? Math.max(0, part) ** gamma : part;
}

/** The value at a part of the way from low to high. */
export function valueAtFraction(part, low, high, scale, gamma = 1) {
  const forward = FORWARD[scale];
  const first = forward(low);
  const place = scale === "gamma" ? part ** (1 / gamma) : part;
  return BACKWARD[scale](first + place * (forward(high) - first));
}

const decodedCodes = { key: "", values: new Float64Array(0) };

function valuesOf(codec, bits) {
  const key = `${bits} ${codec.kind} ${codec.offset} ${codec.step} ${codec.slope}`;
  if (decodedCodes.key !== key) {
    const values = new Float64Array(2 ** bits);
    for (let code = 0; code < values.length; code++) values[code] = decoded(codec, code);
    Object.assign(decodedCodes, { key, values });
  }
  return decodedCodes.values;
}

const levelTables = { key: "", table: null };

/** The number of the colour (0 … 255) of every code, as silx's `normalize` gives it; the same array for the same question. */
export function levelTable(codec, bits, colouring) {
  const key = JSON.stringify([codec, bits, colouring]);
  if (levelTables.key !== key) Object.assign(levelTables, { key, table: makeLevelTable(codec, bits, colouring) });
  return levelTables.table;
}

function makeLevelTable(codec, bits, { scale, gamma, low, high }) {
  const values = valuesOf(codec, bits);
  const table = new Uint8Array(values.length);
  const forward = FORWARD[scale];
  const first = forward(low);
  const factor = 1 / (forward(high) - first);
  for (let code = 0; code < table.length; code++) {
    let part = (forward(values[code]) - first) * factor;
    if (scale === "gamma") part = part > 0 ? part ** gamma : 0;
    const level = Math.floor(part * 256);
    if (level >= 255) return table.fill(255, code); // values rise with their codes, colours with the values
    table[code] = level > 0 ? level : 0;
  }
  return table;
}

/** Whether two limits lie so close together that the codes cannot tell colours apart. */
export function isCoarse(codec, { scale, gamma, low, high }) {
  if (codec.exact) return false;
  const code = (value) =>
    codec.kind === "asinh" ? (Math.asinh(value / codec.step) - codec.offset) / codec.slope : (value - codec.offset) / codec.step;
  const middle = valueAtFraction(0.5, low, high, scale, gamma);
  return Math.min(Math.abs(code(high) - code(middle)), Math.abs(code(middle) - code(low))) < 256;
}
