/** `measure` and `plan` as processes, on the PP-OCR orientation classifier and drawn data. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, tensor, writeNpy } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel } from './command.js';

const SEED = 5;
const SAMPLE_COUNT = 8;
const SHAPE = ['--shape', 'x=1,3,48,192'];
const model = orientationModel();

vi.setConfig({ testTimeout: 120_000 });

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const run = (...args: string[]) => featherwire(args, directory.path);
const file = (name: string): string => join(directory.path, name);
const plan = (source: string, ...args: string[]) =>
  run('plan', source, '--data', 'inputs.npy', '--samples', '8', '--no-cache', '--json', ...args);

beforeAll(async () => {
  directory = await createWorkDirectory();
  const random = createRandom(SEED);
  let value = 0;
  const data = Float32Array.from({ length: SAMPLE_COUNT * 3 * 48 * 192 }, () => {
    value = 0.9 * value + 0.3 * random.nextNormal();
    return value;
  });
  writeFileSync(file('inputs.npy'), writeNpy(tensor('float32', [SAMPLE_COUNT, 3, 48, 192], data)));
  const labels = new Int32Array(SAMPLE_COUNT);
  writeFileSync(file('inputs.labels.npy'), writeNpy(tensor('int32', [SAMPLE_COUNT], labels)));
  const { status, errors } = await run('measure', model, ...SHAPE, '--time', '1', '-o', 'here.json');
  expect(status, errors).toBe(0);
});

afterAll(() => directory.remove());

test('measure writes a profile whose nodes sum up to the run', () => {
  const { nodes, measured, namedShare } = JSON.parse(readFileSync(file('here.json'), 'utf8'));
  const sum = nodes.reduce((total: number, { ms }: { ms: number }) => total + ms, measured.fixedMs);
  expect(sum).toBeCloseTo(measured.runMs.p50, 6);
  expect(namedShare).toBeGreaterThan(0.5);
});

test('plan compares splits of a model with what needs none, and draws it', async () => {
  const { status, output, errors } = await plan(
    ...[model, ...SHAPE, '--link', '20mbps,5000ms', '--cuts', '2', '--svg', 'plan.svg'],
  );
  expect(status, errors).toBe(0);
  const { choice, shortlist, overhead } = JSON.parse(output);
  expect(overhead.exchangeMs.p50).toBeGreaterThan(0);
  expect(overhead.exchangeMs.p95).toBeGreaterThanOrEqual(overhead.exchangeMs.p50);
  for (const { way } of choice.ways)
    expect(way.exchangeMs).toEqual(way.kind === 'device' ? { p50: 0, p95: 0 } : overhead.exchangeMs);
  const kinds = choice.ways.map(({ way }: { way: { kind: string } }) => way.kind);
  expect(new Set(kinds)).toEqual(new Set(['device', 'server', 'split']));
  expect(shortlist).toHaveLength(2);
  // Both ends are this machine, and the network takes less time than the round trip, however busy the machine is.
  expect(choice.winnerId).toBe('device');
  expect(readFileSync(file('plan.svg'), 'utf8')).toMatch(/^<svg[\s\S]*<\/svg>\n$/);
});

test('a device that is a thousand times slower by its profile sends everything', async () => {
  const profile = JSON.parse(readFileSync(file('here.json'), 'utf8'));
  for (const node of profile.nodes) node.ms *= 1000;
  writeFileSync(file('slow.json'), JSON.stringify(profile));
  const { output, errors } = await plan(
    ...[model, ...SHAPE, '--link', '1gbps,1ms', '--cuts', '1', '--device', 'slow.json'],
  );
  expect(errors).not.toContain('error');
  const { choice, ends } = JSON.parse(output);
  expect(ends).toMatchObject({ device: 'profile', server: 'this machine' });
  expect(choice.ways[0].way.kind).not.toBe('device');
});

test('plan of a bundle measures its own points', async () => {
  await run('split', model, '--at', 'p2o.Add.25', ...SHAPE, '-o', 'bundle');
  const { status, output, errors } = await plan('bundle', '--link', '5mbps,20ms', '--budget', '1ms');
  expect(status, errors).toBe(0);
  const { choice } = JSON.parse(output);
  const split = choice.ways.filter(({ way }: { way: { kind: string } }) => way.kind === 'split');
  expect(split.length).toBeGreaterThan(1);
  expect(split[0].way.label).toBe('split at p2o.Add.25');
  expect(split[0].keepsBudget).toBe(false); // the round trip alone takes longer
});

test('what is wrong is one line', async () => {
  expect((await run('plan', model, '--link', 'fast', '--data', 'x')).status).toBe(2);
  writeFileSync(file('other.json'), '{"format":"other"}');
  const { status, errors } = await plan(model, ...SHAPE, '--link', 'lte', '--device', 'other.json');
  expect(status).toBe(1);
  expect(errors).toMatch(/error: other\.json: format expected "featherwire-end-profile", got "other"\n$/);
  expect(existsSync(file('other.svg'))).toBe(false);
});
