// Drawing on a picture: boxes, key points, lines, polylines and polygons, with a pointer or with the keys alone.
//
// A shape is a label and points in the picture's own pixels. A box is two points: opposite corners.

import { h, lenientList, reflectData, set, svg } from "./base.js";
import { Widget } from "./widget.js";

const COLORS = ["#d5260b", "#0b5c9c", "#1d7a0e", "#8a2be2", "#b35900", "#00767d", "#c2187f", "#5a5a00", "#444", "#7b3f00"];
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What all drawings share. Subclasses say how many points a shape has and what its answer is. */
class Drawing extends Widget {
  static observedAttributes = [...Widget.observedAttributes, "initial-value", "label-colors"];
  static styles = `
    .stage { position: relative; display: inline-block; max-width: 100%; outline-offset: 2px; line-height: 0; }
    .stage img { display: block; max-width: 100%; min-width: 2em; min-height: 2em; user-select: none; }
    .stage :is(canvas, svg) { position: absolute; inset: 0; width: 100%; height: 100%; }
    .stage svg { touch-action: none; cursor: crosshair; overflow: visible; }
    .tools { display: flex; flex-wrap: wrap; gap: .4em; margin: .6em 0; }
    .labels button { border-left-width: .5em; }
    .shapes { margin: .4em 0; padding: 0; list-style: none; }
    .shapes li { display: flex; flex-wrap: wrap; gap: .4em; margin: .3em 0; }
    .shapes li > button:first-child { flex: 1; text-align: left; border-left-width: .5em; }
    .status { min-height: 1.3em; margin: .3em 0; }
  `;
  /** The name of the answer's array, of one shape, how many points one has at least, and whether more may follow. */
  static key = "";
  static noun = "shape";
  static least = 1;
  static open = false;

  shapes = [];
  draft = null;
  #label = null;
  #active = null;
  #point = 0;
  #drag = null;
  #first = null;
  #failed = false;

  get control() { return this.stage ?? null; }
  get width() { return this.image.naturalWidth; }
  get height() { return this.image.naturalHeight; }
  get value() {
    const modified = this.#first === null ? {} : { initialValueModified: JSON.stringify(this.#drawn()) !== this.#first };
    return {
      [this.constructor.key]: this.#drawn(),
      inputImageProperties: { height: this.height, width: this.width },
      ...modified,
    };
  }

  set value(value) { this.#read(value?.[this.constructor.key] ?? value ?? []); }

  render() {
    const { noun, open } = this.constructor;
    this.head = h("p", { class: "header", id: "head" });
    this.image = h("img", { alt: "", draggable: "false" });
    this.layer = svg("svg", { "aria-hidden": "true" });
    const canvas = h("canvas", { class: "upper-canvas", "aria-hidden": "true" });
    this.stage = h("div", { class: "stage", tabindex: "-1", role: "group", "aria-label": "Picture" }, this.image, canvas, this.layer);
    this.tools = h("div", { class: "tools labels", role: "group", "aria-label": "Labels" });
    this.finisher = h("button", { type: "button", hidden: true, onclick: () => this.#finish() }, `Finish the ${noun}`);
    const adder = h("button", { type: "button", onclick: () => this.#add() }, `Add a ${noun}`);
    this.list = h("ul", { class: "shapes", "aria-label": "What is drawn" });
    this.status = h("p", { class: "status", role: "status" });
    this.frame(this.head, this.tools, this.stage, h("div", { class: "tools" }, adder, this.finisher), this.status, this.list,
      h("details", { class: "help" }, h("summary", {}, "Keyboard"), h("p", {}, this.#help(open))));
    this.image.addEventListener("load", () => this.#loaded());
    this.image.addEventListener("error", () => this.#lost());
    this.layer.addEventListener("pointerdown", (event) => this.#down(event));
    this.layer.addEventListener("pointermove", (event) => this.#moved(event));
    for (const name of ["pointerup", "pointercancel"]) this.layer.addEventListener(name, () => this.#up());
    this.layer.addEventListener("dblclick", () => this.#finish());
    this.stage.addEventListener("keydown", (event) => this.#stageKey(event));
    new ResizeObserver(() => this.#draw()).observe(this.stage);
  }

  update() {
    this.head.textContent = this.header;
    this.head.hidden = !this.header;
    if (this.src && this.image.getAttribute("src") !== this.src) set(this.image, "src", this.src);
    const names = this.names();
    if (!names.includes(this.#label)) this.#label = names[0] ?? null;
    this.tools.replaceChildren(...names.map((name) => {
      const button = h("button", { type: "button", "aria-pressed": String(name === this.#label), onclick: () => this.#choose(name) }, name);
      button.style.borderLeftColor = this.#color(name);
      return button;
    }));
    if (this.#first === null && this.hasAttribute("initial-value")) {
      // Reading updates again: it must be known already that there is nothing left to read.
      this.#first = "";
      this.#read(this.initialValue?.[this.constructor.key] ?? this.initialValue ?? []);
      this.#first = JSON.stringify(this.#drawn());
    }
    this.#draw();
  }

  names() { return lenientList(this.labels); }

  problem() {
    if (this.#failed) return "The picture could not be loaded. Reload the page, or return the HIT.";
    if (this.draft) return `Finish the ${this.constructor.noun} that you began: press Enter, or remove it with Escape.`;
    return this.required && !this.shapes.length ? `Draw at least one ${this.constructor.noun}.` : "";
  }

  formResetCallback() {
    this.#read(this.initialValue?.[this.constructor.key] ?? this.initialValue ?? []);
  }

  // What subclasses differ in.

  toAnswer({ label, points }) { return { label, vertices: points.map(({ x, y }) => ({ x, y })) }; }
  fromAnswer({ label, vertices }) { return { label, points: vertices.map(({ x, y }) => ({ x, y })) }; }
  outline(points) { return svg("polyline", { points: points.map(({ x, y }) => `${x},${y}`).join(" ") }); }
  handles(points) { return points; }
  grab(shape, index) { return index; }
  begun(at) { return [at, { ...at }]; }
  sample({ x, y }, size) { return [{ x: x - size, y }, { x: x + size, y }]; }

  // Labels and shapes.

  #drawn() { return this.shapes.map((shape) => this.toAnswer(shape)); }

  #read(items) {
    this.shapes = [].concat(items).map((item) => this.fromAnswer(item));
    this.draft = null;
    this.#active = null;
    this.changed();
  }

  #color(label) {
    const index = this.names().indexOf(label);
    return lenientList(this.labelColors)[index] ?? COLORS[Math.max(index, 0) % COLORS.length];
  }

  #choose(name) {
    this.#label = name;
    for (const each of this.tools.children) each.setAttribute("aria-pressed", String(each.textContent === name));
    this.status.textContent = `New ${this.constructor.noun} gets the label ${name}.`;
  }

  #may() {
    if (this.isDisabled) return false;
    if (!this.width) this.status.textContent = "Wait for the picture.";
    else if (this.#label === null) this.status.textContent = "There is no label to draw with yet.";
    return Boolean(this.width) && this.#label !== null;
  }

  #add() {
    if (!this.#may()) return;
    const size = Math.max(1, Math.round(Math.min(this.width, this.height) / 8));
    const middle = { x: Math.round(this.width / 2), y: Math.round(this.height / 2) };
    const shape = { label: this.#label, points: this.sample(middle, size) };
    this.shapes.push(shape);
    this.#activate(shape);
    this.#drew();
    this.#buttonOf(shape)?.focus();
  }

  #activate(shape) {
    this.#active = shape;
    this.#point = shape ? shape.points.length - 1 : 0;
    this.#draw();
  }

  #remove(shape) {
    const index = this.shapes.indexOf(shape);
    this.shapes.splice(index, 1);
    this.#active = null;
    this.#drew();
    this.status.textContent = `Removed. ${this.shapes.length} left.`;
    (this.list.querySelectorAll("li > button:first-child")[Math.min(index, this.shapes.length - 1)] ?? this.stage).focus();
  }

  #finish() {
    const shape = this.draft;
    if (!shape) return;
    if (shape.points.length < this.constructor.least) {
      this.status.textContent = `A ${this.constructor.noun} has at least ${this.constructor.least} points.`;
      return;
    }
    this.draft = null;
    this.shapes.push(shape);
    this.#activate(shape);
    this.#drew();
  }

  #drew() {
    this.#draw();
    this.tell("input");
    this.tell("change");
  }

  // The pointer.

  #at(event) {
    const box = this.layer.getBoundingClientRect();
    return this.#inside({ x: (event.clientX - box.left) * this.width / box.width, y: (event.clientY - box.top) * this.height / box.height });
  }

  #inside({ x, y }) {
    const within = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
    return { x: within(x, this.width), y: within(y, this.height) };
  }

  #down(event) {
    if (event.button || !this.#may()) return;
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.layer.setPointerCapture(event.pointerId);
    const { shape: number, point } = event.target.dataset;
    const at = this.#at(event);
    if (this.draft) {
      this.#extend(at, point === "0" && number === "draft");
    } else if (number !== undefined) {
      const shape = this.shapes[Number(number)];
      this.#activate(shape);
      this.#drag = point === undefined
        ? { shape, from: at, points: shape.points }
        : { shape, point: this.grab(shape, Number(point)) };
    } else if (this.constructor.open) {
      this.draft = { label: this.#label, points: [at] };
      this.#draw();
    } else {
      const shape = { label: this.#label, points: this.begun(at) };
      this.shapes.push(shape);
      this.#activate(shape);
      this.#drag = { shape, point: shape.points.length - 1, fresh: true };
    }
  }

  #extend(at, closing) {
    const { points } = this.draft;
    const last = points.at(-1);
    if (closing && points.length >= this.constructor.least) this.#finish();
    else if (last.x !== at.x || last.y !== at.y) points.push(at);
    this.#draw();
  }

  #moved(event) {
    if (!this.#drag) return;
    const { shape, point, from, points } = this.#drag;
    const at = this.#at(event);
    if (point !== undefined) shape.points[point] = at;
    else shape.points = this.#shifted(points, at.x - from.x, at.y - from.y);
    this.#draw();
  }

  #shifted(points, dx, dy) {
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
    const kept = (by, values, most) => Math.max(-Math.min(...values), Math.min(most - Math.max(...values), by));
    const [x, y] = [kept(dx, xs, this.width), kept(dy, ys, this.height)];
    return points.map((each) => ({ x: each.x + x, y: each.y + y }));
  }

  #up() {
    if (!this.#drag) return;
    const { shape, fresh } = this.#drag;
    this.#drag = null;
    const [first, last] = [shape.points[0], shape.points.at(-1)];
    const small = Math.abs(first.x - last.x) < 2 && Math.abs(first.y - last.y) < 2;
    if (fresh && small && shape.points.length > 1) {
      this.shapes.pop();
      this.#active = null;
      this.status.textContent = `Drag to draw a ${this.constructor.noun}.`;
    }
    this.#drew();
  }

  // The keys.

  #help(open) {
    const { least, noun } = this.constructor;
    const points = least > 1 ? " Shift and an arrow moves one point; N chooses the next point." : "";
    const more = open ? " Plus adds a point after it, minus removes it. Enter finishes a drawing, Escape gives it up." : "";
    return `Add a ${noun} with the button below the picture, then use its line in the list: arrows move it, with Control by `
      + `one pixel.${points}${more} The keys 1 to 9 change its label, Delete removes it.`;
  }

  #stageKey(event) {
    if (event.key === "Enter" && this.draft) this.#finish();
    else if (event.key === "Escape" && this.draft) this.draft = null;
    else if (event.key === "Backspace" && this.draft) this.draft.points.pop();
    else if (event.key === "Delete" && this.shapes.includes(this.#active)) this.#remove(this.#active);
    else return;
    if (this.draft && !this.draft.points.length) this.draft = null;
    event.preventDefault();
    this.#draw();
  }

  #shapeKey(event, shape) {
    const move = MOVES[event.key];
    const label = /^[1-9]$/.test(event.key) ? this.names()[Number(event.key) - 1] : undefined;
    const step = event.ctrlKey ? 1 : Math.max(1, Math.round(this.width / 100));
    if (event.key === "Delete" || event.key === "Backspace") this.#remove(shape);
    else if (move && event.shiftKey && shape.points.length > 1) this.#nudge(shape, move, step);
    else if (move) shape.points = this.#shifted(shape.points, move[0] * step, move[1] * step);
    else if (label !== undefined) shape.label = label;
    else if (event.key.toLowerCase() === "n") this.#point = (this.#point + 1) % shape.points.length;
    else if (event.key === "+" && this.constructor.open) this.#split(shape);
    else if (event.key === "-" && this.constructor.open) this.#shrink(shape);
    else return;
    event.preventDefault();
    this.#drew();
    if (this.shapes.includes(shape)) this.status.textContent = this.#sentence(shape);
  }

  #nudge(shape, [dx, dy], step) {
    const point = shape.points[this.#point];
    shape.points[this.#point] = this.#inside({ x: point.x + dx * step, y: point.y + dy * step });
  }

  #split(shape) {
    const here = shape.points[this.#point];
    const next = shape.points[(this.#point + 1) % shape.points.length];
    shape.points.splice(this.#point + 1, 0, this.#inside({ x: (here.x + next.x) / 2, y: (here.y + next.y) / 2 }));
    this.#point += 1;
  }

  #shrink(shape) {
    if (shape.points.length <= this.constructor.least) return;
    shape.points.splice(this.#point, 1);
    this.#point = Math.max(0, this.#point - 1);
  }

  // The picture and the list.

  #loaded() {
    this.#failed = false;
    this.layer.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.image.alt = this.header || "The picture to draw on";
    this.#draw();
  }

  #lost() {
    this.#failed = true;
    this.status.textContent = this.problem();
    this.refresh();
  }

  #sentence(shape) {
    const place = shape.points.map(({ x, y }) => `${x}, ${y}`).join("; ");
    return `${shape.label}: ${place}`;
  }

  #buttonOf(shape) {
    return this.list.children[this.shapes.indexOf(shape)]?.firstChild;
  }

  #draw() {
    const scale = this.width ? this.width / (this.layer.getBoundingClientRect().width || this.width) : 1;
    const drawn = this.shapes.map((shape, index) => this.#node(shape, String(index), scale));
    if (this.draft) drawn.push(this.#node(this.draft, "draft", scale));
    this.layer.replaceChildren(...drawn);
    this.finisher.hidden = !this.draft;
    this.#listed();
    this.refresh();
  }

  #node(shape, id, scale) {
    const color = this.#color(shape.label);
    const active = shape === this.#active || id === "draft";
    const look = { fill: "none", stroke: color, "stroke-width": active ? "4" : "2", "vector-effect": "non-scaling-stroke" };
    const line = this.outline(shape.points);
    const touch = line.cloneNode();
    for (const [name, value] of Object.entries({ ...look, "pointer-events": "none" })) line.setAttribute(name, value);
    for (const [name, value] of Object.entries({ ...look, stroke: "transparent", "stroke-width": "16", "pointer-events": "stroke" })) {
      touch.setAttribute(name, value);
    }
    touch.dataset.shape = id;
    const dots = this.handles(shape.points).map(({ x, y }, index) => {
      const chosen = active && index === this.#point && this.constructor.open;
      const dot = svg("circle", {
        cx: x, cy: y, r: (active ? 8 : 5) * scale, fill: chosen ? "#fff" : color, stroke: chosen ? color : "#fff",
        "stroke-width": "2", "vector-effect": "non-scaling-stroke",
      });
      dot.dataset.shape = id;
      dot.dataset.point = String(index);
      return dot;
    });
    return svg("g", {}, line, touch, ...dots);
  }

  #listed() {
    while (this.list.children.length > this.shapes.length) this.list.lastChild.remove();
    this.shapes.forEach((shape, index) => {
      const row = this.list.children[index] ?? this.list.appendChild(this.#row(index));
      const [button, remover] = row.children;
      button.textContent = this.#sentence(shape);
      button.style.borderLeftColor = this.#color(shape.label);
      button.setAttribute("aria-pressed", String(shape === this.#active));
      remover.setAttribute("aria-label", `Remove ${this.#sentence(shape)}`);
    });
  }

  #row(index) {
    const button = h("button", {
      type: "button",
      onfocus: () => { if (this.#active !== this.shapes[index]) this.#activate(this.shapes[index]); },
      onkeydown: (event) => this.#shapeKey(event, this.shapes[index]),
    });
    return h("li", {}, button, h("button", { type: "button", onclick: () => this.#remove(this.shapes[index]) }, "Remove"));
  }
}
reflectData(Drawing, ["labels", "initial-value", "label-colors"]);

const edges = ([a, b]) => ({ left: Math.min(a.x, b.x), top: Math.min(a.y, b.y), right: Math.max(a.x, b.x), bottom: Math.max(a.y, b.y) });

/** Rectangles. */
export class CrowdBoundingBox extends Drawing {
  static key = "boundingBoxes";
  static noun = "box";
  static least = 2;

  toAnswer({ label, points }) {
    const { left, top, right, bottom } = edges(points);
    return { height: bottom - top, label, left, top, width: right - left };
  }

  fromAnswer({ label, left, top, width, height }) {
    return { label, points: [{ x: left, y: top }, { x: left + width, y: top + height }] };
  }

  outline(points) {
    const { left, top, right, bottom } = edges(points);
    return svg("rect", { x: left, y: top, width: right - left, height: bottom - top });
  }

  handles(points) {
    const { left, top, right, bottom } = edges(points);
    return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  }

  grab(shape, index) {
    const corners = this.handles(shape.points);
    shape.points = [corners[(index + 2) % 4], corners[index]];
    return 1;
  }

  sample({ x, y }, size) { return [{ x: x - size, y: y - size }, { x: x + size, y: y + size }]; }
}

/** Single points. */
export class CrowdKeypoint extends Drawing {
  static key = "keypoints";
  static noun = "point";

  toAnswer({ label, points: [{ x, y }] }) { return { label, x, y }; }
  fromAnswer({ label, x, y }) { return { label, points: [{ x, y }] }; }
  begun(at) { return [at]; }
  sample(at) { return [at]; }
}

/** Straight lines between two points. */
export class CrowdLine extends Drawing {
  static key = "lines";
  static noun = "line";
  static least = 2;
}

/** Lines of two or more points. */
export class CrowdPolyline extends Drawing {
  static key = "polylines";
  static noun = "polyline";
  static least = 2;
  static open = true;
}

/** Closed shapes of three or more points. */
export class CrowdPolygon extends Drawing {
  static key = "polygons";
  static noun = "polygon";
  static least = 3;
  static open = true;

  outline(points) {
    return svg(points.length > 2 ? "polygon" : "polyline", { points: points.map(({ x, y }) => `${x},${y}`).join(" ") });
  }

  sample({ x, y }, size) { return [{ x, y: y - size }, { x: x + size, y: y + size }, { x: x - size, y: y + size }]; }
}
