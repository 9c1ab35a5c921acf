"use strict";
// The decoder of a VAE in plain JavaScript: a list of layers on Float32Arrays. Convolutional weights come as float16,
// the wide layers of an MLP as rows of 12-bit numbers with a scale each; all numbers are little-endian, in base64.

const HALVES = new Float32Array(65536); // the value of every float16, so that unpacking is a look-up
for (let bits = 0; bits < 65536; bits++) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  HALVES[bits] = exponent === 31 ? (fraction ? NaN : sign * Infinity)
    : exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

function bytes(text) {
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

function unpackHalves(text) {
  const halves = new Uint16Array(bytes(text).buffer), out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) out[i] = HALVES[halves[i]];
  return out;
}

function unpackLayer(layer) {
  const opened = { ...layer, bias: unpackHalves(layer.bias) };
  if (layer.scale) {
    const high = new Int8Array(bytes(layer.weight).buffer), low = bytes(layer.low);
    opened.weight = new Int16Array(high.length);
    for (let i = 0; i < high.length; i++) opened.weight[i] = 16 * high[i] + ((low[i >> 1] >> (4 * (i & 1))) & 15);
    opened.scale = new Float32Array(bytes(layer.scale).buffer);
  } else opened.weight = unpackHalves(layer.weight);
  return opened;
}

// x Wᵀ + b; rows of whole numbers are multiplied as they are and scaled once at the end. Four sums at a time wait for each other
// a quarter as often.
function linear(layer, x) {
  const { weight, bias, scale, out } = layer, wide = x.length, y = new Float32Array(out);
  for (let row = 0; row < out; row++) {
    let a = 0, b = 0, c = 0, d = 0, i = 0, at = row * wide;
    for (; i + 3 < wide; i += 4, at += 4) {
      a += weight[at] * x[i];
      b += weight[at + 1] * x[i + 1];
      c += weight[at + 2] * x[i + 2];
      d += weight[at + 3] * x[i + 3];
    }
    for (; i < wide; i++, at++) a += weight[at] * x[i];
    const sum = a + b + c + d;
    y[row] = bias[row] + (scale ? sum * scale[row] : sum);
  }
  return y;
}

// A transposed 4x4 convolution of stride 2 and padding 1, weight [in, out, 4, 4]: every pixel is spread over 4x4.
function double(layer, x) {
  const { weight, bias, side, out } = layer, size = 2 * side, y = new Float32Array(out * size * size);
  for (let o = 0; o < out; o++) y.fill(bias[o], o * size * size, (o + 1) * size * size);
  for (let i = 0; i < layer.in; i++) for (let o = 0; o < out; o++) for (let kernel = 0; kernel < 4; kernel++) {
    const w = (i * out + o) * 16 + kernel * 4, a = weight[w], b = weight[w + 1], c = weight[w + 2], d = weight[w + 3];
    for (let row = 0; row < side; row++) {
      const line = 2 * row - 1 + kernel;
      if (line < 0 || line >= size) continue;
      const from = i * side * side + row * side, to = o * size * size + line * size;
      for (let column = 0; column < side; column++) {
        const v = x[from + column], at = to + 2 * column;
        if (v === 0) continue; // half of all, after a ReLU
        if (column) y[at - 1] += a * v;
        y[at] += b * v;
        y[at + 1] += c * v;
        if (column < side - 1) y[at + 2] += d * v;
      }
    }
  }
  return y;
}

const LAYERS = { linear, double };
const THEN = {
  none: (v) => v,
  relu: (v) => (v > 0 ? v : 0),
  leaky_relu: (v) => (v > 0 ? v : 0.2 * v),
  tanh: Math.tanh,
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  // The mean of a continuous Bernoulli pixel; about nought its series, where both terms are large.
  continuous: (v) => (Math.abs(v) < 1e-2 ? 0.5 + v / 12 : 1 / (1 - Math.exp(-v)) - 1 / v),
};

const unpack = (layers) => layers.map(unpackLayer);

// Codes [Z] to pixels [C * H * W] in [0, 1].
function decode(layers, codes) {
  let x = Float32Array.from(codes);
  for (const layer of layers) {
    x = LAYERS[layer.kind](layer, x);
    const then = THEN[layer.then];
    if (layer.then !== "none") for (let i = 0; i < x.length; i++) x[i] = then(x[i]);
  }
  return x;
}

// Codes [Z] to pixels, by the server that the page is from; codes go as float32, pixels come as bytes [C, H, W].
async function decodeAfar(number, codes) {
  const answer = await fetch(`decode/${number}`, { method: "POST", body: Float32Array.from(codes), referrerPolicy: "no-referrer" });
  if (!answer.ok) throw new Error(`the server says ${answer.status}; is \`betavae explore --serve\` still running?`);
  return Float32Array.from(new Uint8Array(await answer.arrayBuffer()), (level) => level / 255);
}

if (typeof module !== "undefined") module.exports = { unpack, decode, unpackHalves };
