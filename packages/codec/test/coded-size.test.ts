import { beforeAll, describe, expect, test } from 'vitest';
import { type Backend, encodeFrame, inspectFrame, loadWasmBackend, type RangeChoice } from '../src/index.js';
import { DISTRIBUTIONS, type DistributionName, drawFeature } from './features.js';

/** Bytes over the order-0 entropy that a frame may take, headers, table and checksum included. */
const RELATIVE_MARGIN = 0.005;
const MARGIN_BYTES = 64;

const LEVEL_COUNTS = [2, 3, 4, 5, 8, 12, 16, 32, 64, 100, 128, 200, 256];
const RANGES: RangeChoice[] = [{ kind: 'minmax' }, { kind: 'fixed', low: -1.5, high: 2.5 }];

let backend: Backend;
beforeAll(async () => {
  backend = await loadWasmBackend();
});

function entropyBytes(counts: Uint32Array, total: number): number {
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= count * Math.log2(count / total);
  return bits / 8;
}

function expectNearEntropy(
  name: DistributionName,
  count: number,
  levelCount: number,
  range: RangeChoice,
): void {
  const feature = drawFeature(name, count, 5);
  const frame = encodeFrame(feature, {
    quantizer: { kind: 'uniform', levelCount, range },
    coder: 'rans',
    backend,
  });
  const { quantizer } = inspectFrame(frame);
  if (quantizer.kind !== 'affine') throw new Error(`${quantizer.kind} quantizer`);
  const indices = backend.quantize(feature.data, quantizer.affine) as Uint8Array;
  const entropy = entropyBytes(backend.countSymbols(indices, levelCount), count);
  const label = `${name}, 2^${Math.log2(count)} elements, ${levelCount} levels, ${range.kind}: entropy ${entropy.toFixed(0)}`;
  expect(frame.length, label).toBeLessThanOrEqual(entropy * (1 + RELATIVE_MARGIN) + MARGIN_BYTES);
}

// The coding of tables was tuned on these distributions. It does not hold for every histogram: above 64 levels, small
// tensors of rough histograms take more, by any code (bench/size-bound.mjs, docs/results.md).
describe('on the distributions of features.ts a frame takes at most 0.5 % and 64 bytes over its order-0 entropy', () => {
  test.each(Object.keys(DISTRIBUTIONS) as DistributionName[])('%s, 2^10 to 2^16 elements', (name) => {
    for (const exponent of [10, 11, 12, 13, 14, 16]) {
      for (const levelCount of LEVEL_COUNTS) {
        for (const range of RANGES) expectNearEntropy(name, 2 ** exponent, levelCount, range);
      }
    }
  });

  test.each([18, 20, 22])(
    '2^%i elements',
    (exponent) => {
      const names: DistributionName[] = exponent === 22 ? ['relu'] : ['relu', 'sparse', 'gaussian'];
      for (const name of names) {
        for (const levelCount of [2, 4, 16, 64, 256])
          expectNearEntropy(name, 2 ** exponent, levelCount, RANGES[0]);
      }
    },
    60_000,
  );
});

test('the choice between coders never takes more than a byte over the smaller one plus 2 %', () => {
  for (const name of Object.keys(DISTRIBUTIONS) as DistributionName[]) {
    for (const levelCount of [2, 4, 9, 32]) {
      const { data } = drawFeature(name, 4_096, 8);
      const feature = { dtype: 'float32', shape: [16, 16, 16], data } as const;
      const quantizer = { kind: 'uniform', levelCount, range: RANGES[0] } as const;
      const [auto, rans, binary] = (['auto', 'rans', 'binary'] as const).map(
        (coder) => encodeFrame(feature, { quantizer, coder, backend }).length,
      );
      expect(auto, `${name}, ${levelCount} levels`).toBeLessThanOrEqual(Math.min(rans, binary) * 1.02 + 1);
    }
  }
});
