/**
 * What `auto` misses: bytes of its frames against the smallest of all coders and layouts, on real features and on drawn
 * ones, and the time of both.
 *
 * Usage: npm run build && node bench/chooser-regret.mjs [--images 2] > results/chooser-regret.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { encodeFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import { createRandom } from '@featherwire/tensor';
import { clipLimits, mapSplitTensors } from './real-features.mjs';

const LEVEL_COUNTS = [2, 4, 8, 16, 64];
const DENSE_CODERS = ['rans', 'binary', 'binary-fast', 'rans-contexts'];
const LAYOUTS = ['csr', 'csr-separate', 'significance'];
const DRAWN_SHAPES = [[512], [16, 8, 8], [64, 20, 20], [128, 40, 40]];
/** What the binary coder and context models are left out for by design, to keep within some ten milliseconds. */
const MAX_LEVELS_OF_CONTEXTS = 16;

const { values: options } = parseArgs({ options: { images: { type: 'string', default: '2' } } });
const backend = await loadBackend();
const rows = await mapSplitTensors(Number(options.images), (network, tensor, features) => {
  const { low, high } = clipLimits(features);
  return LEVEL_COUNTS.map((levelCount) =>
    measure(`${network} ${tensor}`, features, levelCount, { low, high }),
  );
});
for (const zeros of [0, 0.5, 0.9, 0.99]) {
  for (const shape of DRAWN_SHAPES) {
    const feature = drawn(shape, zeros);
    for (const levelCount of LEVEL_COUNTS)
      rows.push(
        measure(`drawn, ${100 * zeros} % zeros, ${shape.join('×')}`, [feature], levelCount, {
          low: 0,
          high: 4,
        }),
      );
  }
}
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
process.stdout.write(
  `${JSON.stringify({ command: 'node bench/chooser-regret.mjs', machine, settings: { images: Number(options.images) }, rows }, null, 1)}\n`,
);

function measure(name, features, levelCount, { low, high }) {
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } };
  let [auto, best, autoMs, allMs] = [0, 0, 0, 0];
  const chosen = new Set();
  const smallest = new Set();
  for (const feature of features) {
    const encode = (settings) => {
      const start = process.cpuUsage().user;
      const frame = encodeFrame(feature, { quantizer, ...settings, backend });
      return { frame, ms: (process.cpuUsage().user - start) / 1000 };
    };
    const taken = encode({});
    const all = [
      ...DENSE_CODERS.filter(
        (coder) => coder !== 'rans-contexts' || levelCount <= MAX_LEVELS_OF_CONTEXTS,
      ).map((coder) => ({ coder, layout: 'dense' })),
      ...LAYOUTS.map((layout) => ({ coder: 'rans', layout })),
    ].map((settings) => ({ settings, ...encode(settings) }));
    const least = all.reduce((a, b) => (b.frame.length < a.frame.length ? b : a));
    auto += taken.frame.length;
    best += Math.min(least.frame.length, taken.frame.length);
    autoMs += taken.ms;
    allMs += all.reduce((sum, { ms }) => sum + ms, 0);
    chosen.add(inspectFrame(taken.frame).coder);
    smallest.add(least.settings.layout === 'dense' ? least.settings.coder : least.settings.layout);
  }
  return {
    name,
    shape: features[0].shape,
    levelCount,
    autoBytes: auto,
    bestBytes: best,
    regret: Number((auto / best - 1).toFixed(4)),
    autoMs: Number(autoMs.toFixed(1)),
    allMs: Number(allMs.toFixed(1)),
    chosen: [...chosen].join(', '),
    smallest: [...smallest].join(', '),
  };
}

/** Rectified elements that are alike along rows, with a share of zeros. */
function drawn(shape, zeros) {
  const random = createRandom(Math.round(100 * zeros) + shape[0]);
  let last = 0;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    last = 0.7 * last + 0.3 * -Math.log(1 - random.nextUniform());
    return random.nextUniform() < zeros ? 0 : 3 * last;
  });
  return { dtype: 'float32', shape, data };
}
