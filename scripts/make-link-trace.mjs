/**
 * Writes the recorded link of the repository, packages/link/traces/lte-drive.json: a synthetic trace by the generator of
 * @featherwire/link with a seed. Run again, it writes the same file.
 *
 * Usage: npm run build && node scripts/make-link-trace.mjs [SEED]
 */
import { writeFileSync } from 'node:fs';
import { LTE_DRIVE, syntheticTrace } from '@featherwire/link';
import { createRandom } from '@featherwire/tensor';

const seed = Number(process.argv[2] ?? 1);
const random = createRandom(seed);
const trace = syntheticTrace(LTE_DRIVE, () => random.nextUniform());
const document = {
  name: 'LTE drive',
  origin: `synthetic, by scripts/make-link-trace.mjs with seed ${seed}; dedicated to the public domain (CC0)`,
  roundTripMs: 50,
  jitterMs: 4,
  lossRate: 0.0005,
  ...trace,
};
const file = new URL('../packages/link/traces/lte-drive.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(document)}\n`);
