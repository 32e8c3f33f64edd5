/* The canvas: the slice under its window, contours, fat, what is being drawn. */

import { distance } from "./geometry.js";

export const COLOURS = {
  MF: "#ffb347", ES: "#5ec8ff", PM: "#7fe08a", QL: "#c9a0ff", IVD: "#ff8ad8", VB: "#ff8ad8", SAT: "#e6e08a",
};

/* The colours of the study's own regions. */
export const addColours = (own) => Object.assign(COLOURS, own);

export const colour = (region) => COLOURS[region.split("_")[0]] || "#ffffff";

const FAT = [255, 214, 10];

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.picture = document.createElement("canvas");
    this.fat = null;
    this.rows = this.columns = 0;
    this.window = { low: 0, high: 255 };
    this.scale = 1;
    this.left = this.top = 0;
    this.whole = [];
  }

  /* A new slice: grey levels of rows × columns, one byte each. */
  show(grey, rows, columns) {
    Object.assign(this, { grey, rows, columns, fat: null });
    this.picture.width = columns;
    this.picture.height = rows;
    this.paint();
    this.fit();
  }

  /* Grey levels under the window: LOW and all below black, HIGH and all above white. */
  paint() {
    if (!this.grey) return;
    const { low, high } = this.window;
    const levels = Uint8ClampedArray.from({ length: 256 }, (_, g) => (255 * (g - low)) / Math.max(1, high - low));
    const pen = this.picture.getContext("2d");
    const image = pen.createImageData(this.columns, this.rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < pixels.length; i++) pixels[i] = 0xff000000 | (levels[this.grey[i]] * 0x010101);
    pen.putImageData(image, 0, 0);
  }

  /* Fat pixels as the program counted them: a bit for each pixel, row by row. */
  setFat(base64) {
    this.fat = null;
    if (!base64) return 0;
    const bits = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const layer = document.createElement("canvas");
    layer.width = this.columns;
    layer.height = this.rows;
    const pen = layer.getContext("2d");
    const image = pen.createImageData(this.columns, this.rows);
    let count = 0;
    for (let i = 0; i < this.rows * this.columns; i++) {
      if (!((bits[i >> 3] >> (7 - (i & 7))) & 1)) continue;
      image.data.set([...FAT, 200], 4 * i);
      count++;
    }
    pen.putImageData(image, 0, 0);
    this.fat = layer;
    return count;
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.ratio = ratio;
  }

  fit() {
    this.resize();
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.scale = Math.min(width / this.columns, height / this.rows) || 1;
    this.left = (width - this.scale * this.columns) / 2;
    this.top = (height - this.scale * this.rows) / 2;
    this.whole = [this.scale, this.left, this.top];
  }

  /* The canvas has another size: the whole slice is whole again, and a part that was zoomed into stays. */
  resized() {
    const { whole } = this;
    if ([this.scale, this.left, this.top].every((number, i) => number === whole[i])) this.fit();
    else this.resize();
  }

  toImage(x, y) { return [(x - this.left) / this.scale, (y - this.top) / this.scale]; }

  toScreen([x, y]) { return [this.left + x * this.scale, this.top + y * this.scale]; }

  zoom(factor, x, y) {
    const [column, row] = this.toImage(x, y);
    this.scale = Math.max(0.2, Math.min(60, this.scale * factor));
    this.left = x - column * this.scale;
    this.top = y - row * this.scale;
  }

  draw(scene) {
    const { pen } = this;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    if (!this.grey) return;
    const place = [this.left, this.top, this.scale * this.columns, this.scale * this.rows];
    pen.imageSmoothingEnabled = !scene.fat;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.picture, ...place);
    if (scene.fat && this.fat) {
      pen.imageSmoothingEnabled = false;
      pen.drawImage(this.fat, ...place);
    }
    if (scene.contours) {
      scene.others.forEach((shape) => this.outline(shape, { width: 1, dash: [1, 3], faint: true }));
      scene.proposals.forEach(({ shapes }, i) => shapes.forEach((shape) => this.outline(shape, { dash: i ? [2, 3] : [7, 4], width: 1.3, faint: true })));
      scene.shapes.forEach((shape) => this.outline(shape, { width: shape === scene.active ? 2.2 : 1.5 }));
      if (scene.active && scene.active.polygon && !scene.brush) this.handles(scene.active, scene.hover);
    }
    if (scene.clicks.length) this.clicks(scene);
    if (scene.brush && scene.pointer) this.circle(scene.pointer, scene.radius);
    if (scene.cursor) this.cross(scene.cursor);
    if (scene.spacing) this.bars(scene.spacing);
  }

  /* A length in mm, across and down: pixels need not be as high as they are wide. */
  bars([down, across]) {
    const { pen, canvas } = this;
    const most = Math.min(canvas.clientWidth, canvas.clientHeight) / 4;
    const length = [100, 50, 20, 10, 5, 2, 1].find((mm) => (mm / Math.min(across, down)) * this.scale <= most);
    if (!length) return;
    const [right, bottom] = [canvas.clientWidth - 14, canvas.clientHeight - 14];
    for (const [width, style] of [[4, "#000"], [2, "#fff"]]) {
      pen.beginPath();
      pen.moveTo(right - (length / across) * this.scale, bottom);
      pen.lineTo(right, bottom);
      pen.lineTo(right, bottom - (length / down) * this.scale);
      pen.lineWidth = width;
      pen.strokeStyle = style;
      pen.stroke();
    }
    pen.font = "13px system-ui, 'DejaVu Sans', sans-serif";
    pen.textAlign = "right";
    pen.lineWidth = 3;
    pen.strokeStyle = "#000";
    pen.strokeText(`${length} mm`, right - 7, bottom - 7);
    pen.fillStyle = "#fff";
    pen.fillText(`${length} mm`, right - 7, bottom - 7);
  }

  path(points, closed = true) {
    this.pen.beginPath();
    points.forEach((p, i) => this.pen[i ? "lineTo" : "moveTo"](...this.toScreen(p)));
    if (closed) this.pen.closePath();
  }

  outline({ points, region }, { width, dash = [], faint = false }) {
    const { pen } = this;
    if (!points.length) return;
    this.path(points);
    pen.setLineDash(dash);
    pen.globalAlpha = faint ? 0.75 : 1;
    pen.strokeStyle = "rgb(0 0 0 / 55%)";
    pen.lineWidth = width + 1.5;
    pen.stroke();
    pen.strokeStyle = colour(region);
    pen.lineWidth = width;
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  }

  handles(shape, hover) {
    const { pen } = this;
    // Small where points lie close together, so that the line can be seen between them.
    const length = shape.points.reduce((sum, p, i, all) => sum + distance(p, all[(i + 1) % all.length]), 0);
    const small = Math.max(1.2, Math.min(2.6, (length * this.scale) / shape.points.length / 5));
    shape.points.forEach((p, i) => {
      const [x, y] = this.toScreen(p);
      const size = i === hover ? 4.5 : small;
      pen.fillStyle = i === hover ? "#fff" : colour(shape.region);
      pen.strokeStyle = "#000";
      pen.lineWidth = 1;
      pen.beginPath();
      pen.rect(x - size, y - size, 2 * size, 2 * size);
      pen.fill();
      pen.stroke();
    });
  }

  clicks({ clicks, curve, region }) {
    const { pen } = this;
    if (clicks.length > 2) this.outline({ points: curve, region }, { width: 1.5, dash: [5, 3] });
    else {
      this.path(clicks, false);
      pen.strokeStyle = colour(region);
      pen.lineWidth = 1.5;
      pen.stroke();
    }
    clicks.forEach((p, i) => {
      const [x, y] = this.toScreen(p);
      pen.beginPath();
      pen.arc(x, y, i ? 3 : 5, 0, 7);
      pen.fillStyle = i ? "#fff" : colour(region);
      pen.fill();
      pen.strokeStyle = "#000";
      pen.lineWidth = 1;
      pen.stroke();
    });
  }

  circle(centre, radius) {
    const { pen } = this;
    pen.beginPath();
    pen.arc(...this.toScreen(centre), radius * this.scale, 0, 7);
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1.2;
    pen.stroke();
  }

  cross(at) {
    const { pen } = this;
    const [x, y] = this.toScreen(at);
    pen.beginPath();
    for (const [dx, dy] of [[14, 0], [-14, 0], [0, 14], [0, -14]]) {
      pen.moveTo(x + dx / 3.5, y + dy / 3.5);
      pen.lineTo(x + dx, y + dy);
    }
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1.5;
    pen.stroke();
  }
}
