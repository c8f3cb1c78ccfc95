/** Summaries of features by the quantizer of their profile. */

import { type Tensor, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Backend,
  designTensorProfile,
  loadWasmBackend,
  referenceBackend,
  summarizeFeature,
  type TensorProfile,
  type TensorProfileOptions,
} from '../src/index.js';

const values = (...numbers: number[]): Tensor =>
  tensor('float32', [numbers.length], Float32Array.from(numbers));

function profileOf(
  sample: Tensor,
  quantizer: TensorProfileOptions['quantizer'],
  varyingAxes: number[] = [],
): TensorProfile {
  return designTensorProfile([sample], { quantizer, varyingAxes, backend: referenceBackend });
}

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadWasmBackend()];
});

/** The same on every backend. */
function summaryOf(feature: Tensor, profile: TensorProfile) {
  const [summary, other] = backends.map((backend) => summarizeFeature(feature, profile, backend));
  expect(other).toEqual(summary);
  return summary;
}

describe('shares of elements', () => {
  test('uniform levels saturate half a step beyond the outermost', () => {
    const range = { kind: 'fixed', low: 0, high: 3 } as const;
    const profile = profileOf(values(0, 0, 0, 0, 0), { kind: 'uniform', levelCount: 4, range });
    expect(summaryOf(values(0, 0.4, 3.5, 3.6, -0.6), profile)).toEqual({
      ...{ saturatedShare: 0.4, backgroundShare: 0.6 },
      ...{ low: Math.fround(-0.6), high: Math.fround(3.6) },
    });
    expect(summaryOf(values(1, 2, 3, 1, Number.POSITIVE_INFINITY), profile)).toMatchObject({
      ...{ saturatedShare: 0.2, backgroundShare: 0, high: Number.POSITIVE_INFINITY },
    });
  });

  test('listed levels saturate by the distance of the outer two', () => {
    const choice = { kind: 'levels', levels: [-1, 0, 4], thresholds: [-0.25, 1] } as const;
    const profile = profileOf(values(0, 0, 0, 0), choice);
    const summary = summaryOf(values(-1.6, -1.5, 0.9, 6.1), profile);
    expect(summary).toMatchObject({ saturatedShare: 0.5, backgroundShare: 0.25 });
  });

  test('groups of channels saturate each by its own levels', () => {
    const limits = [
      { low: 0, high: 1 },
      { low: 0, high: 3 },
    ];
    const range = { kind: 'fixed', limits } as const;
    const choice = { kind: 'grouped', levelCount: 2, axis: 0, groupCount: 2, range } as const;
    const feature = (...numbers: number[]) => tensor('float32', [2, 2], Float32Array.from(numbers));
    const profile = profileOf(feature(0, 0, 0, 0), choice);
    expect(summaryOf(feature(0, 2, 0, 2), profile)).toMatchObject({
      saturatedShare: 0.25,
      backgroundShare: 0.5,
    });
  });

  test('float16 and integers count as their values', () => {
    const range = { kind: 'fixed', low: 0, high: 3 } as const;
    const uniform = { kind: 'uniform', levelCount: 4, range } as const;
    const half = tensor('float16', [2], Uint16Array.of(0x3c00, 0x4400)); // 1 and 4
    expect(summaryOf(half, profileOf(half, uniform))).toMatchObject({ saturatedShare: 0.5, low: 1, high: 4 });
    const bytes = tensor('uint8', [4], Uint8Array.of(0, 0, 3, 200));
    expect(summaryOf(bytes, profileOf(bytes, uniform))).toMatchObject({
      saturatedShare: 0.25,
      backgroundShare: 0.5,
    });
  });
});

test('blocks count coefficients', () => {
  const shape = [1, 4, 4];
  const flat = tensor('float32', shape, new Float32Array(16).fill(2));
  const profile = profileOf(flat, { kind: 'blocks', blockSize: 4, step: 0.5, levelCount: 3 });
  // All in the mean, which is beyond the one level that is there above 0.
  expect(summaryOf(flat, profile)).toMatchObject({
    saturatedShare: 1 / 16,
    backgroundShare: 15 / 16,
    low: 2,
    high: 2,
  });
});

test('a feature that does not fit, or holds NaN, is refused', () => {
  const range = { kind: 'minmax' } as const;
  const profile = profileOf(values(0, 1), { kind: 'uniform', levelCount: 4, range });
  expect(() => summarizeFeature(values(1), profile, referenceBackend)).toThrow(
    /feature expected float32 \[2\]/,
  );
  expect(() => summarizeFeature(values(1, Number.NaN), profile, referenceBackend)).toThrow(/NaN in 1 of 2/);
});
