/**
 * Compares implementations on random configurations: the reference, JavaScript and WebAssembly, in Node and, where a Chromium is
 * found (FEATHERWIRE_CHROMIUM can name one), in the browser. All must give the same frames and decode them to the same
 * elements.
 *
 * Usage: npm run build && node scripts/check-conformance.mjs [--cases 10000]
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadBackend, referenceBackend } from '@featherwire/codec';
import { chromium } from 'playwright-core';
import { frameDigests } from './frame-digests.mjs';

const { values } = parseArgs({ options: { cases: { type: 'string', default: '10000' } } });
const cases = Number(values.cases);
const root = fileURLToPath(new URL('..', import.meta.url));
const CHROMIUM = [
  process.env.FEATHERWIRE_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path && existsSync(path));
const PAGE = `<!doctype html><script type="importmap">
  { "imports": { "@featherwire/codec": "/packages/codec/dist/index.js",
                 "@featherwire/tensor": "/packages/tensor/dist/index.js" } }
</script>
<script type="module">
  import { loadBackend } from '@featherwire/codec';
  import { frameDigests } from '/scripts/frame-digests.mjs';
  globalThis.digests = async (name, count) =>
    frameDigests(await loadBackend(name), count);
</script>`;

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
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = join(root, path);
    if (path === '/') response.setHeader('content-type', 'text/html').end(PAGE);
    else if (['.js', '.mjs'].includes(extname(path)) && existsSync(file))
      response.setHeader('content-type', 'text/javascript').end(await readFile(file));
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction('globalThis.digests');
    for (const [name, title] of [
      ['reference', 'reference'],
      ['javascript', 'JavaScript'],
      ['wasm', 'WebAssembly'],
    ]) {
      const digests = await page.evaluate(
        ([which, count]) => globalThis.digests(which, count),
        [name, cases],
      );
      results.set(`${title}, Chromium ${browser.version()}`, digests);
    }
  } finally {
    await browser.close();
    server.close();
  }
}
