/**
 * Speed of whole calls in Chromium, on the map of `codec-speed.mjs`: time of the wall, since a page has no other clock, calls of
 * everything in turns, the lower quartile of each over the rounds, and ratios of those to a copy of the tensor.
 *
 * Usage: npm run build && node bench/browser-speed.mjs [--rounds 31] > results/browser-speed.json
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { CHROMIUM, withPage } from '../scripts/browser-page.mjs';

const SHAPE = [1, 512, 28, 28];
const LEVEL_COUNTS = [4, 8, 16];

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '31' } } });
const rounds = Number(options.rounds);
if (!CHROMIUM) {
  process.stderr.write('no Chromium found; FEATHERWIRE_CHROMIUM can name one\n');
  process.exit(1);
}
const SCRIPT = `
  import { loadBackend } from '@featherwire/codec';
  import { frameCalls } from '/bench/frame-calls.mjs';
  import { rectifiedMap } from '/bench/rectified-map.mjs';
  import { timesInTurns } from '/bench/turns.mjs';
  const shape = ${JSON.stringify(SHAPE)};
  const feature = { dtype: 'float32', shape, data: rectifiedMap(shape, 7) };
  const backend = await loadBackend('wasm');
  globalThis.measure = (levelCount, rounds) => {
    const quantizer = { kind: 'uniform', levelCount, range: { kind: 'fixed', low: 0, high: 2 } };
    const calls = frameCalls(feature, quantizer, backend);
    return timesInTurns(calls, rounds, () => performance.now(), feature.data.length);
  };
  globalThis.isReady = true;`;

await withPage(SCRIPT, async (page, version) => {
  const rows = [];
  for (const levelCount of LEVEL_COUNTS) {
    const measured = await page.evaluate(
      ([levels, count]) => globalThis.measure(levels, count),
      [levelCount, rounds],
    );
    rows.push(...measured.map((row) => ({ levelCount, ...row })));
  }
  const machine = { processor: cpus()[0].model, browser: `Chromium ${version}` };
  const report = {
    command: 'node bench/browser-speed.mjs',
    machine,
    settings: { rounds, shape: SHAPE },
    rows,
  };
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
});
