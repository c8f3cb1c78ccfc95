/** `train-exit`, `inspect`, `serve` and `run --exit` as processes, on the PP-OCR orientation classifier and rendered lines. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addOperatingPoints } from '@featherwire/bundle/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel, type RunningCommand, start } from './command.js';

const CUT = 'p2o.Add.83'; // [1, 32, 2, 96]
/** A quarter of these chooses the threshold: enough for a loss of 10 points. */
const SAMPLES = 160;
const RUN_SAMPLES = 12;
/** Its measurement is made up: it makes the point one that a budget may choose. */
const COARSE = {
  id: 'coarse',
  kind: 'described',
  coding: [{ tensor: CUT, quantizer: { kind: 'uniform', levelCount: 16, range: { kind: 'minmax' } } }],
  measured: {
    ...{ bytesPerSample: 900, metric: { name: 'agreement', value: 0.99 } },
    ...{ data: 'turned lines', sampleCount: 1 },
  },
} as const;

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
let server: RunningCommand | undefined;
const run = (...args: string[]) => featherwire(args, directory.path);

beforeAll(async () => {
  directory = await createWorkDirectory();
  const preprocessing = {
    ...{ kind: 'image', input: 'x', channelOrder: 'BGR', height: 48, width: 192, fit: 'stretch' },
    ...{ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  };
  writeFileSync(join(directory.path, 'p.json'), JSON.stringify(preprocessing));
  const split = await run(
    ...['split', orientationModel(), '--at', CUT, '--shape', 'x=1,3,48,192', '--preprocessing', 'p.json'],
    ...['--task', 'classification', '-o', 'bundle'],
  );
  expect(split.status, split.errors).toBe(0);
}, 60_000);

afterAll(async () => {
  server?.child.kill('SIGTERM');
  await server?.result();
  await directory?.remove();
});

const readManifest = () =>
  JSON.parse(readFileSync(join(directory.path, 'bundle', 'featherwire.json'), 'utf8'));

test('an exit is refused without data, without samples enough, and where there is none', async () => {
  const neither = await run('train-exit', 'bundle');
  expect([neither.status, neither.errors]).toEqual([
    2,
    expect.stringContaining('--data or --remove expected'),
  ]);
  const few = await run('train-exit', 'bundle', '--data', 'turned-lines', '--samples', '40');
  expect([few.status, few.errors]).toEqual([1, expect.stringContaining('samples expected at least 299')]);
  const none = await run('train-exit', 'bundle', '--remove');
  expect([none.status, none.errors]).toEqual([1, expect.stringContaining('expected one with an exit')]);
  const unused = await run(
    ...['run', 'bundle', '--server', 'http://127.0.0.1:1', '--data', 'turned-lines', '--exit'],
  );
  expect([unused.status, unused.errors]).toEqual([2, expect.stringContaining('bundle with an exit')]);
  expect('exit' in readManifest()).toBe(false);
}, 60_000);

test('an exit is trained, shown, answers in the place of the server, and is taken out again', async () => {
  const trained = await run(
    ...['train-exit', 'bundle', '--data', 'turned-lines', '--samples', `${SAMPLES}`],
    ...['--max-loss', '10', '--json'],
  );
  expect(trained.status, trained.errors).toBe(0);
  const report = JSON.parse(trained.output);
  const { exit } = readManifest();
  expect(report).toMatchObject({ tensor: CUT, classCount: 2, maxLoss: 10, measured: exit.measured });
  expect(report.exit).toMatchObject({ threshold: exit.threshold, bytes: exit.bytes });
  expect(exit.measured.sampleCount).toBe(SAMPLES / 4);
  expect(exit.measured.answeredShare).toBeGreaterThan(0);
  expect(readdirSync(join(directory.path, 'bundle', 'exits'))).toHaveLength(1);

  const inspected = await run('inspect', 'bundle');
  expect(inspected.output).toContain(exit.file);

  await addOperatingPoints(join(directory.path, 'bundle'), [COARSE]);
  server = start(['serve', 'bundle', '--port', '0'], directory.path);
  const [, url] = await server.outputMatch(/(http:\S+)/);
  const runs = async (...more: string[]) => {
    const coding = more.includes('--budget') ? [] : ['--levels', '16'];
    const result = await run(
      ...['run', 'bundle', '--server', url, '--data', 'turned-lines', '--limit', `${RUN_SAMPLES}`],
      ...[...coding, '--json', ...more],
    );
    expect(result.status, result.errors).toBe(0);
    return JSON.parse(result.output);
  };
  const without = await runs();
  expect([without.ways, without.exit]).toEqual([null, null]);
  // Every confidence reaches 0.
  const always = await runs('--exit', '--exit-threshold', '0');
  expect(always).toMatchObject({
    ways: { exit: RUN_SAMPLES },
    bytesPerSample: { sent: 0, received: 0 },
    exit: { answeredShare: 1, bytesPerSent: null },
    attempts: 0,
  });
  const chosen = await runs('--exit', '--fallback', 'local');
  const { exit: here = 0, split = 0 } = chosen.ways;
  expect(here + split).toBe(RUN_SAMPLES);
  expect(chosen.attempts).toBe(split);
  expect(chosen.exit.answeredShare).toBeCloseTo(here / RUN_SAMPLES, 9);
  expect(chosen.bytesPerSample.sent).toBeCloseTo((chosen.exit.bytesPerSent ?? 0) * (split / RUN_SAMPLES), 6);

  // What the exit answers keeps the budget too, and has no point.
  const budgeted = await runs('--exit', '--budget', '60000ms');
  expect(budgeted.ways).toEqual(chosen.ways);
  expect(budgeted.budget).toEqual({
    ...{ budgetMs: 60_000, keptShare: 1 },
    choices: split > 0 ? { [COARSE.id]: split } : {},
  });

  const plan = ['plan', 'bundle', '--data', 'turned-lines', '--samples', '8', '--link', '5mbps,20ms'];
  const planned = await run(...plan, '--no-cache', '--json');
  expect(planned.status, planned.errors).toBe(0);
  const { ways } = JSON.parse(planned.output).choice;
  const [best] = ways.filter(({ way }: { way: { kind: string } }) => way.kind === 'split');
  const { way, decisionMs } = best;
  const { answeredShare, bytesPerDecision, here: answeredMs } = way.exit;
  expect(answeredShare).toBeGreaterThan(0);
  // Of eight samples the 95th percentile is the largest.
  expect(bytesPerDecision).toBeLessThanOrEqual((1 - answeredShare) * way.uplinkBytes.p95 + 1e-9);
  expect(decisionMs.mean).toBeGreaterThanOrEqual(answeredMs.p50);
  if (answeredShare === 1) expect(decisionMs.mean).toBe(answeredMs.p50);
  const shown = await run(...plan, '--no-cache');
  expect(shown.output).toContain('with the exit of the bundle, per decision');

  const alone = await run(
    ...['run', 'bundle', '--server', url, '--data', 'turned-lines', '--exit-threshold', '0.5'],
  );
  expect([alone.status, alone.errors]).toEqual([2, expect.stringContaining('--exit beside it')]);
  const removed = await run('train-exit', 'bundle', '--remove');
  expect([removed.status, removed.output]).toEqual([0, expect.stringContaining('has no exit any more')]);
  expect('exit' in readManifest()).toBe(false);
}, 240_000);
