"use strict";
// Tables and curves of a page, made of elements and text alone: a name is never read as markup.

function make(kind, set = {}, ...children) {
  const made = document.createElement(kind);
  for (const [key, value] of Object.entries(set)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function draw(kind, set = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [key, value] of Object.entries(set)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const short = (value) => Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(3));

// What every code knows of every factor; picking a cell picks both. One stop for the Tab key, arrows within.
function matrixTable(matrix, factors, order, pick) {
  const head = make("tr", {}, make("td"), ...factors.map((factor) => make("th", { scope: "col", textContent: factor.name })));
  const grid = order.map((code) => factors.map((factor, k) => {
    const share = matrix[code][k];
    const cell = make("button", { type: "button", tabIndex: -1, textContent: share.toFixed(2) });
    cell.setAttribute("aria-label", `z${code} knows ${share.toFixed(2)} of ${factor.name}: sweep ${factor.name}, show z${code}`);
    cell.style.background = `color-mix(in srgb, var(--accent) ${Math.round(50 * share)}%, var(--paper))`;
    cell.addEventListener("click", () => pick(code, k));
    return cell;
  }));
  if (grid.length && grid[0].length) grid[0][0].tabIndex = 0;
  const body = make("tbody", {}, ...grid.map((row, i) => make("tr", {},
    make("th", { scope: "row", textContent: `z${order[i]}` }), ...row.map((cell) => make("td", {}, cell)))));
  body.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const i = grid.findIndex((row) => row.includes(event.target));
    if (!step || i < 0) return;
    const to = (grid[i + step[0]] || [])[grid[i].indexOf(event.target) + step[1]];
    event.preventDefault();
    if (!to) return;
    event.target.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
  const title = "What each code knows of each factor";
  return make("div", {}, make("h3", { textContent: title }),
    make("div", { className: "wide" }, make("table", { ariaLabel: title }, make("thead", {}, head), body)),
    make("p", { className: "note", textContent: "Mutual information as a share of the factor’s entropy: 1 is everything. "
      + "A factor of many values shows a few hundredths where nothing is known. Pick a number to sweep that factor." }));
}

function scoreTable(scores) {
  const names = [...new Set(scores.flatMap(([, , , beside]) => beside.map(([name]) => name)))];
  const head = make("tr", {}, ...["score", "this model", ...names].map((name) => make("th", { scope: "col", textContent: name })));
  const rows = scores.map(([score, asked, value, beside]) => {
    const found = new Map(beside);
    return make("tr", {}, make("th", { scope: "row" }, score, make("small", { textContent: asked })),
      make("td", { textContent: short(value) }),
      ...names.map((name) => make("td", { textContent: found.has(name) ? short(found.get(name)) : "–" })));
  });
  const title = "Scores, with what they are read against";
  const table = make("table", { ariaLabel: title }, make("thead", {}, head), make("tbody", {}, ...rows));
  return make("div", {}, make("h3", { textContent: title }),
    make("div", { className: "wide", tabIndex: 0, role: "region", ariaLabel: title }, table));
}

// One plot of lines over the images seen.
function plot(title, seen, lines) {
  const wide = 520, high = 150, left = 52, top = 16, bottom = 22;
  const most = Math.max(...lines.flatMap((line) => line.values)), least = Math.min(0, ...lines.flatMap((line) => line.values));
  const x = (i) => left + (wide - left - 8) * (seen[i] / (seen[seen.length - 1] || 1));
  const y = (v) => top + (high - top - bottom) * (1 - (v - least) / (most - least || 1));
  const paths = lines.map((line) => draw("polyline", { class: line.style, points: line.values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(" ") }));
  const words = (text, at) => { const made = draw("text", at); made.textContent = text; return made; };
  return draw("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": title },
    draw("path", { class: "frame", d: `M${left},${top}V${high - bottom}H${wide - 8}` }), ...paths,
    words(short(most), { x: left - 6, y: top + 4, "text-anchor": "end" }),
    words(short(least), { x: left - 6, y: high - bottom, "text-anchor": "end" }),
    words(title, { x: left, y: 10 }),
    words(`${short(seen[seen.length - 1])} images seen`, { x: wide - 8, y: high - 6, "text-anchor": "end" }));
}

function curveCharts(curve) {
  const { seen, reconstruction, kl } = curve, last = seen.length - 1;
  const total = kl.map((row) => row.reduce((a, b) => a + b, 0));
  const each = kl[0].map((_, j) => ({ style: "thin", values: kl.map((row) => row[j]) }));
  return make("div", {}, make("h3", { textContent: "Training" }),
    plot(`Reconstruction, nats per image: ${short(reconstruction[0])} to ${short(reconstruction[last])}`, seen, [{ style: "line", values: reconstruction }]),
    plot(`KL of each code, nats per image: ${short(total[last])} in all at the end`, seen, each));
}
