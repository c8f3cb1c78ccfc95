/**
 * Compares the codec on WebGPU with the reference: the bytes of random cases, what they decode to, and what becomes of
 * mutated frames, after which the device must still be there. In Node by the package `webgpu`, in Chromium by itself; where
 * there is no GPU, on Chromium's software adapter.
 *
 * Usage: npm run build && node scripts/check-webgpu.mjs [--cases 1000] [--mutations 1000] [--first 0] [--where node|chromium]
 */
import { parseArgs } from 'node:util';
import { createGpuCodec } from '@featherwire/webgpu';
import { openNodeDevice } from '@featherwire/webgpu/node';
import { CHROMIUM, withPage } from './browser-page.mjs';
import { compareCases, compareMutated } from './gpu-comparison.mjs';

/** Cases of a call into the page, so that progress shows. */
const BATCH = 100;
/** Differences that are printed. */
const MAX_LINES = 10;
const CHROMIUM_ARGS = ['--enable-unsafe-webgpu'];
const SCRIPT = `
  import { createGpuCodec } from '@featherwire/webgpu';
  import { compareCases, compareMutated } from '/scripts/gpu-comparison.mjs';
  const adapter = await navigator.gpu?.requestAdapter();
  if (adapter) {
    const { vendor, architecture, device: name, description } = adapter.info;
    globalThis.adapterName = [vendor, architecture, name, description].filter(Boolean).join(' ');
    const features = ['subgroups'].filter((feature) => adapter.features.has(feature));
    const device = await adapter.requestDevice({ requiredFeatures: features });
    device.lost.then(({ message }) => { globalThis.lost = message || 'lost'; });
    const codec = createGpuCodec(device);
    const kinds = { cases: compareCases, mutations: compareMutated };
    globalThis.compare = (kind, range) => kinds[kind](device, codec, range);
  }
  globalThis.isReady = true;`;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000' },
    mutations: { type: 'string', default: '1000' },
    first: { type: 'string', default: '0' },
    where: { type: 'string' },
  },
});
const counts = { cases: Number(values.cases), mutations: Number(values.mutations) };
let failed = false;
if (values.where !== 'chromium') await checkNode();
if (values.where !== 'node') await checkChromium();
process.exit(failed ? 1 : 0);

async function checkNode() {
  let opened;
  try {
    opened = await openNodeDevice({ software: 'fallback' });
  } catch (error) {
    skip('Node', error.message);
    return;
  }
  const { device, adapterInfo, close } = opened;
  const loss = { message: null };
  device.lost.then(({ message }) => {
    loss.message = message || 'lost';
  });
  const codec = createGpuCodec(device);
  const { vendor, architecture, description } = adapterInfo;
  const compare = (kind, range) =>
    ({ cases: compareCases, mutations: compareMutated })[kind](device, codec, range);
  await check(`Node, ${vendor} ${architecture} ${description}`, compare, async () => loss.message);
  codec.close();
  close();
}

async function checkChromium() {
  if (!CHROMIUM) {
    skip('Chromium', 'none found, FEATHERWIRE_CHROMIUM can name one');
    return;
  }
  const use = async (page, version) => {
    const name = await page.evaluate('globalThis.adapterName');
    if (!name) {
      skip(`Chromium ${version}`, 'it has no adapter');
      return;
    }
    const compare = (kind, range) =>
      page.evaluate(([which, part]) => globalThis.compare(which, part), [kind, range]);
    await check(`Chromium ${version}, ${name}`, compare, () => page.evaluate('globalThis.lost ?? null'));
  };
  await withPage(SCRIPT, use, CHROMIUM_ARGS);
}

/** Runs both kinds of cases in batches and prints what differs. */
async function check(name, compare, lossOf) {
  for (const [kind, count] of Object.entries(counts)) {
    const differences = [];
    const end = Number(values.first) + count;
    for (let first = Number(values.first); first < end; first += BATCH) {
      differences.push(...(await compare(kind, { first, count: Math.min(BATCH, end - first) })));
      if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${kind} up to ${first}`);
    }
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    for (const line of differences.slice(0, MAX_LINES)) process.stdout.write(`  ${line}\n`);
    const what = kind === 'cases' ? 'frames and features' : 'mutated frames';
    process.stdout.write(`${name}: ${count - differences.length} of ${count} ${what} as by the reference\n`);
    failed ||= differences.length > 0;
  }
  const loss = await lossOf();
  if (loss) process.stdout.write(`${name}: the device is lost: ${loss}\n`);
  failed ||= Boolean(loss);
}

function skip(name, reason) {
  process.stdout.write(`skipped: ${name}; ${reason}\n`);
}
