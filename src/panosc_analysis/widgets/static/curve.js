// A curve with its error band.

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
  const margin = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.04;
  return [low - margin, high + margin];
}

export function drawCurve(context, box, answer, x, y, theme) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.width, box.height);
  context.clip();
  if (answer.errors) drawBand(context, answer, x, y, theme);
  context.strokeStyle = theme.brand;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  let isPenDown = false;
  forEachPoint(answer, x, y, (px, py) => {
    if (py === null) isPenDown = false;
    else if (isPenDown) context.lineTo(px, py);
    else context.moveTo(px, py);
    isPenDown = py !== null;
  });
  context.stroke();
  if (answer.x.length <= 60) {
    context.fillStyle = theme.brand;
    forEachPoint(answer, x, y, (px, py) => {
      if (py === null) return;
      context.beginPath();
      context.arc(px, py, 2.5, 0, 2 * Math.PI);
      context.fill();
    });
  }
  context.restore();
}

function forEachPoint(answer, x, y, draw) {
  for (let i = 0; i < answer.x.length; i++) {
    const drawable = isDrawable(answer.x[i], x.scale) && isDrawable(answer.y[i], y.scale);
    draw(drawable ? x.place(answer.x[i]) : 0, drawable ? y.place(answer.y[i]) : null);
  }
}

function isDrawable(value, scale) {
  return Number.isFinite(value) && (scale !== "log" || value > 0);
}

function drawBand(context, answer, x, y, theme) {
  context.fillStyle = theme.brand;
  context.globalAlpha = 0.22;
  let run = [];
  for (let i = 0; i <= answer.x.length; i++) {
    const edge = i < answer.x.length ? edgeAt(answer, i, x, y) : null;
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

function edgeAt(answer, i, x, y) {
  const [value, error] = [answer.y[i], answer.errors[i]];
  if (!isDrawable(answer.x[i], x.scale) || !isDrawable(value, y.scale) || !Number.isFinite(error)) return null;
  const low = y.scale === "log" ? Math.max(value - error, y.low / 10) : value - error;
  return [x.place(answer.x[i]), y.place(low), y.place(value + error)];
}

/** The point whose x lies nearest to `value`. */
export function nearest(xs, value) {
  let best = 0;
  for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - value) < Math.abs(xs[best] - value)) best = i;
  return best;
}
