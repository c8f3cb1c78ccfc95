import { expect, test } from 'vitest';
import { checkFileBytes, sha256Hex } from './digest.js';

// FIPS 180-4 example values
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('the digest of "abc" is the one of the standard', async () => {
  expect(await sha256Hex(new TextEncoder().encode('abc'))).toBe(ABC);
});

test('bytes are checked by length, then by digest', async () => {
  const entry = { file: 'a.bin', sha256: ABC, bytes: 3 };
  await expect(checkFileBytes(new TextEncoder().encode('abc'), entry)).resolves.toBeUndefined();
  await expect(checkFileBytes(new TextEncoder().encode('ab'), entry)).rejects.toThrow(
    'a.bin expected 3 bytes, got 2',
  );
  await expect(checkFileBytes(new TextEncoder().encode('abd'), entry)).rejects.toMatchObject({
    code: 'digest-mismatch',
  });
});
