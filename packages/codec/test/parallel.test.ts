/** Chunks on other threads: the same bytes, elements and errors as on one. */

import { createRandom, type Tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  referenceBackend as backend,
  type ChunkJob,
  type ChunkPool,
  decodeFrame,
  decodeFrameInParallel,
  designTensorProfile,
  type EncodeOptions,
  encodeBundledFrame,
  encodeBundledFrameInParallel,
  encodeFrame,
  encodeFrameInParallel,
  inspectFrame,
  runChunkJob,
} from '../src/index.js';
import { createChunkPool, type NodeChunkPool } from '../src/node/index.js';

let pool: NodeChunkPool;
beforeAll(async () => {
  pool = await createChunkPool({ workerCount: 2 });
});
afterAll(() => pool.close());

/** Threads that do nothing: all jobs come back. */
const idle: ChunkPool = { workerCount: 3, run: () => Promise.resolve(null) };

function feature(shape: readonly number[], seed: number): Extract<Tensor, { dtype: 'float32' }> {
  const random = createRandom(seed);
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const data = Float32Array.from({ length: count }, () => Math.max(0, random.nextNormal()));
  return { dtype: 'float32', shape, data };
}

/** The same feature in memory that threads share. */
function shared(input: Extract<Tensor, { dtype: 'float32' }>): typeof input {
  const data = new Float32Array(new SharedArrayBuffer(input.data.byteLength));
  data.set(input.data);
  return { ...input, data };
}

const fixed = { kind: 'fixed', low: 0, high: 3 } as const;
const CODINGS: Record<string, Omit<EncodeOptions, 'backend'>> = {
  uniform: { quantizer: { kind: 'uniform', levelCount: 4, range: fixed } },
  'measured range': { quantizer: { kind: 'asymmetric', bits: 6, range: { kind: 'minmax' } }, digest: true },
  '16-bit indices': { quantizer: { kind: 'uniform', levelCount: 700, range: fixed }, coder: 'rans' },
  contexts: { quantizer: { kind: 'uniform', levelCount: 3, range: fixed }, coder: 'rans-contexts' },
  trees: { quantizer: { kind: 'uniform', levelCount: 9, range: fixed }, coder: 'binary-fast', maxMs: 1000 },
  levels: { quantizer: { kind: 'levels', levels: [0, 0.5, 2], thresholds: [0.3, 1] }, coder: 'binary' },
  groups: {
    quantizer: { kind: 'grouped', levelCount: 5, axis: 1, groupCount: 4, range: { kind: 'minmax' } },
  },
  blocks: { quantizer: { kind: 'blocks', blockSize: 4, step: 0.5 }, lambda: 0.1, digest: true },
};

describe.each(Object.entries(CODINGS))('%s', (_, coding) => {
  const options = { ...coding, backend };
  const input = feature([1, 8, 12, 10], 1);

  test.each([2, 3, 7])('%d chunks have the bytes and elements of one thread', async (chunkCount) => {
    const frame = encodeFrame(input, { ...options, chunkCount });
    const expected = decodeFrame(frame, options);
    for (const threads of [pool, idle]) {
      expect(await encodeFrameInParallel(input, { ...options, chunkCount }, threads)).toEqual(frame);
      expect(await decodeFrameInParallel(frame, options, threads)).toEqual(expected);
    }
  });

  test('elements come into memory at hand, shared or not', async () => {
    const frame = encodeFrame(input, { ...options, chunkCount: 3 });
    const { data } = decodeFrame(frame, options);
    for (const threads of [pool, idle]) {
      for (const buffer of [new ArrayBuffer(4 * 1000), new SharedArrayBuffer(4 * 1000)]) {
        const target = new Float32Array(buffer).fill(7);
        const decoded = await decodeFrameInParallel(frame, options, threads, target);
        expect(decoded.data.buffer).toBe(buffer);
        expect(Array.from(target)).toEqual([...(data as Float32Array), ...new Array(40).fill(7)]);
      }
    }
  });
});

test('without a chunk count there is a chunk for each thread', async () => {
  const frame = await encodeFrameInParallel(feature([8, 4, 4], 2), { ...CODINGS.uniform, backend }, pool);
  expect(inspectFrame(frame).chunkCount).toBe(3);
});

test('element types other than float32 come back in their own', async () => {
  const data = Int8Array.from({ length: 64 }, (_, i) => i - 32);
  const input: Tensor = { dtype: 'int8', shape: [4, 16], data };
  const options: EncodeOptions = { quantizer: { kind: 'integer' }, backend };
  const frame = await encodeFrameInParallel(input, options, pool);
  expect(await decodeFrameInParallel(frame, { backend }, pool)).toEqual(input);
});

test('bundled frames are coded with their profile', async () => {
  const quantizer = { kind: 'uniform', levelCount: 4, range: fixed } as const;
  const profile = { tensors: [designTensorProfile([feature([6, 8, 8], 3)], { quantizer, backend })] };
  const options = { profile, point: 5, sequenceNumber: 9, chunkCount: 3, backend };
  const features = [feature([6, 8, 8], 4)];
  const frame = encodeBundledFrame(features, options);
  expect(await encodeBundledFrameInParallel(features, options, pool)).toEqual(frame);
  const decoding = { backend, profiles: new Map([[5, profile]]) };
  expect(await decodeFrameInParallel(frame, decoding, pool)).toEqual(decodeFrame(frame, decoding));
});

test.each(['rans', 'rans-packed', 'rans-contexts'] as const)(
  'shared features are coded where they are, %s',
  async (coder) => {
    const quantizer = { kind: 'uniform', levelCount: 4, range: fixed } as const;
    const design = [feature([1, 6, 8, 8], 3), feature([1, 6, 8, 8], 13)];
    const profile = {
      tensors: [designTensorProfile(design, { quantizer, coder, varyingAxes: [0], backend })],
    };
    const options = { profile, point: 5, sequenceNumber: 9, chunkCount: 2, backend };
    const features = [feature([2, 6, 8, 8], 4)];
    const jobs: ChunkJob['kind'][] = [];
    const counting: ChunkPool = {
      workerCount: 1,
      run: (job) => {
        jobs.push(job.kind);
        return pool.run(job);
      },
    };
    const frame = encodeBundledFrame(features, options);
    expect(await encodeBundledFrameInParallel(features.map(shared), options, counting)).toEqual(frame);
    expect(jobs).toEqual([coder === 'rans-contexts' ? 'encode' : 'encode-values']);
    const broken = shared(features[0]);
    broken.data[700] = Number.NaN;
    for (const threads of [pool, idle])
      await expect((async () => encodeBundledFrameInParallel([broken], options, threads))()).rejects.toThrow(
        'feature expected numbers, got NaN in 1 of 768 elements, the first at 700',
      );
  },
);

test('frames without chunks, and without indices, are decoded too', async () => {
  const input = feature([4, 5], 5);
  for (const coding of [
    { quantizer: { kind: 'lossless' } },
    { ...CODINGS.uniform, chunkCount: 1 },
  ] as const) {
    const frame = await encodeFrameInParallel(input, { ...coding, backend }, pool);
    expect(await decodeFrameInParallel(frame, { backend }, pool)).toEqual(decodeFrame(frame, { backend }));
  }
});

test('errors are those of one thread', async () => {
  const options: EncodeOptions = { ...CODINGS.uniform, backend, coder: 'rans', chunkCount: 4 };
  const input = feature([8, 6, 6], 6);
  const broken = { ...input, data: input.data.with(40, Number.NaN) };
  await expect((async () => encodeFrameInParallel(broken, options, pool))()).rejects.toThrow(RangeError);
  const tooWide = {
    ...options,
    coder: 'rans-contexts',
    quantizer: CODINGS['16-bit indices'].quantizer,
  } as const;
  await expect(encodeFrameInParallel(input, tooWide, pool)).rejects.toThrow('levelCount expected 2 to 16');
  const frame = encodeFrame(input, { ...options, digest: true });
  for (const at of [3, frame.length >> 1, frame.length - 1]) {
    const damaged = frame.with(at, frame[at] ^ 1);
    await expect(decodeFrameInParallel(damaged, { backend }, pool)).rejects.toMatchObject({
      name: 'BitstreamError',
    });
  }
  await expect(
    decodeFrameInParallel(frame, { backend, limits: { maxElements: 9 } }, pool),
  ).rejects.toMatchObject({
    code: 'limit-exceeded',
  });
  await expect(decodeFrameInParallel(frame, { backend }, pool, new Float32Array(9))).rejects.toMatchObject({
    code: 'limit-exceeded',
  });
});

test("memory is the caller's again only once no thread writes to it", async () => {
  const options = { ...CODINGS.uniform, coder: 'rans', layout: 'dense', chunkCount: 2, backend } as const;
  const frame = encodeFrame(feature([8, 16, 16], 11), options);
  const payload = inspectFrame(frame).fields.find(({ field }) => field === 'states and words');
  const damaged = frame.slice();
  damaged[payload!.byteOffset] ^= 1; // a state of the first chunk, which the calling thread decodes
  let end: (result: null) => void = () => undefined;
  const slow: ChunkPool = { workerCount: 1, run: () => new Promise((resolve) => void (end = resolve)) };
  let isSettled = false;
  const target = new Float32Array(new SharedArrayBuffer(4 * 2048));
  const decoding = decodeFrameInParallel(damaged, { backend, checksum: 'unchecked' }, slow, target).finally(
    () => {
      isSettled = true;
    },
  );
  decoding.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isSettled).toBe(false);
  end(null);
  await expect(decoding).rejects.toMatchObject({ code: 'payload-mismatch' });
});

test('threads do jobs themselves', async () => {
  const frame = encodeFrame(feature([4, 8, 8], 9), { ...CODINGS.uniform, backend, chunkCount: 3 });
  const decoding = { kind: 'decode', frame, from: 1, to: 3 } as const;
  expect(await pool.run(decoding)).toEqual(runChunkJob(decoding, backend));
  const wrong = { ...decoding, target: new Float32Array(9) };
  expect(() => runChunkJob(wrong, backend)).toThrow('target expected 192 elements, got 9');
  const geometry = { planes: 1, rows: 4, columns: 4 };
  const encoding = (): ChunkJob => ({
    kind: 'encode',
    indices: Uint8Array.from({ length: 16 }, (_, i) => i % 3),
    geometry,
    alphabet: { levelCount: 3, background: 0 },
    coding: {},
  });
  const section = await pool.run(encoding());
  expect(section).toEqual(runChunkJob(encoding(), backend));
});

test('a frame of many chunks is a job for each thread', async () => {
  const input = feature([64, 2, 2], 10);
  const options = { ...CODINGS.uniform, backend };
  const frame = encodeFrame(input, { ...options, chunkCount: 64 });
  const jobs: ChunkJob[] = [];
  const counting: ChunkPool = {
    workerCount: 2,
    run: (job) => {
      jobs.push(job);
      return pool.run(job);
    },
  };
  expect(await decodeFrameInParallel(frame, options, counting)).toEqual(decodeFrame(frame, options));
  expect(jobs).toMatchObject([
    { from: 21, to: 42 },
    { from: 42, to: 64 },
  ]);
});

test('a job for chunks that a frame lacks is refused', () => {
  const frame = encodeFrame(feature([4, 4], 7), { ...CODINGS.uniform, backend, chunkCount: 2 });
  for (const [from, to] of [
    [0, 3],
    [2, 2],
    [-1, 1],
  ])
    expect(() => runChunkJob({ kind: 'decode', frame, from, to }, backend)).toThrow(RangeError);
});

test('jobs that a closed pool cannot do are done by the caller', async () => {
  const closing = await createChunkPool({ workerCount: 1, backend: 'reference' });
  const options = { ...CODINGS.trees, backend, chunkCount: 2 };
  const input = feature([8, 16, 16], 8);
  const frame = encodeFrameInParallel(input, options, closing);
  await closing.close();
  expect(await frame).toEqual(encodeFrame(input, options));
  expect(await encodeFrameInParallel(input, options, closing)).toEqual(await frame);
});

test('a pool refuses to have less than no thread', async () => {
  await expect(createChunkPool({ workerCount: -1 })).rejects.toThrow(
    'workerCount expected an integer from 0',
  );
});
