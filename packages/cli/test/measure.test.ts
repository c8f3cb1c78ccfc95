/** `measure` as a process, here and in a browser. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkEndProfile } from '@featherwire/planner';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHROMIUM, skipsWithoutChromium } from '../../../test-support/chromium.js';
import { createWorkDirectory, featherwire, orientationModel } from './command.js';

const MODEL = [orientationModel(), '--shape', 'x=1,3,48,192', '--time', '1'];

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const measure = (...args: string[]) => featherwire(['measure', ...MODEL, ...args], directory.path);

beforeAll(async () => {
  directory = await createWorkDirectory();
});
afterAll(() => directory?.remove());

test('writes a profile, and says where the time goes', async () => {
  const { status, output, errors } = await measure('-o', 'here.json');
  expect(status, errors).toBe(0);
  expect(output).toContain('onnxruntime-node');
  expect(output).toMatch(/^Conv /m);
  const profile = checkEndProfile(JSON.parse(readFileSync(join(directory.path, 'here.json'), 'utf8')));
  expect(profile.nodes.some(({ opType, ms }) => opType === 'Conv' && ms > 0)).toBe(true);
}, 60_000);

test.skipIf(skipsWithoutChromium('measure --browser'))(
  'measures the same nodes in a browser',
  async () => {
    const { status, output, errors } = await measure('--browser', CHROMIUM!, '--json');
    expect(status, errors).toBe(0);
    const { measured, nodes, namedShare } = checkEndProfile(JSON.parse(output));
    expect(measured.machine.engine).toMatch(/^onnxruntime-web .*WebAssembly$/);
    expect(measured.runs).toBeGreaterThanOrEqual(5);
    expect(namedShare).toBeGreaterThan(0.9);
    const sum = nodes.reduce((total, { ms }) => total + ms, measured.fixedMs);
    expect(sum).toBeCloseTo(measured.runMs.p50, 6);
    expect(nodes.filter(({ opType, ms }) => opType === 'Conv' && ms > 0).length).toBeGreaterThan(10);
  },
  90_000,
);

test('a browser that does not start is named', async () => {
  const gone = await measure('--browser', './no-browser');
  expect(gone.status).toBe(1);
  expect(gone.errors).toMatch(/no-browser: .*ENOENT/);
  const failing = await measure('--browser', process.execPath); // does not know such flags
  expect(failing.status).toBe(1);
  expect(failing.errors).toMatch(/it ended with status 9/);
}, 60_000);
