/**
 * Compares implementations on random configurations: the reference, JavaScript and WebAssembly, in Node and, where a Chromium is
 * found (FEATHERWIRE_CHROMIUM can name one), in the browser. All must give the same frames and decode them to the same
 * elements.
 *
 * Usage: npm run build && node scripts/check-conformance.mjs [--cases 10000]
 */
import { parseArgs } from 'node:util';
import { loadBackend, referenceBackend } from '@featherwire/codec';
import { CHROMIUM, withPage } from './browser-page.mjs';
import { frameDigests } from './frame-digests.mjs';

const { values } = parseArgs({ options: { cases: { type: 'string', default: '10000' } } });
const cases = Number(values.cases);
const SCRIPT = `
  import { loadBackend } from '@featherwire/codec';
  import { frameDigests } from '/scripts/frame-digests.mjs';
  globalThis.digests = async (name, count) => frameDigests(await loadBackend(name), count);
  globalThis.isReady = true;`;

const results = new Map([
  ['reference, Node', frameDigests(referenceBackend, cases)],
  ['JavaScript, Node', frameDigests(await loadBackend('javascript'), cases)],
  ['WebAssembly, Node', frameDigests(await loadBackend('wasm'), cases)],
]);
if (CHROMIUM) await addBrowser();
else process.stdout.write('skipped: Chromium; none found, FEATHERWIRE_CHROMIUM can name one\n');

const [[first, expected], ...others] = results;
let failed = false;
for (const [name, digests] of others) {
  const different = digests.findIndex((digest, i) => digest !== expected[i]);
  failed ||= different >= 0;
  process.stdout.write(
    different < 0
      ? `${name}: ${digests.length} frames and tensors as by ${first}\n`
      : `${name}: case ${different} differs from ${first}\n`,
  );
}
process.exit(failed ? 1 : 0);

async function addBrowser() {
  await withPage(SCRIPT, async (page, version) => {
    for (const [name, title] of [
      ['reference', 'reference'],
      ['javascript', 'JavaScript'],
      ['wasm', 'WebAssembly'],
    ]) {
      const digests = await page.evaluate(
        ([which, count]) => globalThis.digests(which, count),
        [name, cases],
      );
      results.set(`${title}, Chromium ${version}`, digests);
    }
  });
}
