// Lines, boxes and regions on an image: where their points lie, how they are drawn and taken hold of.

export const SHAPES = {
  line: { least: 2, most: 2 },
  box: { least: 2, most: 2 },
  rectangle: { least: 2, most: 2 },
  ellipse: { least: 2, most: 2 },
  polygon: { least: 3, most: 200 },
  annulus: { least: 3, most: 3 },
};

const HANDLE = 5;

/** Draw a shape; `place([row, column])` gives the pixel; `isOpen`: still being drawn. */
export function drawShape(context, shape, place, theme, isOpen = false) {
  const points = shape.points.map(place);
  for (const [colour, width] of [[theme.paper, 4], [theme.brand, 1.8]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    trace(context, shape, points, place, isOpen);
    context.stroke();
  }
  context.fillStyle = theme.paper;
  context.strokeStyle = theme.brand;
  for (const [x, y] of points) {
    context.beginPath();
    context.rect(x - HANDLE + 1, y - HANDLE + 1, 2 * HANDLE - 2, 2 * HANDLE - 2);
    context.fill();
    context.stroke();
  }
}

function trace(context, shape, points, place, isOpen) {
  if (points.length < 2) return;
  const [[x0, y0], [x1, y1]] = points;
  if (shape.kind === "ellipse") {
    context.ellipse((x0 + x1) / 2, (y0 + y1) / 2, Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2, 0, 0, 2 * Math.PI);
  } else if (shape.kind === "annulus") {
    for (const point of shape.points.slice(1)) traceCircle(context, shape.points[0], point, place);
  } else if (shape.kind === "line" || shape.kind === "polygon") {
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    if (shape.kind === "polygon" && !isOpen) context.closePath();
    if (shape.kind === "line" && shape.width > 1) traceWidth(context, shape, place);
  } else {
    context.rect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  }
}

function traceCircle(context, centre, point, place) {
  const radius = Math.hypot(point[0] - centre[0], point[1] - centre[1]);
  for (let i = 0; i <= 90; i++) {
    const angle = (i / 90) * 2 * Math.PI;
    const [x, y] = place([centre[0] + radius * Math.sin(angle), centre[1] + radius * Math.cos(angle)]);
    if (i) context.lineTo(x, y);
    else context.moveTo(x, y);
  }
}

/** The outer lines of a profile with a width. */
function traceWidth(context, { points, width }, place) {
  const [[r0, c0], [r1, c1]] = points;
  const length = Math.hypot(r1 - r0, c1 - c0) || 1;
  const [down, across] = [((c1 - c0) / length) * (width / 2), (-(r1 - r0) / length) * (width / 2)];
  for (const side of [1, -1]) {
    context.moveTo(...place([r0 + side * down, c0 + side * across]));
    context.lineTo(...place([r1 + side * down, c1 + side * across]));
  }
}

/** The number of the handle at a pixel, "all" for the shape's middle or outline, or null. */
export function gripAt(shape, place, [px, py]) {
  const points = shape.points.map(place);
  const near = points.findIndex(([x, y]) => Math.hypot(x - px, y - py) <= HANDLE + 4);
  if (near >= 0) return near;
  if (shape.kind === "line") return isNearLine(points, px, py) ? "all" : null;
  const columns = points.map((point) => point[0]);
  const rows = points.map((point) => point[1]);
  const within = (value, values) => value >= Math.min(...values) && value <= Math.max(...values);
  return within(px, columns) && within(py, rows) ? "all" : null;
}

function isNearLine([[x0, y0], [x1, y1]], px, py) {
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const along = ((px - x0) * (x1 - x0) + (py - y0) * (y1 - y0)) / length;
  const aside = Math.abs((px - x0) * (y1 - y0) - (py - y0) * (x1 - x0)) / length;
  return along >= 0 && along <= length && aside < 8;
}

/** The shape with one handle, or all of it, moved by rows and columns. */
export function moved(shape, grip, [rows, columns]) {
  const isRing = shape.kind === "annulus" && grip === 0;
  const points = shape.points.map(([row, column], i) =>
    grip === "all" || grip === i || isRing ? [row + rows, column + columns] : [row, column],
  );
  return { ...shape, points };
}
