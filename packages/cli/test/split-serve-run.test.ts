/** `cuts`, `split`, `serve` and `run` as processes, end to end on the PP-OCR orientation classifier. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Measurement } from '@featherwire/bundle';
import { addOperatingPoints } from '@featherwire/bundle/node';
import {
  type CodingProfile,
  decodeFrame,
  designTensorProfile,
  encodeFrame,
  referenceBackend,
  writeProfile,
} from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { createRandom, type Tensor, tensor, writeNpy } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel, type RunningCommand, start } from './command.js';

const SEED = 3;
const SAMPLE_COUNT = 24;
const INPUT_SHAPE = [1, 3, 48, 192];
const CUT = 'p2o.Add.25'; // [1, 16, 3, 96]
const SHAPE = ['--shape', 'x=1,3,48,192'];
const LEVELS = 5;
const QUANTIZER = { kind: 'uniform', levelCount: LEVELS, range: { kind: 'minmax' } } as const;
/** Made up: only `inspect` reads it. */
const MEASURED: Measurement = {
  bytesPerSample: 1234.5,
  metric: { name: 'top-1 accuracy', value: 0.75 },
  data: 'noise',
  sampleCount: 24,
  reference: 0.76,
  loss: { value: 1, interval: [-0.5, 2.25], confidence: 0.95 },
  bytes: { p50: 1200, p95: 1300, max: 1400 },
  encodeMs: 0.123,
  bands: [
    {
      tensor: CUT,
      saturated: { mean: 0.01, low: 0, high: 0.02 },
      background: { mean: 0.5, low: 0.4, high: 0.6 },
    },
  ],
};
const model = orientationModel();

const curlMissing = spawnSync('curl', ['--version']).error ? 'curl is not installed' : '';
if (curlMissing) console.info(`a case is skipped: ${curlMissing}`);

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
let server: RunningCommand;
let url: string;
const run = (...args: string[]) => featherwire(args, directory.path);
const file = (name: string): string => join(directory.path, name);

/** Low-frequency noise, so that answers are not all alike, each labelled with the other class in turn. */
function writeData(): Float32Array[] {
  const random = createRandom(SEED);
  const size = INPUT_SHAPE.reduce((product, dimension) => product * dimension);
  const inputs = Array.from({ length: SAMPLE_COUNT }, () => {
    let value = 0;
    return Float32Array.from({ length: size }, () => {
      value = 0.9 * value + 0.3 * random.nextNormal();
      return value;
    });
  });
  const all = new Float32Array(SAMPLE_COUNT * size);
  for (const [i, input] of inputs.entries()) all.set(input, i * size);
  writeFileSync(
    file('inputs.npy'),
    writeNpy(tensor('float32', [SAMPLE_COUNT, ...INPUT_SHAPE.slice(1)], all)),
  );
  const labels = Int32Array.from({ length: SAMPLE_COUNT }, (_, i) => i % 2);
  writeFileSync(file('inputs.labels.npy'), writeNpy(tensor('int32', [SAMPLE_COUNT], labels)));
  writeFileSync(file('one.npy'), writeNpy(tensor('float32', INPUT_SHAPE, inputs[0])));
  return inputs;
}

let inputs: Float32Array[];

/** A static coder for the features of the first inputs. */
async function designProfile(): Promise<CodingProfile> {
  const head = await createLocalSession(file('bundle/head.onnx'));
  const samples: Tensor[] = [];
  for (const data of inputs.slice(0, 4)) {
    samples.push((await head.run({ x: tensor('float32', INPUT_SHAPE, data) })).outputs[CUT]);
  }
  await head.close();
  const options = { quantizer: QUANTIZER, coder: 'rans-contexts', backend: referenceBackend } as const;
  return { tensors: [designTensorProfile(samples, options)] };
}

beforeAll(async () => {
  directory = await createWorkDirectory();
  inputs = writeData();
  const { status, errors } = await run(
    ...['split', model, '--at', CUT, ...SHAPE, '-o', 'bundle', '--task', 'classification'],
    ...['--keep-whole', '--input', 'one.npy'],
  );
  expect(status, errors).toBe(0);
  await addOperatingPoints(file('bundle'), [
    { id: 'coarse', kind: 'described', coding: [{ tensor: CUT, quantizer: QUANTIZER }] },
    { id: 'static', kind: 'profiled', profile: writeProfile(await designProfile()), measured: MEASURED },
  ]);
  server = start(['serve', 'bundle', '--port', '0'], directory.path);
  url = (await server.outputMatch(/http:\/\/127\.0\.0\.1:\d+/))[0];
});

afterAll(async () => {
  server.child.kill('SIGKILL');
  await directory.remove();
});

test('run under a budget says what it sent and how often the budget was kept', async () => {
  const common = ['run', 'bundle', '--server', url, '--data', 'inputs.npy', '--limit', '6'];
  const { status, errors, output } = await run(...common, '--budget', '5000ms', '--json');
  expect(status, errors).toBe(0);
  const { budget, coding, sampleCount } = JSON.parse(output);
  expect(sampleCount).toBe(6);
  expect(coding).toEqual({ budgetMs: 5000 });
  expect(budget).toEqual({ budgetMs: 5000, keptShare: 1, choices: { static: 6 } }); // the only point with a measurement
  expect((await run(...common, '--budget', '5000ms')).output).toMatch(
    /^budget +100\.00 % within \S+ ms; sent at static 6$/m,
  );
  expect((await run(...common, '--budget', '80ms', '--point', 'static')).status).toBe(2);
  expect((await run(...common, '--budget', 'soon')).status).toBe(2);
});

test.skipIf(curlMissing)('curl, by the Open Inference Protocol, gets the answers that run gets', async () => {
  const { status, errors, output } = await run(
    'run',
    'bundle',
    '--server',
    url,
    '--data',
    'inputs.npy',
    '--point',
    'coarse',
    '--json',
  );
  expect(status, errors).toBe(0);
  const head = await createLocalSession(file('bundle/head.onnx'));
  let hits = 0;
  for (const [i, data] of inputs.entries()) {
    const { outputs } = await head.run({ x: tensor('float32', INPUT_SHAPE, data) });
    const frame = encodeFrame(outputs[CUT], { quantizer: QUANTIZER, backend: referenceBackend });
    const size = Buffer.alloc(4);
    size.writeUInt32LE(frame.length);
    const parameters = { binary_data_size: 4 + frame.length };
    const json = JSON.stringify({
      inputs: [{ name: 'featherwire.frames', datatype: 'BYTES', shape: [1], parameters }],
    });
    writeFileSync(file('request.bin'), Buffer.concat([Buffer.from(json), size, frame]));
    const model = JSON.parse(readFileSync(file('bundle/featherwire.json'), 'utf8')).model.name;
    const curl = [
      '-sS',
      '--data-binary',
      '@request.bin',
      '-H',
      `Inference-Header-Content-Length: ${json.length}`,
    ];
    const reply = spawnSync('curl', [...curl, `${url}/v2/models/${model}/infer`], { cwd: directory.path });
    const [{ data: scores }] = JSON.parse(reply.stdout.toString()).outputs as { data: number[] }[];
    if (scores[0] >= scores[1] === (i % 2 === 0)) hits++;
  }
  await head.close();
  expect(JSON.parse(output).metric.value).toBe(hits / SAMPLE_COUNT);
});

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
    /^static +profiled +affine, 5 levels, rans with contexts, 16 channels \(tables\/.* ok$/m,
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
  const before = readdirSync(directory.path);
  const shape = args.includes('--shape') ? [] : SHAPE;
  const { status, errors, output } = await run('split', model, ...args, ...shape, '-o', 'failed');
  expect([status, output]).toEqual([expected, '']);
  const [last, ...progress] = errors.trimEnd().split('\n').reverse();
  expect(last.startsWith(`error: ${message}`), errors).toBe(true);
  expect(progress.filter((line) => line.startsWith('error'))).toEqual([]);
  expect(readdirSync(directory.path)).toEqual(before);
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

/** What head, codec and tail say without a wire between them. */
async function expectedAccuracy(): Promise<{ accuracy: number; frameBytes: number }> {
  const head = await createLocalSession(file('bundle/head.onnx'));
  const tail = await createLocalSession(file('bundle/tail.onnx'));
  let hits = 0;
  let frameBytes = 0;
  for (const [i, data] of inputs.entries()) {
    const { outputs } = await head.run({ x: tensor('float32', INPUT_SHAPE, data) });
    const frame = encodeFrame(outputs[CUT], { quantizer: QUANTIZER, backend: referenceBackend });
    frameBytes += frame.length;
    const feature = decodeFrame(frame, { backend: referenceBackend });
    const scores = Object.values((await tail.run({ [CUT]: feature })).outputs)[0].data;
    if ((scores[0] >= scores[1] ? 0 : 1) === i % 2) hits++;
  }
  await Promise.all([head.close(), tail.close()]);
  return { accuracy: hits / inputs.length, frameBytes };
}

test.each([
  ['ws', ['--levels', String(LEVELS)]],
  ['http', ['--levels', String(LEVELS)]],
  ['ws', ['--point', 'coarse']],
])(
  'run over %s with %j gives the accuracy and the bytes of the codec without a wire',
  async (transport, coding) => {
    const expected = await expectedAccuracy();
    const { status, output, errors } = await run(
      ...[
        'run',
        'bundle',
        '--server',
        url,
        '--data',
        'inputs.npy',
        '--transport',
        transport,
        '--json',
        ...coding,
      ],
    );
    expect(status, errors).toBe(0);
    const report = JSON.parse(output);
    expect(report.metric).toMatchObject({ name: 'top-1 accuracy', value: expected.accuracy });
    expect(report.metric.low).toBeLessThanOrEqual(expected.accuracy);
    expect(report.sampleCount).toBe(SAMPLE_COUNT);
    expect(report.bytesPerSample.payload).toBeCloseTo(expected.frameBytes / SAMPLE_COUNT, 9);
    expect(report.bytesPerSample.sent).toBeGreaterThan(report.bytesPerSample.payload);
    expect(report.bitsPerElement).toBeCloseTo((8 * expected.frameBytes) / (SAMPLE_COUNT * 4608), 9);
    expect(Object.keys(report.times)).toHaveLength(8);
  },
);

test('run with a profiled point sends fewer bytes than the same quantizer described', async () => {
  const data = ['--server', url, '--data', 'inputs.npy', '--limit', '12', '--json'];
  const [described, profiled] = await Promise.all(
    ['coarse', 'static'].map((point) => run('run', 'bundle', ...data, '--point', point)),
  );
  expect(profiled.status, profiled.errors).toBe(0);
  const [first, second] = [described, profiled].map(({ output }) => JSON.parse(output));
  expect(second).toMatchObject({ coding: 'static', sampleCount: 12, counted: 'link' });
  expect(second.bytesPerSample.payload).toBeLessThan(first.bytesPerSample.payload);
  expect(second.bitsPerElement).toBeCloseTo((8 * second.bytesPerSample.payload) / 4608, 9);
});

test('run over a shaped link takes its round trip, and verifies what is decoded', async () => {
  const args = [
    'run',
    'bundle',
    '--server',
    url,
    '--data',
    'inputs.npy',
    '--limit',
    '3',
    '--point',
    'static',
  ];
  const shaped = await run(...args, '--link', '20mbps,150ms', '--verify', '--json');
  expect(shaped.status, shaped.errors).toBe(0);
  const report = JSON.parse(shaped.output);
  expect(report.link).toMatchObject({ uplinkMbps: 20, downlinkMbps: 20, roundTripMs: 150 });
  expect(report.times.linkMs.p50).toBeGreaterThan(140); // timers may fire a little early
  const printed = await run(...args, '--link', 'uplink-20', '--transport', 'http');
  expect(printed.output).toMatch(
    /^link +20 Mbit\/s uplink: 20 Mbit\/s up, 80 Mbit\/s down, 20 ms round trip, shaped on this machine$/m,
  );
  const [wrong, secure] = await Promise.all([
    run(...args, '--link', 'carrier-pigeon'),
    run('run', 'bundle', '--server', 'https://127.0.0.1:1', '--data', 'inputs.npy', '--link', 'lte'),
  ]);
  expect([wrong.status, secure.status]).toEqual([2, 2]);
  expect(wrong.errors).toMatch(
    /'--link <link>' argument 'carrier-pigeon' is invalid.*link expected 3g, lte, 5g/,
  );
  expect(secure.errors).toBe('error: --link expected a server without TLS, got https://127.0.0.1:1/\n');
});

test('run prints a table, and says what fails', async () => {
  const good = await run('run', 'bundle', '--server', url, '--data', 'inputs.npy', '--raw', '--limit', '3');
  expect(good.status).toBe(0);
  expect(good.output).toMatch(/^top-1 accuracy {3,}\d+\.\d\d % \(95 % interval /m);
  expect(good.output).toMatch(/^stage +p50 ms +p95 ms\nhead .*\nencode .*\nlink .*\n/m);
  const [wrongPoint, noServer, noData] = await Promise.all([
    run('run', 'bundle', '--server', url, '--data', 'inputs.npy', '--point', 'fine'),
    run('run', 'bundle', '--server', 'http://127.0.0.1:1', '--data', 'inputs.npy', '--retries', '1'),
    run('run', 'bundle', '--server', url, '--data', 'nowhere'),
  ]);
  expect([wrongPoint.status, noServer.status, noData.status]).toEqual([2, 1, 1]);
  expect(wrongPoint.errors).toBe("error: --point expected one of coarse, static, got 'fine'\n");
  expect(noServer.errors).toMatch(/^error: no connection to .* \(after 2 attempts\)\n$/m);
  expect(noData.errors).toMatch(/^error: data expected at nowhere/);
});

test('SIGTERM lets serve finish and end with status 0', async () => {
  const own = start(['serve', 'bundle', '--port', '0', '--json-log'], directory.path);
  const [line] = await own.outputMatch(/^.*"event":"ready".*\n/);
  expect(JSON.parse(line).url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  own.child.kill('SIGTERM');
  const { status, output, errors } = await own.result();
  expect(status).toBe(0);
  expect(output).toBe(line);
  const events = errors
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text).event);
  expect(events).toEqual(['draining', 'stopped']);
});

test('serve refuses a damaged bundle and a taken port', async () => {
  await cp(file('bundle'), file('broken'), { recursive: true });
  writeFileSync(file('broken/tail.onnx'), 'x');
  const [damaged, taken] = await Promise.all([
    run('serve', 'broken', '--port', '0'),
    run('serve', 'bundle', '--port', new URL(url).port),
  ]);
  expect([damaged.status, taken.status]).toEqual([1, 1]);
  expect(damaged.errors).toMatch(/^error: tail\.onnx .*\n$/);
  expect(taken.errors).toMatch(/^error: cannot listen: .*EADDRINUSE.*\n$/);
});

test('a signal during split ends it with the status of the signal and leaves nothing', async () => {
  const before = readdirSync(directory.path);
  const own = start(
    ['split', model, '--at', CUT, ...SHAPE, '-o', 'interrupted', '--runs', '400'],
    directory.path,
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
  expect(readdirSync(directory.path)).toEqual(before);
});
