/** `serve` and `run` as processes, end to end on the PP-OCR orientation classifier. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { decodeFrame, encodeFrame, referenceBackend } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningCommand, start } from './command.js';
import {
  CUT,
  createNoiseBundle,
  INPUT_SHAPE,
  LEVELS,
  type NoiseBundle,
  QUANTIZER,
  SAMPLE_COUNT,
} from './noise-bundle.js';

const curlMissing = spawnSync('curl', ['--version']).error ? 'curl is not installed' : '';
if (curlMissing) console.info(`a case is skipped: ${curlMissing}`);

let noise: NoiseBundle;
let server: RunningCommand;
let url: string;
const run: NoiseBundle['run'] = (...args) => noise.run(...args);
const file: NoiseBundle['file'] = (name) => noise.file(name);
/** The bundle's head on the noise, the tail on the server of this file. */
const runOnData = (...args: string[]) =>
  run('run', 'bundle', '--server', url, '--data', 'inputs.npy', ...args);

beforeAll(async () => {
  noise = await createNoiseBundle();
  server = start(['serve', 'bundle', '--port', '0'], noise.path);
  url = (await server.outputMatch(/http:\/\/127\.0\.0\.1:\d+/))[0];
});

afterAll(async () => {
  server.child.kill('SIGKILL');
  await noise.remove();
});

test('run under a budget says what it sent and how often the budget was kept', async () => {
  const common = ['--limit', '6'];
  const { status, errors, output } = await runOnData(...common, '--budget', '5000ms', '--json');
  expect(status, errors).toBe(0);
  const { budget, coding, sampleCount } = JSON.parse(output);
  expect(sampleCount).toBe(6);
  expect(coding).toEqual({ budgetMs: 5000 });
  expect(budget).toEqual({ budgetMs: 5000, keptShare: 1, choices: { static: 6 } }); // the only point with a measurement
  expect((await runOnData(...common, '--budget', '5000ms')).output).toMatch(
    /^budget +100\.00 % within \S+ ms; sent at static 6$/m,
  );
  expect((await runOnData(...common, '--budget', '80ms', '--point', 'static')).status).toBe(2);
  expect((await runOnData(...common, '--budget', 'soon')).status).toBe(2);
});

test.skipIf(curlMissing)('curl, by the Open Inference Protocol, gets the answers that run gets', async () => {
  const { status, errors, output } = await runOnData('--point', 'coarse', '--json');
  expect(status, errors).toBe(0);
  const head = await createLocalSession(file('bundle/head.onnx'));
  let hits = 0;
  for (const [i, data] of noise.inputs.entries()) {
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
    const reply = spawnSync('curl', [...curl, `${url}/v2/models/${model}/infer`], { cwd: noise.path });
    const [{ data: scores }] = JSON.parse(reply.stdout.toString()).outputs as { data: number[] }[];
    if (scores[0] >= scores[1] === (i % 2 === 0)) hits++;
  }
  await head.close();
  expect(JSON.parse(output).metric.value).toBe(hits / SAMPLE_COUNT);
});

/** What head, codec and tail say without a wire between them. */
async function expectedAccuracy(): Promise<{ accuracy: number; frameBytes: number }> {
  const head = await createLocalSession(file('bundle/head.onnx'));
  const tail = await createLocalSession(file('bundle/tail.onnx'));
  let hits = 0;
  let frameBytes = 0;
  for (const [i, data] of noise.inputs.entries()) {
    const { outputs } = await head.run({ x: tensor('float32', INPUT_SHAPE, data) });
    const frame = encodeFrame(outputs[CUT], { quantizer: QUANTIZER, backend: referenceBackend });
    frameBytes += frame.length;
    const feature = decodeFrame(frame, { backend: referenceBackend });
    const scores = Object.values((await tail.run({ [CUT]: feature })).outputs)[0].data;
    if ((scores[0] >= scores[1] ? 0 : 1) === i % 2) hits++;
  }
  await Promise.all([head.close(), tail.close()]);
  return { accuracy: hits / noise.inputs.length, frameBytes };
}

test.each([
  ['ws', ['--levels', String(LEVELS)]],
  ['http', ['--levels', String(LEVELS)]],
  ['ws', ['--point', 'coarse']],
])(
  'run over %s with %j gives the accuracy and the bytes of the codec without a wire',
  async (transport, coding) => {
    const expected = await expectedAccuracy();
    const { status, output, errors } = await runOnData('--transport', transport, '--json', ...coding);
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
  const limited = ['--limit', '12', '--json'];
  const [described, profiled] = await Promise.all(
    ['coarse', 'static'].map((point) => runOnData(...limited, '--point', point)),
  );
  expect(profiled.status, profiled.errors).toBe(0);
  const [first, second] = [described, profiled].map(({ output }) => JSON.parse(output));
  expect(second).toMatchObject({ coding: 'static', sampleCount: 12, counted: 'link' });
  expect(second.bytesPerSample.payload).toBeLessThan(first.bytesPerSample.payload);
  expect(second.bitsPerElement).toBeCloseTo((8 * second.bytesPerSample.payload) / 4608, 9);
});

test('run over a shaped link takes its round trip, and verifies what is decoded', async () => {
  const args = ['--limit', '3', '--point', 'static'];
  const shaped = await runOnData(...args, '--link', '20mbps,150ms', '--verify', '--json');
  expect(shaped.status, shaped.errors).toBe(0);
  const report = JSON.parse(shaped.output);
  expect(report.link).toMatchObject({ uplinkMbps: 20, downlinkMbps: 20, roundTripMs: 150 });
  expect(report.times.linkMs.p50).toBeGreaterThan(140); // timers may fire a little early
  const printed = await runOnData(...args, '--link', 'uplink-20', '--transport', 'http');
  expect(printed.output).toMatch(
    /^link +20 Mbit\/s uplink: 20 Mbit\/s up, 80 Mbit\/s down, 20 ms round trip, shaped on this machine$/m,
  );
  const [wrong, secure] = await Promise.all([
    runOnData(...args, '--link', 'carrier-pigeon'),
    run('run', 'bundle', '--server', 'https://127.0.0.1:1', '--data', 'inputs.npy', '--link', 'lte'),
  ]);
  expect([wrong.status, secure.status]).toEqual([2, 2]);
  expect(wrong.errors).toMatch(
    /'--link <link>' argument 'carrier-pigeon' is invalid.*link expected 3g, lte, 5g/,
  );
  expect(secure.errors).toBe('error: --link expected a server without TLS, got https://127.0.0.1:1/\n');
});

test('run prints a table, and says what fails', async () => {
  const good = await runOnData('--raw', '--limit', '3');
  expect(good.status).toBe(0);
  expect(good.output).toMatch(/^top-1 accuracy {3,}\d+\.\d\d % \(95 % interval /m);
  expect(good.output).toMatch(/^stage +p50 ms +p95 ms\nhead .*\nencode .*\nlink .*\n/m);
  const [wrongPoint, noServer, noData] = await Promise.all([
    runOnData('--point', 'fine'),
    run('run', 'bundle', '--server', 'http://127.0.0.1:1', '--data', 'inputs.npy', '--retries', '1'),
    run('run', 'bundle', '--server', url, '--data', 'nowhere'),
  ]);
  expect([wrongPoint.status, noServer.status, noData.status]).toEqual([2, 1, 1]);
  expect(wrongPoint.errors).toBe("error: --point expected one of coarse, static, got 'fine'\n");
  expect(noServer.errors).toMatch(/^error: no connection to .* \(after 2 attempts\)\n$/m);
  expect(noData.errors).toMatch(/^error: data expected at nowhere/);
});

test('SIGTERM lets serve finish and end with status 0', async () => {
  const own = start(['serve', 'bundle', '--port', '0', '--json-log'], noise.path);
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
