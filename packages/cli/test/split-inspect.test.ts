/** `cuts`, `split` and `inspect` as processes, on the PP-OCR orientation classifier. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orientationModel, start } from './command.js';
import { CUT, createNoiseBundle, MEASURED, type NoiseBundle, SHAPE } from './noise-bundle.js';

const model = orientationModel();
let noise: NoiseBundle;
const run: NoiseBundle['run'] = (...args) => noise.run(...args);
const file: NoiseBundle['file'] = (name) => noise.file(name);

beforeAll(async () => {
  noise = await createNoiseBundle();
});
afterAll(() => noise.remove());

test('cuts lists the cut with its size and the cost of both sides', async () => {
  const { output } = await run('cuts', model, ...SHAPE, '--json');
  const { cuts } = JSON.parse(output);
  const holds = ({ tensors }: { tensors: { name: string }[] }) => tensors.some(({ name }) => name === CUT);
  const cut = cuts.find(holds);
  expect(cut).toMatchObject({ elements: 4608, bytes: 18_432 });
  expect(cut.tensors).toMatchObject([{ content: 'data', dtype: 'float32', shape: [1, 16, 3, 96] }]);
  const { head, tail } = JSON.parse(readFileSync(file('bundle/featherwire.json'), 'utf8'));
  expect(cut.head).toEqual({ macs: head.macs, parameters: head.parameters });
  expect(cut.tail).toEqual({ macs: tail.macs, parameters: tail.parameters });
  const table = (await run('cuts', model, ...SHAPE)).output;
  expect(table).toMatch(
    /^p2o\.Add\.25 +float32 +\[1, 16, 3, 96\] +4,608 +18\.0 KiB +3\.69 M +22\.6 % +12\.6 M /m,
  );
});

test('cuts lists sets, keeps to what is asked for, and says why a tensor is in none', async () => {
  const sets = async (...options: string[]): Promise<{ tensors: unknown[]; bytes: number }[]> =>
    JSON.parse((await run('cuts', model, ...SHAPE, ...options, '--json')).output).cuts;
  const all = await sets('--all');
  const useful = await sets();
  const singles = await sets('--max-tensors', '1');
  expect(all.length).toBeGreaterThan(useful.length);
  expect(useful.length).toBeGreaterThan(singles.length);
  expect(singles.every(({ tensors }) => tensors.length === 1)).toBe(true);
  expect((await sets('--front')).length).toBeLessThan(singles.length);
  const small = await sets('--under', '10000', '--sort', 'bytes');
  const bytes = small.map((set) => set.bytes);
  expect(Math.max(...bytes)).toBeLessThan(10_000);
  expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
  const skipped = 'conv2d_60.tmp_0';
  const { output } = await run('cuts', model, ...SHAPE, '--with', skipped);
  expect(output).toMatch(/^2 tensors .*\n {2}\S+ .*\n {2}conv2d_60\.tmp_0 /m);
  const refusal = await run('cuts', model, ...SHAPE, '--with', skipped, '--max-tensors', '1');
  expect(refusal.status).toBe(1);
  expect(refusal.errors).toContain('it takes 2 tensors to cut there');
});

test('cuts says what depends on open dimensions', async () => {
  const { output, status } = await run('cuts', model);
  expect(status).toBe(0);
  expect(output).toContain('? depends on dimensions of the input that --shape can fix');
});

test('inspect shows the bundle and checks its files', async () => {
  const { output } = await run('inspect', 'bundle', '--json');
  const report = JSON.parse(output);
  expect(report).toMatchObject({ kind: 'bundle', checks: { head: 'ok', tail: 'ok', whole: 'ok' } });
  expect(report.verification.runs).toBe(4);
  await cp(file('bundle'), file('damaged'), { recursive: true });
  const tail = readFileSync(file('damaged/tail.onnx'));
  tail[tail.length >> 1] ^= 1;
  writeFileSync(file('damaged/tail.onnx'), tail);
  const damaged = await run('inspect', 'damaged');
  expect(damaged.status).toBe(1);
  expect(damaged.output).toMatch(/^tail .* damaged$/m);
  expect(damaged.errors).toMatch(/^error: tail\.onnx .*\n$/);
});

test('inspect shows operating points, what was measured of them, and a damaged profile', async () => {
  const { output, status } = await run('inspect', 'bundle');
  expect(status).toBe(0);
  expect(output).toMatch(
    /^static +profiled +affine, 5 levels, rans with contexts, 16 channels in 1 class, 256 slots \(tables\/.* ok$/m,
  );
  expect(output).toMatch(
    /^static +1,235 +1,200 +1,300 +1,400 +top-1 accuracy +0\.75 +0\.76 +1\.00 \(95 %: -0\.50 to 2\.25\) +0\.12 +\? /m,
  );
  expect(output).toMatch(
    /^static +p2o\.Add\.25 +1\.00 % +0\.00 % to 2\.00 % +50\.00 % +40\.00 % to 60\.00 %$/m,
  );
  const report = JSON.parse((await run('inspect', 'bundle', '--json')).output);
  const { profile, measured } = report.operatingPoints[1];
  expect(measured).toEqual(MEASURED);
  expect(report.checks).toMatchObject({ head: 'ok', [profile.file]: 'ok' });
  await cp(file('bundle'), file('damaged-profile'), { recursive: true });
  writeFileSync(join(file('damaged-profile'), profile.file), 'x');
  const damaged = await run('inspect', 'damaged-profile');
  expect(damaged.status).toBe(1);
  expect(damaged.output).toMatch(/^coarse .* ok\nstatic .* damaged$/m);
  expect(damaged.errors).toMatch(/^error: tables\/[0-9a-f]+\.bin expected \d+ bytes, got 1\n$/);
});

test.each([
  [['--at', 'batch_norm_8.tmp_3'], 1, "'batch_norm_8.tmp_3' is not a cut: also crossing batch_norm_6.tmp_3"],
  [['--at', 'p2o.Ad.25'], 1, "tensor expected a name of the graph, got 'p2o.Ad.25'; near names: p2o.Add.25"],
  [['--at', CUT, '--shape', 'y=1'], 1, `${model}: input expected one of x, got 'y'`],
  [['--at', CUT, '--argmax', 'nothing'], 1, "output expected one of softmax_0.tmp_0, got 'nothing'"],
  [['--at', CUT, '--preprocessing', 'inputs.npy'], 1, 'inputs.npy expected JSON'],
  [['--at', CUT, '--input', 'a.npy,b.npy'], 2, "--input expected x=FILE [1, 3, 48, 192], got 'a.npy,b.npy'"],
])('split %j fails with status %i and leaves nothing', async (args, expected, message) => {
  const before = readdirSync(noise.path);
  const shape = args.includes('--shape') ? [] : SHAPE;
  const { status, errors, output } = await run('split', model, ...args, ...shape, '-o', 'failed');
  expect([status, output]).toEqual([expected, '']);
  const [last, ...progress] = errors.trimEnd().split('\n').reverse();
  expect(last.startsWith(`error: ${message}`), errors).toBe(true);
  expect(progress.filter((line) => line.startsWith('error'))).toEqual([]);
  expect(readdirSync(noise.path)).toEqual(before);
});

test('split does not replace a bundle unless told to', async () => {
  const refused = await run('split', model, '--at', CUT, ...SHAPE, '-o', 'bundle');
  expect(refused.status).toBe(1);
  expect(refused.errors).toBe(
    'error: --output expected a free path without --force, got bundle, which exists\n',
  );
  const args = [...SHAPE, '-o', 'forced', '--argmax', 'softmax_0.tmp_0:1', '--json'];
  await run('split', model, '--at', 'p2o.Add.7', ...args);
  const { status, output } = await run('split', model, '--at', CUT, ...args, '--force');
  expect(status).toBe(0);
  const { cut, outputs, verification } = JSON.parse(output);
  expect(cut[0].name).toBe(CUT);
  expect(outputs).toEqual([{ name: 'softmax_0.tmp_0_argmax', dtype: 'int32', shape: [1] }]);
  expect(verification.maxRelativeError).toBeLessThan(1e-5);
});

test('a signal during split ends it with the status of the signal and leaves nothing', async () => {
  const before = readdirSync(noise.path);
  const own = start(
    ['split', model, '--at', CUT, ...SHAPE, '-o', 'interrupted', '--runs', '400'],
    noise.path,
  );
  await new Promise<void>((resolve) => {
    own.child.stderr!.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('prove')) resolve();
    });
  });
  own.child.kill('SIGINT');
  const { status, errors } = await own.result();
  expect(status).toBe(130);
  expect(errors).toMatch(/error: interrupted by SIGINT\n$/);
  expect(existsSync(file('interrupted'))).toBe(false);
  expect(readdirSync(noise.path)).toEqual(before);
});
