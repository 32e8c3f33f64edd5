/* Points [column, row] in pixels of the image; polygons are closed without repeating their first point. */

export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

const copy = (points) => points.map(([x, y]) => [x, y]);

export function isInside([x, y], points) {
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [ax, ay] = points[i];
    const [bx, by] = points[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

export function area(points) {
  let twice = 0;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++)
    twice += points[j][0] * points[i][1] - points[i][0] * points[j][1];
  return Math.abs(twice) / 2;
}

export function middle(points) {
  const sum = points.reduce(([sx, sy], [x, y]) => [sx + x, sy + y], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}

/* How far a point is from the line between two others, and the nearest place on it. */
export function toSegment(p, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length ? Math.max(0, Math.min(1, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length)) : 0;
  const at = [a[0] + t * dx, a[1] + t * dy];
  return { distance: distance(p, at), at };
}

/* The edge of a polygon that is nearest to a point: it runs from point `index` to the next one. */
export function nearestEdge(p, points) {
  let best = { distance: Infinity, at: p, index: 0 };
  points.forEach((a, index) => {
    const found = toSegment(p, a, points[(index + 1) % points.length]);
    if (found.distance < best.distance) best = { ...found, index };
  });
  return best;
}

/* A closed curve through the points (Catmull–Rom, centripetal), as a polygon with a point about every pixel. */
export function spline(points) {
  const n = points.length;
  if (n < 3) return copy(points);
  const curve = [];
  for (let i = 0; i < n; i++) {
    const [p0, p1, p2, p3] = [-1, 0, 1, 2].map((k) => points[(i + k + n) % n]);
    const knot = (t, a, b) => t + Math.max(Math.sqrt(distance(a, b)), 1e-4);
    const t1 = knot(0, p0, p1);
    const t2 = knot(t1, p1, p2);
    const t3 = knot(t2, p2, p3);
    const mix = (a, b, ta, tb, t) => [0, 1].map((k) => (a[k] * (tb - t) + b[k] * (t - ta)) / (tb - ta));
    const steps = Math.max(2, Math.ceil(distance(p1, p2)));
    for (let s = 0; s < steps; s++) {
      const t = t1 + ((t2 - t1) * s) / steps;
      const [a1, a2, a3] = [mix(p0, p1, 0, t1, t), mix(p1, p2, t1, t2, t), mix(p2, p3, t2, t3, t)];
      curve.push(mix(mix(a1, a2, 0, t2, t), mix(a2, a3, t1, t3, t), t1, t2, t));
    }
  }
  return curve;
}

/* A polygon of fewer points, none of the old ones farther than the tolerance from its line (Douglas–Peucker). */
export function simplified(points, tolerance) {
  if (points.length < 5) return copy(points);
  const far = points.reduce((best, p, i) => (distance(p, points[0]) > distance(points[best], points[0]) ? i : best), 0);
  const keep = new Set([0, far]);
  const closed = [...points, points[0]];
  const stack = [[0, far], [far, points.length]];
  while (stack.length) {
    const [from, to] = stack.pop();
    let worst = tolerance;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const off = toSegment(closed[i], closed[from], closed[to]).distance;
      if (off > worst) [worst, at] = [off, i];
    }
    if (at >= 0) {
      keep.add(at);
      stack.push([from, at], [at, to]);
    }
  }
  const kept = points.filter((_, i) => keep.has(i));
  return kept.length >= 3 ? copy(kept) : copy(points);
}

/* A brush pushes the line away from its middle: outwards from inside a region, inwards from outside. */
export function pushed(points, centre, radius) {
  const most = Math.max(1, radius / 5);
  const fine = [];
  points.forEach((a, i) => {
    const b = points[(i + 1) % points.length];
    fine.push([a[0], a[1]]);
    if (toSegment(centre, a, b).distance > radius + 2) return;
    const parts = Math.ceil(distance(a, b) / most);
    for (let k = 1; k < parts; k++) fine.push([a[0] + ((b[0] - a[0]) * k) / parts, a[1] + ((b[1] - a[1]) * k) / parts]);
  });
  return fine.map((p) => {
    const d = distance(p, centre);
    if (d >= radius || d < 1e-6) return p;
    return [0, 1].map((k) => centre[k] + ((p[k] - centre[k]) * radius) / d);
  });
}

export const mirrored = (points, axis) => points.map(([x, y]) => [2 * axis - x, y]).reverse();

/* Points stay on the image, as LabelMe keeps them. */
export const within = ([x, y], columns, rows) => [Math.max(0, Math.min(columns, x)), Math.max(0, Math.min(rows, y))];
