"use strict";
// The page: which image, which factor, which models. Two panels follow one choice of image and factor.

(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [images, factors, sweeper, panels, said] = ["images", "factors", "sweeper", "panels", "said"].map((id) => document.getElementById(id));
  const [sweepLabel, sweep, sweepShown] = sweeper.children;
  const selects = [0, 1].map((number) => document.getElementById(`model-${number}`));
  const walks = new Map();
  data.models.forEach((model, number) => { model.number = number; });
  let scene, image = 0, factor = -1, at = 0, asked = 0;

  const say = (text) => { said.textContent = text; };

  // The codes of every image of every sweep of a model: walkOf(model, i, k)[value] is [Z].
  function walkOf(model, i, k) {
    if (!walks.has(model)) walks.set(model, unpackHalves(model.walks));
    const flat = walks.get(model), wide = model.kl.length, counts = scene.factors.map((f) => f.values.length);
    const before = counts.slice(0, k).reduce((a, b) => a + b, 0), all = counts.reduce((a, b) => a + b, 0);
    return Array.from({ length: counts[k] }, (_, v) => {
      const from = ((i * all) + before + v) * wide;
      return Array.from(flat.subarray(from, from + wide));
    });
  }

  const inUse = () => both.filter((panel) => panel.model);

  function picture(address, then) {
    const mine = ++asked, made = new Image();
    made.onload = () => { if (mine === asked) then(made); };
    made.src = address;
  }

  // Every panel at the codes of the image, or of the value of the factor that is swept.
  function encode() {
    const swept = factor >= 0, here = scene.factors[factor];
    for (const panel of inUse()) {
      const walk = swept ? walkOf(panel.model, image, factor) : null;
      panel.set({ ...(swept ? walk[at] : panel.model.means[image]) });
      panel.moved(walk, swept ? here.name : "");
    }
    const words = swept ? `${here.name} ${here.values[at]}` : scene.said[image];
    const strip = swept && scene.strips ? scene.strips[image][factor] : null;
    picture(strip || scene.images[image], (made) => {
      for (const panel of inUse()) panel.original(made, strip ? at : 0, words);
      document.documentElement.dataset.ready = document.documentElement.dataset.ready || performance.now().toFixed(0);
    });
    if (swept) sweep.ariaValueText = sweepShown.textContent = `${here.values[at]}, of 0 to ${here.size - 1}`;
  }

  function chooseFactor(k) {
    factor = k;
    sweeper.hidden = k < 0;
    if (k >= 0) {
      const here = scene.factors[k], walk = walkOf(both[0].model, image, k);
      sweepLabel.textContent = here.name;
      Object.assign(sweep, { max: here.values.length - 1, value: Math.min(at, here.values.length - 1) });
      at = +sweep.value;
      const far = both[0].model.kl.map((_, j) => [j, Math.max(...walk.map((z) => z[j])) - Math.min(...walk.map((z) => z[j]))]);
      const [first, second] = far.sort((a, b) => b[1] - a[1]);
      say(`${here.name}: z${first[0]} moves by ${first[1].toFixed(2)}` + (second ? `, then z${second[0]} by ${second[1].toFixed(2)}` : ""));
    }
    for (const input of factors.querySelectorAll("input")) input.checked = +input.value === k;
    encode();
  }

  function radio(name, value, checked, change, ...inside) {
    const input = make("input", { type: "radio", name, value, checked });
    input.addEventListener("change", change);
    return make("label", {}, input, ...inside);
  }

  function enter(next) {
    scene = next;
    image = 0;
    factor = -1;
    sweeper.hidden = true;
    images.replaceChildren(images.firstElementChild, ...scene.images.map((address, i) => radio("image", i, i === 0, () => {
      image = i;
      chooseFactor(factor);
      say(`image ${i + 1}: ${scene.said[i]}`);
    }, make("img", { src: address, alt: scene.said[i], width: 56, height: 56 }))));
    factors.hidden = !scene.factors.length;
    factors.replaceChildren(factors.firstElementChild, radio("factor", -1, true, () => chooseFactor(-1), " none"),
      ...scene.factors.map((each, k) => radio("factor", k, false, () => { at = 0; chooseFactor(k); }, ` ${each.name}`)));
  }

  const page = {
    say,
    encode,
    pick(panel, code, k) {
      at = 0;
      chooseFactor(k);
      panel.pick(code);
    },
  };

  function open(number) {
    const root = document.getElementById("panel").content.firstElementChild.cloneNode(true);
    root.querySelector("h2").id = `title-${number}`;
    root.setAttribute("aria-labelledby", `title-${number}`);
    panels.append(root);
    selects[number].addEventListener("change", () => {
      const chosen = selects[number].value;
      choose(number, chosen === "" ? null : data.models[+chosen]);
    });
    return new Panel(number, root, page);
  }

  // The second panel compares on the same images, so it offers the models of the first one's dataset alone.
  function offer() {
    const first = both[0].model, beside = data.models.filter((model) => model !== first && model.dataset === first.dataset);
    selects[1].replaceChildren(make("option", { value: "", textContent: beside.length ? "nothing" : "no other model of this dataset" }),
      ...beside.map((model) => make("option", { value: data.models.indexOf(model), textContent: model.name })));
  }

  function choose(number, model) {
    if (number === 0) {
      if (data.scenes[model.dataset] !== scene) enter(data.scenes[model.dataset]);
      both[0].show(model, scene);
      offer();
    }
    both[1].show(number === 1 ? model : null, scene);
    panels.classList.toggle("two", inUse().length > 1);
    chooseFactor(factor);
  }

  sweep.addEventListener("input", () => { at = +sweep.value; encode(); });
  const both = [open(0), open(1)];
  selects[0].append(...data.models.map((model, i) => make("option", { value: i, textContent: model.name })));
  document.getElementById("models").hidden = data.models.length < 2;
  choose(0, data.models[0]);
})();
