/**
 * The studio in Chromium over loopback: time from opening the page to its first answer, each in a browser of its own, and the
 * intervals between frames while the worker runs one request after another and the page's controls are used.
 *
 * Usage: npm run build && node bench/studio-page.mjs BUNDLE… [--loads 5] [--seconds 10] > results/studio-page.json
 */
import { spawn } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { CHROMIUM } from '../scripts/browser-page.mjs';

const FRAME_MS = 1000 / 60;
const { positionals: bundles, values } = parseArgs({
  allowPositionals: true,
  options: { loads: { type: 'string', default: '5' }, seconds: { type: 'string', default: '10' } },
});
if (bundles.length === 0 || !CHROMIUM) {
  process.stderr.write(CHROMIUM ? 'bundles expected, got none\n' : 'no Chromium found\n');
  process.exit(2);
}
const main = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
const server = spawn(process.execPath, [main, 'serve', ...bundles, '--studio', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const url = await urlOf(server);
  const firstAnswersMs = [];
  let network = '';
  for (let load = 0; load < Number(values.loads); load++) {
    await withPage(async (page) => {
      const started = performance.now();
      await page.goto(url);
      await page.locator('#status', { hasText: 'Answered' }).waitFor({ timeout: 60_000 });
      firstAnswersMs.push(performance.now() - started);
      network = await page.locator('#engine').textContent();
    });
  }
  const frames = await withPage((page) => measureFrames(page, url));
  const report = {
    machine: cpus()[0].model,
    cores: cpus().length,
    load: loadavg()[0],
    network,
    firstAnswerMs: summary(firstAnswersMs),
    frames,
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} finally {
  server.kill();
}

async function urlOf({ stdout }) {
  let printed = '';
  for await (const chunk of stdout) {
    printed += chunk;
    const [, url] = /studio at (\S+)/.exec(printed) ?? [];
    if (url) return url;
  }
  throw new Error('the server ended before it was ready');
}

async function withPage(use) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    return await use(await browser.newPage({ viewport: { width: 1440, height: 900 } }));
  } finally {
    await browser.close();
  }
}

/** Interaction: the budget's slider moves and the page scrolls, while requests follow each other. */
async function measureFrames(page, url) {
  await page.goto(url);
  await page.locator('.details h2').first().waitFor({ timeout: 60_000 });
  await page.locator('#repeat').check();
  const measuring = page.evaluate(
    (ms) =>
      new Promise((resolve) => {
        const times = [];
        const tick = (now) => {
          times.push(now);
          if (now - times[0] < ms) requestAnimationFrame(tick);
          else resolve(times);
        };
        requestAnimationFrame(tick);
      }),
    1000 * Number(values.seconds),
  );
  const answers = page.evaluate(
    (ms) =>
      new Promise((resolve) => {
        let count = 0;
        const observer = new MutationObserver(() => count++);
        observer.observe(document.getElementById('status'), { childList: true });
        setTimeout(() => resolve(count), ms);
      }),
    1000 * Number(values.seconds),
  );
  let isMeasuring = true;
  void measuring.then(() => {
    isMeasuring = false;
  });
  for (let i = 0; isMeasuring; i++) {
    await page.mouse.wheel(0, i % 20 < 10 ? 60 : -60);
    await page.waitForTimeout(30);
  }
  const times = await measuring;
  const intervals = times.slice(1).map((time, i) => time - times[i]);
  return {
    perSecond: (1000 * intervals.length) / (times.at(-1) - times[0]),
    intervalMs: summary(intervals),
    longerThanTwoFrames: intervals.filter((ms) => ms > 2 * FRAME_MS + 1).length / intervals.length,
    answers: await answers,
  };
}

function summary(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { p50: at(0.5), p95: at(0.95), max: sorted.at(-1) };
}
