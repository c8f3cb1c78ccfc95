/** The studio in Chromium, over a real tail server: what it shows, and that everybody can use it. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { NodeBundle } from '@featherwire/bundle/node';
import { sharpOfPixels } from '@featherwire/bundle/node/pictures';
import { encodeFrame, referenceBackend } from '@featherwire/codec';
import { parseLink } from '@featherwire/link';
import { createTailServer, type TailServer } from '@featherwire/runtime/node';
import { studioSite } from '@featherwire/studio'; // as built: sources are no page
import { createRandom, tensor, writeNpy } from '@featherwire/tensor';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium, skipsWithoutChromium } from '../../../test-support/chromium.js';
import { noisePixels } from '../../../test-support/pictures.js';
import { EXIT_THRESHOLD, SIDE, writeColorBundle, writeExitBundle } from './studio-bundles.js';

const main = fileURLToPath(new URL('../../../packages/cli/dist/main.js', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Chromium's own: a picture that moves, and no question whether it may. */
const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
/** Bytes, milliseconds or numbers as the page writes them. */
const numberOf = (text: string | null): number => Number.parseFloat((text ?? '').replaceAll(',', ''));

describe.skipIf(skipsWithoutChromium('the studio in a browser'))('the studio', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'featherwire-studio-'));
  const pictures = path.join(root, 'pictures');
  let bundles: readonly NodeBundle[];
  let server: TailServer;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    mkdirSync(pictures);
    const picture = path.join(pictures, 'noise.png');
    await sharpOfPixels(noisePixels(5, SIDE, SIDE, 3))
      .png()
      .toFile(picture);
    writeFileSync(path.join(pictures, 'labels.json'), JSON.stringify([{ file: 'noise.png', label: 1 }]));
    bundles = [await writeColorBundle(root, 'bright'), await writeColorBundle(root, 'squared')];
    const links = { slow: { ...parseLink('2mbps,120ms'), name: 'slow' } };
    server = await createTailServer({
      bundles: [...bundles, await writeExitBundle(root)],
      page: { site: studioSite([{ name: 'noise', path: picture }]), links },
    });
    browser = await launchChromium([...FAKE_CAMERA, '--enable-unsafe-webgpu']); // in software, where there is no GPU
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(root, { recursive: true, force: true });
  });
  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    await page.goto(server.url);
    await page.locator('#status', { hasText: 'Answered' }).waitFor();
  });
  afterEach(async () => {
    expect(complaints).toEqual([]);
    await page.close();
  });

  /** Number behind a name that the page marks its figures with. */
  const shown = async (name: string): Promise<number> =>
    numberOf(await page.locator(`[data-value="${name}"]`).first().textContent());

  /** Does something and waits for the status of the run that follows. */
  async function statusAfter(act: () => Promise<unknown>, pattern: RegExp): Promise<string> {
    await page.locator('#status').evaluate((element) => {
      element.textContent = '';
    });
    await act();
    const status = page.locator('#status', { hasText: pattern });
    return (await status.textContent({ timeout: 20_000 })) ?? '';
  }

  /** No serious violation as the page stands, and nothing beside the screen. */
  async function expectAccessible(): Promise<void> {
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run(document)')) as AxeResults;
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);
  }

  /** The same sample by the command line. */
  async function byCommand(bundle: NodeBundle, point: string): Promise<{ sent: number; payload: number }> {
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...[main, 'run', bundle.directory, '--server', server.url, '--data', pictures],
      ...['--point', point, '--json'],
    ]);
    return JSON.parse(stdout).bytesPerSample;
  }

  test("runs a sample and shows finite figures that agree with the command line's, at every cut and point", async () => {
    for (const [i, bundle] of bundles.entries()) {
      if (i > 0) await statusAfter(() => page.locator('#bundle').selectOption(String(i)), /Answered/);
      for (const point of ['fine', 'coarse']) {
        const choose = () => page.locator('#point').selectOption(`point ${point}`);
        const status = await statusAfter(
          async () => {
            await choose();
            await page.locator('#run').click();
          },
          new RegExp(`coded by ${point}`),
        );
        const { sent, payload } = await byCommand(bundle, point);
        expect(status).toContain(`with ${sent} B sent`);
        expect(await shown('coded-bytes')).toBe(payload);
        for (const name of [
          'headMs',
          'encodeMs',
          'linkMs',
          'decodeMs',
          'tailMs',
          'totalMs',
          'bits-per-element',
          'rms-error',
        ]) {
          const figure = await shown(name);
          expect(Number.isFinite(figure) && figure >= 0, `${name} ${figure}`).toBe(true);
        }
      }
    }
    expect(await page.locator('.badge').textContent()).toBe('The answers agree');
    expect(await page.locator('#answers .answer').count()).toBe(2);
    await page.locator('.details h2', { hasText: 'What contexts save' }).waitFor();
  }, 60_000);

  test('says what the head runs on and what coded the cut, and takes the engine that its address names', async (context) => {
    expect(await page.locator('#engine').textContent()).toMatch(/head on (WebAssembly|WebGPU)/);
    const gpu = `Boolean(await navigator.gpu?.requestAdapter().catch(() => null))`;
    if (!(await page.evaluate(`(async () => ${gpu})()`))) {
      console.info('skipped: the studio on WebGPU; this Chromium has no adapter');
      context.skip();
    }
    const runOn = async (provider: string): Promise<{ engine: string; codec: string; error: number }> => {
      await page.goto(`${server.url}/?provider=${provider}`);
      await page.locator('#status', { hasText: 'Answered' }).waitFor({ timeout: 30_000 });
      expect(await page.locator('.badge').textContent()).toBe('The answers agree');
      const [engine, codec] = await Promise.all(
        ['#engine', '[data-value="codec"]'].map((name) => page.locator(name).textContent()),
      );
      return { engine: engine ?? '', codec: codec ?? '', error: await shown('rms-error') };
    };
    const onProcessor = await runOn('wasm');
    const onGpu = await runOn('webgpu');
    expect(onProcessor).toMatchObject({ codec: 'Coded by WebAssembly.' });
    expect(onGpu).toMatchObject({ codec: 'Coded by WebGPU, where the head left the feature.' });
    expect(onGpu.engine).toContain('head on WebGPU');
    expect(onGpu.error).toBe(onProcessor.error);
    expect(onGpu.error).toBeGreaterThan(0);
  }, 90_000);

  test('a link is shaped for real, and a budget has the controller choose', async () => {
    await statusAfter(() => page.locator('#link').selectOption({ label: 'slow' }), /over slow/);
    expect(await shown('linkMs')).toBeGreaterThanOrEqual(120);
    await statusAfter(() => page.locator('#link').selectOption({ label: 'As it is' }), /coded by [a-z]+\.$/);
    expect(await shown('linkMs')).toBeLessThan(120);
    const status = await statusAfter(() => page.locator('#with-budget').check(), /coded by (fine|coarse)/);
    expect(status).toMatch(/coded by (fine|coarse)/);
    expect(await page.locator('#point').isDisabled()).toBe(true);
  });

  test('the exit of a bundle answers on the device where it is sure, if it may', async () => {
    const exitControl = page.getByLabel('Answer here, from 50 % confidence');
    expect(await exitControl.isVisible()).toBe(false);
    await statusAfter(() => page.locator('#bundle').selectOption('2'), /Answered/);
    expect(await exitControl.isVisible()).toBe(true);
    const confidence = async (): Promise<number> => {
      const [, percent] = /sure by (\S+) %/.exec((await page.locator('[data-value="exit"]').textContent())!)!;
      return Number(percent) / 100;
    };
    // Noise is not bright.
    expect(await confidence()).toBeLessThan(EXIT_THRESHOLD);
    expect(await shown('coded-bytes')).toBeGreaterThan(0);
    await page.locator('.details h2').first().waitFor();
    const light = 2;
    const status = await statusAfter(() => page.locator('#sample').selectOption(String(light)), /Answered/);
    expect(status).toMatch(/on this device by the exit, with nothing sent/);
    expect(await confidence()).toBeGreaterThanOrEqual(EXIT_THRESHOLD);
    expect(await page.locator('#cut').textContent()).toMatch(/Nothing crossed the cut/);
    expect(await page.locator('.details').textContent()).toBe('');
    expect(await page.locator('#answers h3').first().textContent()).toBe('Exit, on this device');
    expect([await shown('linkMs'), (await shown('exitMs')) >= 0]).toEqual([0, true]);
    expect(await page.locator('.badge').textContent()).toBe('The answers agree');
    const sent = await statusAfter(() => exitControl.uncheck(), /coded by/);
    expect(sent).toContain('sent, coded by');
    expect(await page.locator('[data-value="exit"]').count()).toBe(0);
    await statusAfter(() => exitControl.check(), /by the exit/);
    // Under a budget the exit is asked first too.
    await statusAfter(() => page.locator('#with-budget').check(), /by the exit/);
    await statusAfter(() => page.locator('#sample').selectOption('0'), /coded by (fine|coarse)/);
  }, 60_000);

  test('pictures and codings of every kind can be chosen, by keyboard too', async () => {
    for (const coding of ['levels 2', 'levels 256', 'lossless'])
      await statusAfter(() => page.locator('#point').selectOption(coding), /Answered/);
    expect(await shown('rms-error')).toBe(0);
    const samples = await page.locator('#sample option').allTextContents();
    expect(samples[0]).toBe('noise');
    for (let i = 1; i < samples.length; i++)
      await statusAfter(() => page.locator('#sample').selectOption(String(i)), /Answered/);
    await statusAfter(
      () => page.locator('#input input[type=file]').setInputFiles(path.join(pictures, 'noise.png')),
      /Answered/,
    );
    await page.locator('#tab-network').focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#tensor').isVisible()).toBe(true);
    await page.keyboard.press('ArrowLeft');
    expect(await page.locator('#network').isVisible()).toBe(true);
    await page.locator('#run').focus();
    await statusAfter(() => page.keyboard.press('Enter'), /Answered/);
  });

  test("the camera's pictures run one after another until it is switched off", async () => {
    const camera = page.locator('#camera');
    await statusAfter(() => camera.click(), /Answered/);
    expect(await camera.getAttribute('aria-pressed')).toBe('true');
    await statusAfter(async () => undefined, /Answered/);
    expect(await page.locator('#answers').textContent()).toContain('not asked in live operation');
    await camera.click();
    expect(await camera.getAttribute('aria-pressed')).toBe('false');
    await statusAfter(() => page.locator('#run').click(), /Answered/);
  });

  test('what is no picture is said, and the page goes on', async () => {
    const wrong = { name: 'wrong.png', mimeType: 'image/png', buffer: Buffer.from('no picture') };
    const status = await statusAfter(
      () => page.locator('#input input[type=file]').setInputFiles(wrong),
      /It failed/,
    );
    expect(status).toContain('It failed');
    await statusAfter(() => page.locator('#run').click(), /Answered/);
  });

  test('the playground codes a tensor by every method, with the bytes that the codec gives', async () => {
    const random = createRandom(9);
    const data = Float32Array.from({ length: 4 * 20 * 20 }, () => Math.max(0, random.nextNormal()));
    const value = tensor('float32', [1, 4, 20, 20], data);
    await page.locator('#tab-tensor').click();
    const file = {
      name: 'x.npy',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(writeNpy(value)),
    };
    await page.locator('#tensor input[type=file]').setInputFiles(file);
    await page.locator('.methods tbody tr').first().waitFor();
    const rows = await page
      .locator('.methods tbody tr')
      .evaluateAll((elements) =>
        elements.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
      );
    expect(rows.length).toBeGreaterThan(40);
    const bytesOf = (quantizer: string, coder: string): number =>
      numberOf(rows.find(([name, way]) => name === quantizer && way === coder)![2]);
    const uniform = { kind: 'uniform', levelCount: 16, range: { kind: 'minmax' } } as const;
    const options = { backend: referenceBackend, quantizer: uniform } as const;
    const expected = (coder: 'rans' | 'binary'): number =>
      encodeFrame(value, { ...options, coder, ...(coder === 'rans' && { layout: 'dense' }) }).length;
    expect(bytesOf('16 levels, lowest to highest', 'rANS')).toBe(expected('rans'));
    expect(bytesOf('16 levels, lowest to highest', 'adaptive bins')).toBe(expected('binary'));
    expect(bytesOf('lossless', 'planes of bits')).toBe(
      encodeFrame(value, { backend: referenceBackend, quantizer: { kind: 'lossless' } }).length,
    );
    const wrong = { name: 'y.npy', mimeType: 'application/octet-stream', buffer: Buffer.from('no tensor') };
    await page.locator('#tensor input[type=file]').setInputFiles(wrong);
    await page.locator('#tensor .status', { hasText: 'y.npy cannot be coded' }).waitFor();
  });

  test.each([
    ['light', 1440],
    ['dark', 1440],
    ['light', 390],
  ] as const)(
    'has no serious violation of accessibility, %s at %d pixels, and nothing beside the screen',
    async (colorScheme, width) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.locator('.details h2').first().waitFor();
      await statusAfter(() => page.locator('#bundle').selectOption('2'), /Answered/);
      await statusAfter(() => page.locator('#sample').selectOption('2'), /by the exit/);
      await expectAccessible();
      await statusAfter(() => page.locator('#bundle').selectOption('0'), /Answered/);
      await page.locator('.details h2').first().waitFor();
      for (const tab of ['#tab-tensor', '#tab-network']) {
        await page.locator(tab).click();
        if (tab === '#tab-tensor') {
          await page.locator('#example').click();
          await page.locator('.methods').waitFor({ timeout: 30_000 });
        }
        await expectAccessible();
      }
    },
    60_000,
  );
});
