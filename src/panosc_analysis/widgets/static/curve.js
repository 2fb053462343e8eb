// Curves with their error bands.

// Okabe and Ito's, which people tell apart whatever colours they see; the black one follows the theme.
const CURVE_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];

export function curveColour(i, theme) {
  const all = [...CURVE_COLOURS, theme.ink];
  return all[i % all.length];
}

/** Lowest and highest of the values that can be drawn, a little widened; [low, high]. */
export function rangeOf(values, scale, errors = null) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const spread = errors && scale !== "log" && Number.isFinite(errors[i]) ? errors[i] : 0;
    if (!Number.isFinite(values[i]) || (scale === "log" && values[i] <= 0)) continue;
    low = Math.min(low, values[i] - spread);
    high = Math.max(high, values[i] + spread);
  }
  if (!(low <= high)) return scale === "log" ? [1, 10] : [0, 1];
  if (scale === "log") return [low / 1.2, high * 1.2];
  const size = Math.max(Math.abs(low), Math.abs(high));
  const margin = high - low <= 1e-12 * size ? size * 0.1 || 1 : (high - low) * 0.04;
  return [low - margin, high + margin];
}

/** The range of several curves together. */
export function rangeOfAll(curves, which, scale) {
  const ranges = curves.map((curve) => rangeOf(curve[which], scale, which === "y" ? curve.errors : curve.spread));
  return [Math.min(...ranges.map((range) => range[0])), Math.max(...ranges.map((range) => range[1]))];
}

/** The curves of an answer: [{x, y, errors, spread, label, units}]; `spread` is the error of x. */
export function curvesOf(answer) {
  const arrays = (i) => ["x", "y", "errors", "spread"].map((name) => [name, answer[`${name}${i}`]]);
  return answer.curves.map((said, i) => ({ ...said, ...Object.fromEntries(arrays(i)) }));
}

export function drawCurve(context, box, curve, x, y, colour) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  if (curve.errors) drawBand(context, curve, x, y, colour);
  if (curve.spread) drawBars(context, curve, x, y, colour);
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  let isPenDown = false;
  forEachPoint(curve, x, y, (px, py) => {
    if (py === null) isPenDown = false;
    else if (isPenDown) context.lineTo(px, py);
    else context.moveTo(px, py);
    isPenDown = py !== null;
  });
  context.stroke();
  if (curve.x.length <= 60) {
    context.fillStyle = colour;
    forEachPoint(curve, x, y, (px, py) => {
      if (py === null) return;
      context.beginPath();
      context.arc(px, py, 2.5, 0, 2 * Math.PI);
      context.fill();
    });
  }
  context.restore();
}

function forEachPoint(curve, x, y, draw) {
  for (let i = 0; i < curve.x.length; i++) {
    const drawable = isDrawable(curve.x[i], x.scale) && isDrawable(curve.y[i], y.scale);
    draw(drawable ? x.place(curve.x[i]) : 0, drawable ? y.place(curve.y[i]) : null);
  }
}

function isDrawable(value, scale) {
  return Number.isFinite(value) && (scale !== "log" || value > 0);
}

function drawBand(context, curve, x, y, colour) {
  context.fillStyle = colour;
  context.globalAlpha = 0.22;
  let run = [];
  for (let i = 0; i <= curve.x.length; i++) {
    const edge = i < curve.x.length ? edgeAt(curve, i, x, y) : null;
    if (edge) run.push(edge);
    else if (run.length) {
      context.beginPath();
      for (const [px, low] of run) context.lineTo(px, low);
      for (const [px, , high] of run.reverse()) context.lineTo(px, high);
      context.fill();
      run = [];
    }
  }
  context.globalAlpha = 1;
}

function edgeAt(curve, i, x, y) {
  const [value, error] = [curve.y[i], curve.errors[i]];
  if (!isDrawable(curve.x[i], x.scale) || !isDrawable(value, y.scale) || !Number.isFinite(error)) return null;
  const low = y.scale === "log" ? Math.max(value - error, y.low / 10) : value - error;
  return [x.place(curve.x[i]), y.place(low), y.place(value + error)];
}

/** Errors of x: a bar through each point. */
function drawBars(context, curve, x, y, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 0; i < curve.x.length; i++) {
    const [middle, spread] = [curve.x[i], Math.abs(curve.spread[i])];
    if (!(spread > 0) || !isDrawable(middle, x.scale) || !isDrawable(curve.y[i], y.scale)) continue;
    const low = x.scale === "log" ? Math.max(middle - spread, x.low / 10) : middle - spread;
    context.moveTo(x.place(low), y.place(curve.y[i]));
    context.lineTo(x.place(middle + spread), y.place(curve.y[i]));
  }
  context.stroke();
}

/** The point whose x lies nearest to `value`. */
export function nearest(xs, value) {
  let best = 0;
  for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - value) < Math.abs(xs[best] - value)) best = i;
  return best;
}
