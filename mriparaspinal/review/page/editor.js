/* What is drawn on a slice, and what clicks, drags and keys do to it. A shape is never changed, but replaced. */

import { area, distance, isInside, middle, mirrored, nearestEdge, pushed, simplified, spline, within } from "./geometry.js";

/* Corners that are left out lie this near to the line that stays, in pixels. */
const CURVE_TOLERANCE = 0.25;
const STEPS_KEPT = 200;
/* A file holds thousandths of a pixel. */
const WRITTEN_TOLERANCE = 0.002;

export const otherSide = (region) => region.replace(/_[LR]$/, (side) => (side === "_L" ? "_R" : "_L"));

/* Which shape of the file each shape is, and each number of an earlier file, after these were `sent` and written. */
function placesOf(sent, written) {
  const free = new Set(written);
  const places = new Map();
  const near = (a, b) => a.length === b.length && a.every((p, i) => distance(p, b[i]) < WRITTEN_TOLERANCE);
  for (const shape of sent) {
    const found = [...free].find((one) => one.region === shape.region && one.polygon === shape.polygon && (!shape.polygon || near(one.points, shape.points)));
    if (!found) continue;
    free.delete(found);
    places.set(shape, found.index);
    if (shape.index !== null) places.set(shape.index, found.index);
  }
  return places;
}

export class Editor {
  /* `changed`: to be drawn again; `chosen`: another region; `done`: something was finished; `closed`: clicks became a shape. */
  constructor({ changed, done, closed, chosen }) {
    Object.assign(this, { changed, done, closed, chosen });
    this.radius = 10;
    this.brush = false;
    this.load([], [], 1, 1);
  }

  load(shapes, regions, columns, rows) {
    Object.assign(this, { shapes, columns, rows, past: [], future: [], clicks: [], drag: null, hover: -1 });
    this.order = [...regions, ...new Set(shapes.map((s) => s.region).filter((r) => !regions.includes(r)))];
    this.selected = null;
    this.region = this.order.find((region) => !this.of(region).length) || this.order[0] || "";
  }

  /* What is drawn without a drag that has not ended. */
  get finished() { return this.drag ? this.drag.before : this.shapes; }

  /* After `sent` was saved as `shapes` of the file: every step learns which shape of the file each of its own is now.
     What was drawn meanwhile stays. */
  rebase(sent, shapes) {
    const places = placesOf(sent, shapes);
    const renewed = new Map();
    const renew = (shape) => {
      if (!renewed.has(shape)) {
        const index = places.get(shape) ?? places.get(shape.index) ?? null;
        renewed.set(shape, index === shape.index ? shape : { ...shape, index });
      }
      return renewed.get(shape);
    };
    const anew = (step) => step.map(renew);
    // A shape that is no polygon cannot come back once the file has lost it.
    const whole = (step) => step.every((shape) => shape.polygon || shape.index !== null);
    this.past = this.past.map(anew).filter(whole);
    this.future = this.future.map(anew).filter(whole);
    if (this.selected) this.selected = renew(this.selected);
    if (this.shapes === sent) {
      this.shapes = shapes;
      this.selected = null;
      return;
    }
    this.shapes = anew(this.shapes);
    if (this.drag) this.drag.before = this.drag.before === sent ? shapes : anew(this.drag.before);
  }

  of(region) { return this.shapes.filter((shape) => shape.region === region); }

  get active() {
    const own = this.of(this.region);
    return own.includes(this.selected) ? this.selected : own[own.length - 1] || null;
  }

  select(region, shape = null) {
    this.finish();
    Object.assign(this, { region, selected: shape, clicks: [], hover: -1 });
    this.changed();
    this.chosen();
  }

  /* The next region of the protocol, or the next one where nothing is drawn. */
  step(by, empty = false) {
    const n = this.order.length;
    const at = this.order.indexOf(this.region);
    for (let k = 1; k <= n; k++) {
      const region = this.order[(at + by * k + n * k) % n];
      if (!empty || !this.of(region).length) return this.select(region);
    }
    return undefined;
  }

  /* ---- steps that can be undone ---- */

  commit(shapes, before = this.shapes) {
    this.past.push(before);
    if (this.past.length > STEPS_KEPT) this.past.shift();
    this.future = [];
    this.shapes = shapes;
    this.changed();
    this.done();
  }

  undo() {
    if (this.clicks.length) this.clicks.pop();
    else if (this.past.length) {
      this.future.push(this.shapes);
      this.shapes = this.past.pop();
      this.done();
    }
    this.changed();
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.shapes);
    this.shapes = this.future.pop();
    this.changed();
    this.done();
  }

  swap(old, points) {
    const shape = { ...old, points, polygon: true };
    if (this.selected === old) this.selected = shape;
    return this.shapes.map((one) => (one === old ? shape : one));
  }

  /* ---- drawing ---- */

  /* The line through the clicks, as it will be before it is refined. */
  curve() { return this.clicks.length > 2 ? spline(this.clicks) : this.clicks; }

  finish() {
    if (this.clicks.length < 3) return false;
    const clicks = this.clicks;
    this.clicks = [];
    const points = simplified(spline(clicks), CURVE_TOLERANCE).map((p) => within(p, this.columns, this.rows));
    if (area(points) < 1) return false;
    const shape = { region: this.region, index: null, points, polygon: true };
    this.selected = shape;
    this.commit([...this.shapes, shape]);
    this.closed(shape, clicks);
    return true;
  }

  /* The same shape, snapped to the slice; no step of its own. */
  refined(shape, points) {
    if (!this.shapes.includes(shape)) return false;
    this.shapes = this.swap(shape, points.map((p) => within(p, this.columns, this.rows)));
    this.changed();
    this.done();
    return true;
  }

  remove() {
    const { active } = this;
    if (this.clicks.length) this.clicks = [];
    else if (active && this.hover >= 0 && active.points.length > 3) {
      const at = this.hover;
      this.hover = -1;
      return this.commit(this.swap(active, active.points.filter((_, i) => i !== at)));
    }
    return this.changed();
  }

  removeShape() {
    const { active } = this;
    this.clicks = [];
    if (active) this.commit(this.shapes.filter((shape) => shape !== active));
    this.changed();
  }

  /* The column through which a contour is mirrored: that of the disc, else the middle of both sides. */
  get axis() {
    const reference = this.shapes.find(({ region }) => region === "IVD" || region === "VB");
    if (reference) {
      const columns = reference.points.map(([x]) => x);
      return (Math.min(...columns) + Math.max(...columns)) / 2;
    }
    const centres = ["MF", "ES", "PM"].map((muscle) => ["L", "R"].map((side) => this.of(`${muscle}_${side}`)[0]));
    const pair = centres.find(([l, r]) => l && r);
    return pair ? (middle(pair[0].points)[0] + middle(pair[1].points)[0]) / 2 : this.columns / 2;
  }

  /* From the other side; where that is empty, to it. */
  mirror() {
    const other = otherSide(this.region);
    if (other === this.region) return;
    const [from, to] = this.of(other).length ? [other, this.region] : [this.region, other];
    if (!this.of(from).length) return;
    const copies = this.of(from).map(({ points }) => ({
      region: to, index: null, polygon: true,
      points: mirrored(points, this.axis).map((p) => within(p, this.columns, this.rows)),
    }));
    this.clicks = [];
    this.region = to;
    this.commit([...this.shapes.filter((shape) => shape.region !== to), ...copies]);
  }

  /* Contours of a proposal: of the region alone, or of all; how many there are then, no more than `most`. */
  take(shapes, all, most) {
    const chosen = shapes.filter((shape) => shape.points.length > 2 && (all || shape.region === this.region));
    if (!chosen.length) return 0;
    const regions = new Set(chosen.map((shape) => shape.region));
    const copies = chosen.map(({ region, points }) => ({ region, index: null, points, polygon: true }));
    const taken = [...this.shapes.filter((shape) => !regions.has(shape.region)), ...copies];
    if (taken.length > most) return taken.length;
    this.clicks = [];
    this.commit(taken);
    return taken.length;
  }

  /* ---- the pointer; `reach`: how near counts as on it, in pixels of the image ---- */

  down(p, reach, add) {
    const at = within(p, this.columns, this.rows);
    const { active } = this;
    if (this.clicks.length) {
      if (this.clicks.length > 2 && distance(at, this.clicks[0]) < 1.4 * reach) this.finish();
      else this.clicks.push(at);
    } else if (this.brush && active && active.polygon) {
      this.drag = { kind: "brush", before: this.shapes, last: at };
      this.push(at);
    } else if (active && !add) this.grab(at, active, reach);
    else this.clicks.push(at);
    this.changed();
  }

  grab(at, active, reach) {
    if (active.polygon) {
      const vertex = this.near(at, reach);
      const edge = nearestEdge(at, active.points);
      if (vertex >= 0 || edge.distance < reach) {
        const points = [...active.points];
        if (vertex < 0) points.splice(edge.index + 1, 0, edge.at);
        this.drag = { kind: "point", before: this.shapes, index: vertex < 0 ? edge.index + 1 : vertex, from: at, moved: false };
        this.shapes = this.swap(active, points);
        this.hover = this.drag.index;
        return;
      }
    }
    const other = this.shapes.find((shape) => shape !== active && isInside(at, shape.points));
    if (other && !isInside(at, active.points)) this.select(other.region, other);
  }

  near(p, reach) {
    const { active } = this;
    if (!active || !active.polygon) return -1;
    let best = -1;
    active.points.forEach((q, i) => {
      if (distance(p, q) < (best < 0 ? reach : distance(p, active.points[best]))) best = i;
    });
    return best;
  }

  move(p, reach) {
    const at = within(p, this.columns, this.rows);
    if (this.drag?.kind === "point") {
      // A click that trembles is no drag.
      if (!this.drag.moved && distance(at, this.drag.from) < reach / 3) return;
      this.drag.moved = true;
      this.shapes = this.swap(this.active, this.active.points.map((q, i) => (i === this.drag.index ? at : q)));
    } else if (this.drag?.kind === "brush") {
      const { last } = this.drag;
      const steps = Math.max(1, Math.ceil(distance(last, at) / (this.radius / 3)));
      for (let k = 1; k <= steps; k++) this.push([0, 1].map((i) => last[i] + ((at[i] - last[i]) * k) / steps));
      this.drag.last = at;
    } else this.hover = this.brush ? -1 : this.near(at, reach);
    this.changed();
  }

  push(at) { this.shapes = this.swap(this.active, pushed(this.active.points, at, this.radius)); }

  up() {
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (drag.kind === "brush") {
      const points = simplified(this.active.points, CURVE_TOLERANCE).map((p) => within(p, this.columns, this.rows));
      this.shapes = this.swap(this.active, points);
    } else if (!drag.moved) {
      this.shapes = drag.before;
      return;
    }
    this.commit(this.shapes, drag.before);
  }
}
