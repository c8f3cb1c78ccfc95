/**
 * Puts the figures of committed result files into the documents, so that what is printed there is what was measured:
 * the demo's table into README.md, coded rates, the size bound, the speed of contexts and of whole calls, lossless coding and
 * proofs of cuts into docs/results.md.
 *
 * Usage: npm run --silent start -- --json > results/demo.json
 *        node bench/entropy-table.mjs > results/entropy-table.json
 *        node bench/size-bound.mjs > results/size-bound.json
 *        node bench/context-rates.mjs > results/context-rates.json
 *        node bench/context-speed.mjs > results/context-speed.json
 *        node bench/codec-speed.mjs > results/codec-speed.json
 *        node bench/chunk-speed.mjs > results/chunk-speed.json
 *        node bench/lossless.mjs > results/lossless.json
 *        node bench/accuracy-rates.mjs > results/accuracy-rates.json
 *        node bench/plan-check.mjs > results/plan-check.json
 *        node bench/chooser-regret.mjs > results/chooser-regret.json
 *        node bench/calibration.mjs (writes results/calibration.json cut by cut)
 *        node bench/x265-rates.mjs > results/x265-rates.json
 *        node scripts/check-cuts.mjs --json results/cuts.json MODEL…
 *        node bench/train-step.mjs > results/train-step.json
 *        node bench/train-units.mjs --out results/train-units.json
 *        node bench/early-exit.mjs > results/early-exit.json
 *        node bench/service-throughput.mjs > results/service-throughput.json
 *        node bench/hostile-clients.mjs > results/hostile-clients.json
 *        node bench/soak.mjs > results/soak.json
 *        node bench/fleet.mjs > results/fleet.json
 *        node bench/papers.mjs > results/papers.json
 *        node bench/privacy.mjs > results/privacy.json
 *        node bench/webgpu-speed.mjs > results/webgpu-speed.json
 *        node bench/privacy.mjs --trained --cut stage3 > results/privacy-trained.json
 *        featherwire eval --suite bench/suites/eval.json --quick (its sweep.json is results/eval-quick.json)
 *        featherwire eval --suite bench/suites/npm.json --quick (its sweep.json is results/eval-npm-quick.json)
 *        node scripts/draw-figures.mjs (figures of docs/evaluation.md)
 *        node scripts/update-documents.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatDemoTable } from '@featherwire/demo';
import { accuracyTable, calibrationTable, videoTable } from './documents/accuracy.mjs';
import { cutsTable, planCheckTable } from './documents/cuts-and-plans.mjs';
import { earlyExitTable } from './documents/early-exit.mjs';
import { evaluationTables, papersTable, privacyTable } from './documents/evaluation.mjs';
import { gpuTables } from './documents/gpu.mjs';
import {
  contextRatesTable,
  entropyTable,
  losslessTable,
  regretTable,
  sizeBoundTable,
} from './documents/rates.mjs';
import { fleetTable, hostileTable, soakTable, throughputTable } from './documents/service.mjs';
import { chunkSpeedTable, codecSpeedTable, contextSpeedTable } from './documents/speed.mjs';
import { trainStepLines, trainUnitsTable } from './documents/training.mjs';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const read = (name) => JSON.parse(readFileSync(path(name), 'utf8'));

const demo = formatDemoTable(read('results/demo.json'));
fill('README.md', 'results/demo.json', [
  'From `npm run --silent start -- --json > results/demo.json`:',
  '',
  '```',
  demo,
  '```',
]);
fill('docs/results.md', 'results/entropy-table.json', entropyTable(read('results/entropy-table.json')));
fill('docs/results.md', 'results/size-bound.json', sizeBoundTable(read('results/size-bound.json')));
fill('docs/results.md', 'results/context-rates.json', contextRatesTable(read('results/context-rates.json')));
fill('docs/results.md', 'results/context-speed.json', contextSpeedTable(read('results/context-speed.json')));
fill('docs/results.md', 'results/codec-speed.json', codecSpeedTable(read('results/codec-speed.json')));
fill('docs/results.md', 'results/chunk-speed.json', chunkSpeedTable(read('results/chunk-speed.json')));
fill('docs/results.md', 'results/lossless.json', losslessTable(read('results/lossless.json')));

fill('docs/results.md', 'results/calibration.json', calibrationTable(read('results/calibration.json')));
fill('docs/results.md', 'results/accuracy-rates.json', accuracyTable(read('results/accuracy-rates.json')));
fill('docs/results.md', 'results/plan-check.json', planCheckTable(read('results/plan-check.json')));
fill('docs/results.md', 'results/chooser-regret.json', regretTable(read('results/chooser-regret.json')));
fill('docs/results.md', 'results/x265-rates.json', videoTable(read('results/x265-rates.json')));

fill('docs/results.md', 'results/cuts.json', cutsTable(read('results/cuts.json')));

fill('docs/training.md', 'results/train-step.json', trainStepLines(read('results/train-step.json')));
fill('docs/training.md', 'results/train-units.json', trainUnitsTable(read('results/train-units.json')));

fill('docs/early-exit.md', 'results/early-exit.json', earlyExitTable(read('results/early-exit.json')));

fill(
  'docs/serving.md',
  'results/service-throughput.json',
  throughputTable(read('results/service-throughput.json')),
);
fill('docs/serving.md', 'results/hostile-clients.json', hostileTable(read('results/hostile-clients.json')));

fill('docs/serving.md', 'results/soak.json', soakTable(read('results/soak.json')));
fill('docs/serving.md', 'results/fleet.json', fleetTable(read('results/fleet.json')));

fill('docs/papers.md', 'results/papers.json', papersTable(read('results/papers.json')));

for (const source of ['results/privacy.json', 'results/privacy-trained.json'])
  fill('docs/privacy.md', source, privacyTable(read(source), source));

fill('docs/webgpu.md', 'results/webgpu-speed.json', gpuTables(read('results/webgpu-speed.json')));

for (const source of ['results/eval-quick.json', 'results/eval-npm-quick.json'])
  fill('docs/evaluation.md', source, evaluationTables(read(source)));

/** Replaces what stands between the marks of a result file. */
function fill(document, source, lines) {
  const start = `<!-- ${source} -->\n`;
  const end = `<!-- /${source} -->`;
  const text = readFileSync(path(document), 'utf8');
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${document} expected the marks of ${source}, got none`);
  writeFileSync(
    path(document),
    `${text.slice(0, from + start.length)}\n${lines.join('\n')}\n\n${text.slice(to)}`,
  );
}
