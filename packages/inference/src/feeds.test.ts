import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { checkFeeds } from './feeds.js';
import { InferenceError, type TensorMap, type ValueSpec } from './session.js';

const INPUTS: readonly ValueSpec[] = [
  { name: 'x', dtype: 'float32', shape: ['N', 3] },
  { name: 's', dtype: 'int64', shape: [] },
];
const x = tensor('float32', [2, 3], new Float32Array(6));
const s = tensor('int64', [], BigInt64Array.of(1n));

function messageOf(feeds: TensorMap): string {
  try {
    checkFeeds(INPUTS, feeds);
  } catch (error) {
    expect(error).toBeInstanceOf(InferenceError);
    expect((error as InferenceError).code).toBe('input-mismatch');
    return (error as InferenceError).message;
  }
  return 'accepted';
}

describe('checkFeeds', () => {
  test('accepts any size of a symbolic dimension, and any shape where none is declared', () => {
    expect(messageOf({ x, s })).toBe('accepted');
    expect(messageOf({ x: tensor('float32', [0, 3], new Float32Array(0)), s })).toBe('accepted');
    expect(messageOf({ x, s: tensor('int64', [2], new BigInt64Array(2)) })).toBe('accepted');
  });

  test('names what was expected and what came', () => {
    expect(messageOf({ x })).toBe("inputs expected 'x', 's', got 'x'");
    expect(messageOf({})).toBe("inputs expected 'x', 's', got none");
    expect(messageOf({ x, s, extra: x })).toBe("inputs expected 'x', 's', got 'x', 's', 'extra'");
    expect(messageOf({ x: s, s })).toBe("input 'x' expected float32 [N, 3], got int64 []");
    expect(messageOf({ x: tensor('float32', [3, 2], new Float32Array(6)), s })).toBe(
      "input 'x' expected float32 [N, 3], got float32 [3, 2]",
    );
  });

  test('a record made by hand whose data does not fit is refused', () => {
    expect(messageOf({ x: { ...x, data: new Float32Array(5) }, s })).toBe(
      "input 'x' expected 6 elements for shape [2, 3], got 5",
    );
    expect(messageOf({ x: { ...x, data: new Float64Array(6) as never }, s })).toBe(
      "input 'x' expected data in Float32Array for float32, got Float64Array",
    );
    expect(messageOf({ x: { ...x, shape: [-2, 3] }, s })).toContain("input 'x': shape expected");
  });

  test('an input named like a member of every object is looked up as a name', () => {
    const inputs: ValueSpec[] = [{ name: 'constructor', dtype: 'float32', shape: [1] }];
    expect(() => checkFeeds(inputs, {})).toThrow("expected 'constructor', got none");
  });
});
