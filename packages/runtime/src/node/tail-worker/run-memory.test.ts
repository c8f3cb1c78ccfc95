import { type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, it } from 'vitest';
import { stackRows } from './rows.js';
import { createRunMemory } from './run-memory.js';

const BATCH = [6, 6, 6];

/** Rows of a request's tensor, each element its own number. */
function fill(data: Float32Array, first: number): Float32Array {
  return data.map((_, i) => first + i);
}

describe('memory of a worker', () => {
  it('gives what it gave the last batch once it knows what batches take', () => {
    const memory = createRunMemory();
    const [first, second, third] = [0, 1, 2].map(() => {
      memory.reset();
      return BATCH.map((count) => memory.allocate(count));
    });
    expect(first[0].buffer).not.toBe(second[0].buffer);
    expect(third.map(({ buffer }) => buffer)).toEqual(second.map(({ buffer }) => buffer));
    expect(third.map(({ byteOffset }) => byteOffset)).toEqual([0, 24, 48]);
  });

  it('gives new memory to what does not fit, and grows for the next batch', () => {
    const memory = createRunMemory();
    memory.allocate(6);
    memory.reset();
    const fits = memory.allocate(6);
    const larger = memory.allocate(100);
    expect(larger).toHaveLength(100);
    expect(larger.buffer).not.toBe(fits.buffer);
    memory.reset();
    const [a, b] = [memory.allocate(6), memory.allocate(100)];
    expect(b.buffer).toBe(a.buffer);
  });

  it('keeps no memory of batches over its bound', () => {
    const memory = createRunMemory();
    memory.allocate(2 ** 24 + 1);
    memory.reset();
    expect(memory.allocate(1).buffer.byteLength).toBe(4);
  });
});

describe('rows that are stacked', () => {
  const parts = (arrays: readonly Float32Array[]): { readonly x: Tensor }[] =>
    arrays.map((data, i) => {
      data.set(fill(data, 10 * i));
      return { x: tensor('float32', [data.length / 3, 3], data) };
    });
  const expected = [0, 1, 2, 10, 11, 12, 13, 14, 15, 20, 21, 22];

  it('are a view where they lie one behind the other', () => {
    const memory = new Float32Array(20);
    const rows = parts([memory.subarray(2, 5), memory.subarray(5, 11), memory.subarray(11, 14)]);
    const { x } = stackRows(rows);
    expect(x.shape).toEqual([4, 3]);
    expect([...(x.data as Float32Array)]).toEqual(expected);
    expect(x.data.buffer).toBe(memory.buffer);
  });

  it('are copied in their order where they do not', () => {
    const memory = new Float32Array(20);
    for (const at of [
      [9, 0, 12],
      [0, 4, 10],
      [14, 8, 5],
    ]) {
      const rows = parts([3, 6, 3].map((length, i) => memory.subarray(at[i], at[i] + length)));
      const { x } = stackRows(rows, createRunMemory());
      expect([...(x.data as Float32Array)]).toEqual(expected);
      expect(x.data.buffer).not.toBe(memory.buffer);
    }
  });
});
