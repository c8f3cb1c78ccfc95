/**
 * Where frames by rANS keep within 0.5 % and 64 bytes of the order-0 entropy of their indices, and where they do not.
 * The first group of distributions is the one that the coding of tables was tuned on (packages/codec/test/features.ts),
 * with other seeds; the second was watched while the coding of tables was worked on; the third was drawn up after that.
 * Beside each level count and size stands what no code can beat (see `leastRedundancy`).
 *
 * Usage: npm run build && node bench/size-bound.mjs > results/size-bound.json
 */
import { encodeFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import { createRandom } from '@featherwire/tensor';

const SEEDS = [101, 102, 103, 104];
const EXPONENTS = [10, 11, 12, 13, 14, 16, 18, 20, 22];
/** Large tensors differ little from seed to seed. */
const MAX_EXPONENT_OF_ALL_SEEDS = 14;
const LEVEL_COUNTS = [2, 3, 4, 5, 8, 12, 16, 32, 64, 100, 128, 200, 256];
const RANGES = [{ kind: 'minmax' }, { kind: 'fixed', low: -1.5, high: 2.5 }];

const exponential = (random) => -Math.log(1 - random.nextUniform());
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const leaky = (value) => (value < 0 ? 0.1 * value : value);
const hswish = (value) => (value * clamp(value + 3, 0, 6)) / 6;
const TUNED_ON = {
  gaussian: (random) => random.nextNormal(),
  laplace: (random) => (random.nextUniform() < 0.5 ? -1 : 1) * exponential(random),
  relu: (random) => (random.nextUniform() < 0.6 ? 0 : exponential(random)),
  sparse: (random) => (random.nextUniform() < 0.98 ? 0 : exponential(random)),
  leakyRelu: (random) => leaky(random.nextNormal() - 0.3),
  uniform: (random) => random.nextUniform(),
  twoModes: (random) =>
    random.nextUniform() < 0.3 ? random.nextNormal() * 0.1 : random.nextNormal() * 0.5 + 2,
};
const gelu = (value) =>
  0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));
const WATCHED = {
  hswish: (random) => hswish(random.nextNormal() * 2),
  relu6: (random) => clamp(random.nextNormal() * 4 + 2, 0, 6),
  heavyTails: (random) => random.nextNormal() / (0.2 + Math.abs(random.nextNormal())),
  comb: (random) => (Math.floor(random.nextUniform() * 37) / 36) * Math.floor(1 + random.nextUniform() * 5),
  arbitraryHistogram: arbitraryHistogram(),
  gelu: (random) => gelu(random.nextNormal()),
  silu: (random) => {
    const value = random.nextNormal() * 1.5;
    return value / (1 + Math.exp(-value));
  },
  sigmoid: (random) => 1 / (1 + Math.exp(-3 * random.nextNormal())),
  tanh: (random) => Math.tanh(2 * random.nextNormal()),
  softmax: (random) => Math.exp(3 * random.nextNormal()) / 40,
  outlierChannels: (random) => random.nextNormal() * (random.nextUniform() < 0.02 ? 15 : 0.4),
  gridOf29: (random) => Math.round(clamp(random.nextNormal() * 7, -14, 14)) / 9,
};
const FRESH = {
  elu: (random) => {
    const value = random.nextNormal();
    return value < 0 ? Math.exp(value) - 1 : value;
  },
  mish: (random) => {
    const value = random.nextNormal() * 2;
    return value * Math.tanh(Math.log(1 + Math.exp(value)));
  },
  softplus: (random) => Math.log(1 + Math.exp(3 * random.nextNormal())),
  logNormal: (random) => Math.exp(random.nextNormal()) - 1.5,
  arcsine: (random) => Math.sin(Math.PI * (random.nextUniform() - 0.5)),
  threeModes: (random) =>
    (random.nextInteger(3) - 1) * 0.8 + random.nextNormal() * (random.nextInteger(3) === 0 ? 0.3 : 0.04),
  maxOfNine: (random) => Math.max(0, ...Array.from({ length: 9 }, () => random.nextNormal() - 1)),
  product: (random) => random.nextNormal() * random.nextNormal() * random.nextNormal(),
  gridOf100: (random) => Math.round(random.nextNormal() * 18) / 30,
};

const backend = await loadBackend();
const rows = [];
for (const [group, distributions] of Object.entries({
  tunedOn: TUNED_ON,
  watched: WATCHED,
  fresh: FRESH,
})) {
  for (const [name, draw] of Object.entries(distributions)) rows.push(...measure(group, name, draw));
}
const bounds = [64, 100, 128, 256].flatMap((levelCount) =>
  EXPONENTS.filter((exponent) => exponent <= 16).map((exponent) => ({
    levelCount,
    elements: 2 ** exponent,
    leastRedundancyBytes: Number((leastRedundancy(levelCount, 2 ** exponent) / 8).toFixed(1)),
  })),
);
const command = 'node bench/size-bound.mjs';
process.stdout.write(`${JSON.stringify({ command, seeds: SEEDS, rows, bounds }, null, 1)}\n`);

function measure(group, name, draw) {
  return EXPONENTS.flatMap((exponent) => {
    const row = {
      group,
      name,
      elements: 2 ** exponent,
      cases: 0,
      over: 0,
      maxBytesOver: 0,
      fewestLevelsOver: null,
    };
    for (const seed of exponent > MAX_EXPONENT_OF_ALL_SEEDS ? SEEDS.slice(0, 1) : SEEDS) {
      const random = createRandom(seed * 31 + exponent);
      const data = Float32Array.from({ length: 2 ** exponent }, () => draw(random));
      for (const levelCount of LEVEL_COUNTS)
        for (const range of RANGES) addCase(row, data, levelCount, range);
    }
    row.maxBytesOver = Number(row.maxBytesOver.toFixed(1));
    return [row];
  });
}

function addCase(row, data, levelCount, range) {
  const feature = { dtype: 'float32', shape: [data.length], data };
  const frame = encodeFrame(feature, {
    quantizer: { kind: 'uniform', levelCount, range },
    coder: 'rans',
    backend,
  });
  const { quantizer } = inspectFrame(frame);
  let entropy = 0;
  for (const count of backend.countSymbols(backend.quantize(data, quantizer.affine), levelCount)) {
    if (count > 0) entropy -= (count * Math.log2(count / data.length)) / 8;
  }
  const over = frame.length - (entropy * 1.005 + 64);
  row.cases++;
  if (over <= 0) return;
  row.over++;
  row.maxBytesOver = Math.max(row.maxBytesOver, over);
  row.fewestLevelsOver = Math.min(row.fewestLevelsOver ?? levelCount, levelCount);
}

/**
 * Bits by which the best code for sequences over an alphabet exceeds n times their empirical entropy on the worst of
 * them: the logarithm of Shtarkov's sum, by the recurrence of Kontkanen and Myllymaki (2007).
 */
function leastRedundancy(alphabetSize, length) {
  let [previous, sum] = [1, 0];
  // C(1) = 1; C(2) = sum over k of the binomial coefficient times (k/n)^k ((n-k)/n)^(n-k).
  let logBinomial = 0;
  for (let k = 0; k <= length; k++) {
    const entropy = [k, length - k].reduce(
      (bits, part) => bits + (part && part * Math.log2(part / length)),
      0,
    );
    sum += 2 ** (logBinomial + entropy);
    logBinomial += Math.log2(length - k) - Math.log2(k + 1);
  }
  if (alphabetSize === 1) return 0;
  let scale = 0;
  for (let size = 3; size <= alphabetSize; size++) {
    [previous, sum] = [sum, sum + (length / (size - 2)) * previous];
    if (sum > 1e200) [previous, sum, scale] = [previous / 1e200, sum / 1e200, scale + 200 * Math.log2(10)];
  }
  return Math.log2(sum) + scale;
}

/** 256 values, each with a probability of its own: nothing about the histogram can be guessed. */
function arbitraryHistogram() {
  const random = createRandom(77);
  const limits = [];
  let total = 0;
  for (let i = 0; i < 256; i++) {
    total += exponential(random);
    limits.push(total);
  }
  return (draws) => {
    const drawn = draws.nextUniform() * total;
    return limits.findIndex((limit) => limit >= drawn);
  };
}
