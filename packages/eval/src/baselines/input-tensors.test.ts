import { tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { codeInputTensors } from './input-tensors.js';

const TOKENS = tensor(
  'int64',
  [1, 64],
  BigInt64Array.from({ length: 64 }, (_, i) => BigInt(i * 100)),
);
const NEGATIVE = tensor('int32', [1, 2], Int32Array.of(-1, 70_000));
const SMALL = tensor('uint8', [1, 3], Uint8Array.of(0, 7, 255));
const REAL = tensor('float32', [1, 2], Float32Array.of(0.5, -0));

test.each([undefined, 'gzip', 'brotli'] as const)(
  'arrays come back as they were, by %s',
  async (compressor) => {
    const sent = [TOKENS, NEGATIVE, SMALL, REAL];
    const { decoded, bytes } = await codeInputTensors(sent, compressor);
    expect(decoded).toEqual(sent);
    for (const each of bytes) expect(each).toBeGreaterThan(1);
  },
);

test('integers take as few bytes as the largest needs, and a byte says how many', async () => {
  const { bytes } = await codeInputTensors([TOKENS, NEGATIVE, SMALL, REAL], undefined);
  expect(bytes).toEqual([1 + 2 * 64, 1 + 8, 1 + 3, 1 + 8]);
});
