import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pixels } from '@featherwire/bundle';
import { createRandom, tensor } from '@featherwire/tensor';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Feature } from '../baselines/features/feature-coder.js';
import { createPlainCoder } from '../baselines/features/plain-coders.js';
import { arrayMethods, DEFAULT_BASELINE_SETTINGS, pictureMethods, sendsInput } from './baseline-methods.js';
import { type Journal, JournalError, openJournal } from './journal.js';
import { type SweepOutcome, sweep } from './sweep.js';
import type { SweepRow } from './sweep-row.js';
import type { SweepMethod, SweepSubject } from './sweep-subject.js';

const SAMPLES = 10;

function feature(seed: number, scale: number): Feature {
  const random = createRandom(seed);
  return tensor(
    'float32',
    [1, 2, 3, 4],
    Float32Array.from({ length: 24 }, () => scale * random.nextNormal()),
  );
}

const FEATURES = [1, 5].map((scale) => Array.from({ length: SAMPLES }, (_, i) => feature(i, scale)));

/** Two tensors cross; a sample is right if its first element survives to 0.001. */
const SUBJECT: SweepSubject = {
  name: 'net at cut',
  metric: { name: 'top-1 accuracy', better: 'higher' },
  headMacs: 1234,
  reference: Array.from({ length: SAMPLES }, () => ({ numerator: 1, denominator: 1 })),
  seen: FEATURES.map((list) => list.slice(0, 2)),
  features: async (from, to) => FEATURES.map((list) => list.slice(from, to)),
  score: async (features, from) =>
    features[0].map(({ data }, i) => ({
      numerator: Math.abs(data[0] - FEATURES[0][from + i].data[0]) < 0.001 ? 1 : 0,
      denominator: 1,
    })),
};

type TensorMethod = Extract<SweepMethod, { readonly kind: 'tensor' }>;

const float32: TensorMethod = {
  kind: 'tensor',
  family: 'plain',
  name: 'float32',
  create: async () => createPlainCoder({ elements: 'float32' }),
};
const bytes: TensorMethod = {
  kind: 'tensor',
  family: 'plain',
  name: 'int8',
  create: async () => createPlainCoder({ elements: 'int8' }),
};
const missing: TensorMethod = {
  kind: 'tensor',
  family: 'video',
  name: 'x265',
  create: async () => ({ skip: 'ffmpeg: not installed' }),
};

async function collect(outcomes: AsyncGenerator<SweepOutcome>): Promise<SweepOutcome[]> {
  const list: SweepOutcome[] = [];
  for await (const outcome of outcomes) list.push(outcome);
  return list;
}

function rowOf(outcome: SweepOutcome): SweepRow {
  if (outcome.kind !== 'measured') throw new Error(outcome.skipped.reason);
  return outcome.row;
}

describe('sweep', () => {
  test('counts the bytes of all tensors of the cut, and scores what arrives', async () => {
    const [whole, coarse] = (await collect(sweep(SUBJECT, [float32, bytes]))).map(rowOf);
    expect(whole).toMatchObject({
      method: 'float32',
      sampleCount: SAMPLES,
      bitsPerElement: 32,
      headMacs: 1234,
    });
    expect(whole.bytesPerSample).toEqual({ mean: 192, p50: 192, p95: 192 });
    expect(whole.metric).toMatchObject({ name: 'top-1 accuracy', value: 1 });
    expect(whole.loss.value).toBe(0);
    expect(coarse.bytesPerSample.mean).toBe(2 * (24 + 8));
    expect(coarse.metric.value).toBeLessThan(1);
    expect(coarse.loss.value).toBeCloseTo(1 - coarse.metric.value, 12);
  });

  test('of a metric of errors, a loss is more of them', async () => {
    const errors: SweepSubject = {
      ...SUBJECT,
      metric: { name: 'errors', better: 'lower' },
      reference: SUBJECT.reference.map(() => ({ numerator: 0, denominator: 1 })),
      score: async (features, from) =>
        (await SUBJECT.score(features, from)).map(({ numerator }) => ({
          numerator: 1 - numerator,
          denominator: 1,
        })),
    };
    const [row] = (await collect(sweep(errors, [bytes]))).map(rowOf);
    expect(row.loss.value).toBeCloseTo(row.metric.value, 12);
    expect(row.loss.value).toBeGreaterThan(0);
  });

  test('an exit takes the answers that it is sure of, and their bytes, from every method that sends features', async () => {
    // Sure of two samples of ten, one of them wrongly.
    const exit = FEATURES[0].map((_, i) => ({
      isSure: i < 2,
      ratio: { numerator: i === 0 ? 0 : 1, denominator: 1 },
    }));
    const rows = (await collect(sweep({ ...SUBJECT, exit }, [float32, bytes], { batchSize: 3 }))).map(rowOf);
    for (const [row, without] of [
      [rows[0], 192],
      [rows[1], 2 * (24 + 8)],
    ] as const) {
      expect(row.bytesPerSample.mean).toBe(without);
      expect(row.exit!.answeredShare).toBeCloseTo(0.2, 12);
      expect(row.exit!.bytesPerDecision).toBeCloseTo(0.8 * without, 9);
    }
    expect(rows[0].loss.value).toBe(0);
    expect(rows[0].exit).toMatchObject({ metric: { name: 'top-1 accuracy', value: 0.9 } });
    expect(rows[0].exit!.loss.value).toBeCloseTo(0.1, 12);
    expect(rowOf((await collect(sweep(SUBJECT, [bytes])))[0])).not.toHaveProperty('exit');
  });

  test('the rows do not depend on the batches', async () => {
    const measure = async (batchSize: number) => {
      const [row] = (await collect(sweep(SUBJECT, [bytes], { batchSize }))).map(rowOf);
      return { ...row, encodeMs: 0, decodeMs: 0 };
    };
    expect(await measure(3)).toEqual(await measure(100));
  });

  test('what batches share is counted once', async () => {
    const sharing: TensorMethod = {
      ...bytes,
      create: async () => {
        const coder = createPlainCoder({ elements: 'int8' });
        return {
          ...coder,
          code: async (list) => ({ ...(await coder.code(list)), sharedBytes: 50, encodeMs: null }),
        };
      },
    };
    const [row] = (await collect(sweep(SUBJECT, [sharing], { batchSize: 4 }))).map(rowOf);
    expect(row.bytesPerSample.mean).toBeCloseTo(64 + (2 * 50) / SAMPLES, 12);
    expect(row.encodeMs).toBeNull();
    expect(row.decodeMs).not.toBeNull();
    expect(row.programs).toBeNull();
  });

  test('times of programs outside stand by themselves', async () => {
    const outside: TensorMethod = {
      ...bytes,
      create: async () => {
        const coder = createPlainCoder({ elements: 'int8' });
        return {
          ...coder,
          code: async (list) => ({
            ...(await coder.code(list)),
            encodeMs: null,
            decodeMs: null,
            programs: { encodeMs: 2 * list.length, decodeMs: list.length },
          }),
        };
      },
    };
    const [row] = (await collect(sweep(SUBJECT, [outside], { batchSize: 4 }))).map(rowOf);
    const tensors = SUBJECT.seen.length;
    expect(row).toMatchObject({
      encodeMs: null,
      decodeMs: null,
      programs: { encodeMs: 2 * tensors, decodeMs: tensors },
    });
  });

  test('a method that is missing says why, and the others go on', async () => {
    const [first, second] = await collect(sweep(SUBJECT, [missing, bytes]));
    expect(first).toEqual({
      kind: 'skipped',
      skipped: { subject: 'net at cut', family: 'video', method: 'x265', reason: 'ffmpeg: not installed' },
    });
    expect(second.kind).toBe('measured');
  });

  test('a method may code the tensors of a cut together', async () => {
    const together: SweepMethod = {
      kind: 'cut',
      family: 'joint',
      name: 'halves',
      create: async (seen) => ({
        code: async (features) => {
          expect(seen).toHaveLength(2);
          const decoded = features.map((list) => list.map((each) => ({ ...each, data: each.data.slice() })));
          return {
            decoded,
            bytes: features[0].map((_, i) => i),
            sharedBytes: 5,
            encodeMs: null,
            decodeMs: 2,
          };
        },
      }),
    };
    const [row] = (await collect(sweep(SUBJECT, [together], { batchSize: 100 }))).map(rowOf);
    expect(row.bytesPerSample.mean).toBe((45 + 5) / SAMPLES);
    expect(row).toMatchObject({ metric: { value: 1 }, encodeMs: null, decodeMs: 0.2, headMacs: 1234 });
  });

  test('inputs that are no pictures travel as arrays, and need no device', async () => {
    const [, gzip] = arrayMethods();
    const tokens = Array.from({ length: SAMPLES }, (_, i) =>
      tensor('int64', [1, 8], new BigInt64Array(8).fill(BigInt(i))),
    );
    const withArrays: SweepSubject = {
      ...SUBJECT,
      arrays: {
        source: 'net, arrays',
        tensors: async (from, to) => tokens.slice(from, to),
        score: async (arrived, from) =>
          arrived.map(({ data }, i) => ({
            numerator: data.join() === tokens[from + i].data.join() ? 1 : 0,
            denominator: 1,
          })),
      },
    };
    const [row] = (await collect(sweep(withArrays, [gzip], { batchSize: 3 }))).map(rowOf);
    expect(row).toMatchObject({ family: 'input as array', method: 'input as array + gzip', headMacs: 0 });
    expect(row.metric.value).toBe(1);
    expect(row.bytesPerSample.mean).toBeLessThan(8 * 8);
    const [skipped] = await collect(sweep(SUBJECT, [gzip]));
    expect(skipped).toMatchObject({ skipped: { reason: 'the data are pictures' } });
    expect([row.family, 'picture as png', 'plain'].map(sendsInput)).toEqual([true, true, false]);
  });

  test('pictures of the input need no device, and data without pictures say so', async () => {
    const [png] = pictureMethods({ ...DEFAULT_BASELINE_SETTINGS, inputQualities: [], inputDistances: [] });
    const pictures = Array.from({ length: SAMPLES }, (_, i): Pixels => {
      const data = Uint8Array.from({ length: 8 * 8 * 3 }, (_, at) => (at * (i + 1)) % 256);
      return { data, width: 8, height: 8, channels: 3 };
    });
    const withPictures: SweepSubject = {
      ...SUBJECT,
      pictures: {
        source: 'net, pictures',
        pixels: async (from, to) => pictures.slice(from, to),
        score: async (arrived, from) =>
          arrived.map(({ data }, i) => ({
            numerator: Buffer.from(data).equals(Buffer.from(pictures[from + i].data)) ? 1 : 0,
            denominator: 1,
          })),
      },
    };
    const [row] = (await collect(sweep(withPictures, [png], { batchSize: 3 }))).map(rowOf);
    expect(row).toMatchObject({
      family: 'picture as png',
      metric: { value: 1 },
      headMacs: 0,
      bitsPerElement: null,
    });
    const [none] = await collect(sweep(SUBJECT, [png]));
    expect(none).toMatchObject({ kind: 'skipped', skipped: { reason: 'the data are no pictures' } });
  });

  test('tells how far it is and stops when told', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const running = collect(
      sweep(SUBJECT, [float32, bytes], {
        batchSize: 4,
        signal: stop.signal,
        onProgress: ({ method, methodsDone, samplesDone, sampleCount }) => {
          expect(sampleCount).toBe(SAMPLES);
          expect(methodsDone).toBe(method === 'float32' ? 0 : 1);
          seen.push(samplesDone);
          if (method === 'int8') stop.abort(new Error('enough'));
        },
      }),
    );
    await expect(running).rejects.toThrow('enough');
    expect(seen).toEqual([4, 8, 10, 4]);
  });
});

describe('journal', () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'featherwire-sweep-'));
    file = join(directory, 'sweep.jsonl');
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const open = (settings: unknown = { seed: 1 }): Promise<Journal<SweepRow>> => openJournal(file, settings);

  test('a second sweep measures only what the first did not', async () => {
    const first = await open();
    const [row] = (await collect(sweep(SUBJECT, [float32], { journal: first }))).map(rowOf);
    await first.close();
    const second = await open();
    const failing: TensorMethod = { ...float32, create: () => Promise.reject(new Error('measured again')) };
    const rows = (await collect(sweep(SUBJECT, [failing, bytes], { journal: second }))).map(rowOf);
    await second.close();
    expect(rows[0]).toEqual(row);
    expect(rows[1].method).toBe('int8');
  });

  test('pictures are measured once for all cuts of a network', async () => {
    const [png] = pictureMethods({ ...DEFAULT_BASELINE_SETTINGS, inputQualities: [], inputDistances: [] });
    const data = Uint8Array.from({ length: 12 }, (_, i) => i);
    const pictures = {
      source: 'net, pictures',
      pixels: async (from: number, to: number) =>
        Array.from({ length: to - from }, (): Pixels => ({ data, width: 2, height: 2, channels: 3 })),
      score: async (list: readonly Pixels[]) => list.map(() => ({ numerator: 1, denominator: 1 })),
    };
    const journal = await open();
    const [first] = (await collect(sweep({ ...SUBJECT, pictures }, [png], { journal }))).map(rowOf);
    const failing = { ...pictures, pixels: () => Promise.reject(new Error('measured again')) };
    const other = { ...SUBJECT, name: 'net at another cut', pictures: failing };
    const [second] = (await collect(sweep(other, [png], { journal }))).map(rowOf);
    await journal.close();
    expect(second).toEqual({ ...first, subject: 'net at another cut' });
  });

  test('a line that was cut off is measured again, lines before it are kept', async () => {
    const first = await open();
    const rows = (await collect(sweep(SUBJECT, [float32, bytes], { journal: first }))).map(rowOf);
    await first.close();
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.slice(0, -20));
    const second = await open();
    expect(second.get('net at cut / float32')).toEqual(rows[0]);
    expect(second.get('net at cut / int8')).toBeUndefined();
    await second.put('net at cut / int8', rows[1]);
    await second.close();
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  test('other settings and other files are refused', async () => {
    await (await open()).close();
    await expect(open({ seed: 2 })).rejects.toThrow(JournalError);
    await writeFile(file, 'no journal at all');
    await expect(open()).rejects.toThrow(JournalError);
    await writeFile(file, `${JSON.stringify({ journal: 1, settings: { seed: 1 } })}\n{"key":1}\n`);
    await expect(open()).rejects.toThrow(JournalError);
  });
});
