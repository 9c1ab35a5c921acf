"use strict";
// One model on the page: its picture, a slider for each code, its traversals. The page tells it which image to show.

const RANGE = 3, STEPS = 7, ENDS = 2;

function Panel(number, root, page) {
  const find = (query) => root.querySelector(query);
  const [channels, high, wide] = [0, 1, 2].map((k) => () => this.scene.shape[k]);
  let decoded, order, sliders, timer, run = 0, painted = 0;

  this.codes = [];
  this.show = (model, scene) => {
    this.model = model;
    this.scene = scene;
    root.hidden = !model;
    if (!model) return;
    const layers = model.layers && unpack(model.layers);
    decoded = layers ? (codes) => decode(layers, codes) : (codes) => decodeAfar(model.number, codes);
    order = model.kl.map((_, j) => j).sort((a, b) => model.kl[b] - model.kl[a]);
    find("h2").textContent = model.name;
    find(".facts").replaceChildren(...model.facts.map(([key, value]) => make("div", {}, make("dt", { textContent: key }), make("dd", { textContent: value }))));
    for (const canvas of root.querySelectorAll(".pictures canvas")) Object.assign(canvas, { width: wide(), height: high() });
    build();
    find(".matrix").replaceChildren(...(model.matrix ? [matrixTable(model.matrix, scene.factors, order, (code, k) => page.pick(this, code, k))] : []));
    find(".scores").replaceChildren(...(model.scores.length ? [scoreTable(model.scores)] : []));
    find(".curve").replaceChildren(...(model.curve ? [curveCharts(model.curve)] : []));
  };

  const build = () => {
    const { model } = this, group = find(".codes");
    group.setAttribute("aria-label", `Codes of ${model.name}`);
    sliders = [];
    group.replaceChildren(...order.map((code) => {
      const id = `z${code}-${number}`, dead = model.dead[code];
      const input = make("input", { type: "range", id, min: -RANGE, max: RANGE, step: 0.05 });
      const shown = make("span", { className: "value" }), bar = make("i", { hidden: true });
      input.setAttribute("aria-describedby", `${id}-far`);
      const far = make("div", { className: "far", id: `${id}-far` }, bar);
      const label = make("label", { textContent: `z${code} · ${dead ? "dead" : `${model.kl[code].toFixed(2)} nats`}` });
      label.setAttribute("for", id);
      input.addEventListener("input", () => {
        this.codes[code] = +input.value;
        shown.textContent = (+input.value).toFixed(2);
        paintSoon();
      });
      sliders[code] = { input, shown, bar, far, row: make("div", { className: dead ? "code dead" : "code" }, label, input, shown, far) };
      return sliders[code].row;
    }));
    find(".strips").replaceChildren(...order.filter((code) => !model.dead[code]).map((code) => {
      const canvas = make("canvas", { width: STEPS * wide() + STEPS - 1, height: high(), role: "img" });
      canvas.setAttribute("aria-label", `z${code} from −${ENDS} to ${ENDS} in ${STEPS} steps`);
      canvas.dataset.code = code;
      canvas.addEventListener("click", (event) => {
        const step = Math.min(STEPS - 1, Math.floor(event.offsetX / canvas.clientWidth * STEPS));
        this.set({ [code]: valueAt(step) });
        page.say(`z${code} at ${valueAt(step).toFixed(2)}`);
      });
      return make("div", { className: "strip" }, make("span", { textContent: `z${code}` }), canvas);
    }));
  };

  const valueAt = (step) => -ENDS + 2 * ENDS * step / (STEPS - 1);

  // Some codes at new values; a slider reaches as far as its code.
  this.set = (values) => {
    for (const [code, value] of Object.entries(values)) {
      const { input, shown } = sliders[code];
      this.codes[code] = value;
      const reach = Math.max(RANGE, Math.ceil(Math.abs(value)));
      if (reach > +input.max) Object.assign(input, { min: -reach, max: reach });
      input.value = value;
      shown.textContent = value.toFixed(2);
    }
    paintSoon();
  };

  // How far each code moves over a sweep, [values][codes], as a bar under its slider; none for no sweep.
  this.moved = (walk, name) => {
    for (const code of order) {
      const { input, bar, far } = sliders[code], seen = walk ? walk.map((codes) => codes[code]) : [0];
      const low = Math.min(...seen), high = Math.max(...seen), reach = +input.max;
      bar.hidden = !walk;
      bar.style.left = `${50 * (1 + Math.max(-1, low / reach))}%`;
      bar.style.width = `${50 * (high - low) / reach}%`;
      far.title = walk ? `over ${name} it moves by ${(high - low).toFixed(2)}` : "";
      far.setAttribute("aria-label", far.title);
      far.setAttribute("role", "img");
      if (!walk) { far.removeAttribute("role"); far.removeAttribute("aria-label"); }
    }
  };

  this.pick = (code) => {
    for (const each of sliders) each.row.classList.remove("picked");
    sliders[code].row.classList.add("picked");
    sliders[code].input.focus();
  };

  this.original = (picture, at, said) => {
    const canvas = find(".original"), context = canvas.getContext("2d");
    context.drawImage(picture, at * wide(), 0, wide(), high(), 0, 0, wide(), high());
    canvas.setAttribute("aria-label", `From the data: ${said}`);
  };

  const pixels = (values) => {
    const image = new ImageData(wide(), high()), size = wide() * high(), [r, g, b] = channels() === 3 ? [0, size, 2 * size] : [0, 0, 0];
    for (let i = 0; i < size; i++) {
      image.data[4 * i] = Math.round(255 * values[r + i]);
      image.data[4 * i + 1] = Math.round(255 * values[g + i]);
      image.data[4 * i + 2] = Math.round(255 * values[b + i]);
      image.data[4 * i + 3] = 255;
    }
    return image;
  };

  const paint = async () => {
    const begun = performance.now(), canvas = find(".decoded"), mine = ++painted;
    let values;
    try { values = await decoded([...this.codes]); } catch (error) { return page.say(error.message); }
    if (mine !== painted) return; // an image of newer codes came first
    canvas.getContext("2d").putImageData(pixels(values), 0, 0);
    canvas.dataset.milliseconds = (performance.now() - begun).toFixed(2);
    canvas.setAttribute("aria-label", `Decoded by ${this.model.name}`);
    clearTimeout(timer);
    timer = setTimeout(() => strips(++run), 120);
  };

  let asked = false;
  const paintSoon = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; paint(); });
  };

  // A picture at a time, so that a slider never waits for a traversal; a newer run ends an older one.
  const strips = async (mine) => {
    for (const canvas of root.querySelectorAll(".strips canvas")) {
      const context = canvas.getContext("2d");
      for (let step = 0; step < STEPS; step++) {
        const codes = [...this.codes];
        codes[canvas.dataset.code] = valueAt(step);
        let values;
        try { values = await decoded(codes); } catch (error) { return page.say(error.message); }
        if (mine !== run) return;
        context.putImageData(pixels(values), step * (wide() + 1), 0);
        await new Promise((then) => setTimeout(then));
        if (mine !== run) return;
      }
    }
    root.dataset.drawn = "";
  };

  find(".encode").addEventListener("click", () => page.encode());
  find(".zero").addEventListener("click", () => {
    this.set(Object.fromEntries(order.map((code) => [code, 0])));
    page.say("all codes at 0");
  });
}
