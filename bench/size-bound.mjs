/**
 * Where frames by rANS keep within 0.5 % and 64 bytes of the order-0 entropy of their indices, and where they do not.
 * The first group of distributions is the one that the coding of tables was tuned on (packages/codec/test/features.ts),
 * with other seeds; the second was never looked at while tuning.
 *
 * Usage: npm run build && node bench/size-bound.mjs > results/size-bound.json
 */
import { encodeFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import { createRandom } from '@featherwire/tensor';

const SEEDS = [101, 102, 103, 104];
const EXPONENTS = [10, 11, 12, 14, 16];
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
const UNSEEN = {
  hswish: (random) => hswish(random.nextNormal() * 2),
  relu6: (random) => clamp(random.nextNormal() * 4 + 2, 0, 6),
  heavyTails: (random) => random.nextNormal() / (0.2 + Math.abs(random.nextNormal())),
  comb: (random) => (Math.floor(random.nextUniform() * 37) / 36) * Math.floor(1 + random.nextUniform() * 5),
  arbitraryHistogram: arbitraryHistogram(),
};

const backend = await loadBackend();
const rows = [];
for (const [group, distributions] of Object.entries({ tunedOn: TUNED_ON, unseen: UNSEEN })) {
  for (const [name, draw] of Object.entries(distributions)) rows.push(...measure(group, name, draw));
}
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/size-bound.mjs', seeds: SEEDS, rows }, null, 1)}\n`,
);

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
    for (const seed of SEEDS) {
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
