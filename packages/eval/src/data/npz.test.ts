import { createRandom, tensor, writeNpy } from '@featherwire/tensor';
import { type ZippableFile, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { DataSetError } from './data-set.js';
import { readNpz } from './npz.js';

const inputs = tensor('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
const labels = tensor('int64', [2], BigInt64Array.of(7n, 1n));

function archive(level: 0 | 6 = 6, extra: Record<string, ZippableFile> = {}): Uint8Array {
  return zipSync({ 'inputs.npy': writeNpy(inputs), 'labels.npy': writeNpy(labels), ...extra }, { level });
}

function refusal(bytes: Uint8Array, limits = {}): DataSetError {
  try {
    readNpz(bytes, limits);
  } catch (error) {
    expect(error).toBeInstanceOf(DataSetError);
    return error as DataSetError;
  }
  throw new Error('the archive was accepted');
}

/** Position of the n-th central directory entry. */
function centralEntry(bytes: Uint8Array, n: number): number {
  const view = new DataView(bytes.buffer);
  let at = view.getUint32(bytes.length - 6, true);
  for (let i = 0; i < n; i++) at += 46 + view.getUint16(at + 28, true);
  return at;
}

function patched(bytes: Uint8Array, patch: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  patch(new DataView(copy.buffer));
  return copy;
}

describe('readNpz', () => {
  test.each([0, 6] as const)('reads stored and deflated members (level %i)', (level) => {
    const tensors = readNpz(archive(level));
    expect([...tensors.keys()]).toEqual(['inputs', 'labels']);
    expect(tensors.get('inputs')).toEqual(inputs);
    expect(tensors.get('labels')).toEqual(labels);
  });

  test('reads an archive with a comment, at any offset of its buffer', () => {
    const bytes = archive();
    const moved = new Uint8Array(bytes.length + 12);
    moved.set(bytes, 7);
    new DataView(moved.buffer).setUint16(7 + bytes.length - 2, 5, true);
    expect(readNpz(moved.subarray(7)).get('inputs')).toEqual(inputs);
  });

  test('reads what NumPy writes: sizes in a zip64 field of the local header', () => {
    // numpy.savez forces zip64 in local headers; the directory holds the sizes as usual
    const bytes = zipSync({ 'x.npy': [writeNpy(inputs), { level: 0, extra: { 1: new Uint8Array(16) } }] });
    const forced = patched(bytes, (view) => {
      view.setUint32(18, 0xffffffff, true);
      view.setUint32(22, 0xffffffff, true);
    });
    expect(readNpz(forced).get('x')).toEqual(inputs);
  });

  test('every truncation is refused', () => {
    const bytes = archive();
    for (let length = 0; length < bytes.length; length++) refusal(bytes.subarray(0, length));
  });

  test('a flipped bit is refused or harmless', () => {
    const bytes = archive(0);
    for (let i = 0; i < 8 * bytes.length; i++) {
      const damaged = patched(bytes, (view) => view.setUint8(i >> 3, view.getUint8(i >> 3) ^ (1 << (i & 7))));
      let tensors: ReturnType<typeof readNpz>;
      try {
        tensors = readNpz(damaged);
      } catch (error) {
        expect(error, `bit ${i}`).toBeInstanceOf(DataSetError);
        continue;
      }
      // bits of time stamps, versions and local headers carry nothing; names may change
      expect([...tensors.values()], `bit ${i}`).toEqual([inputs, labels]);
    }
  });

  test('random bytes are refused', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = createRandom(seed);
      const bytes = Uint8Array.from({ length: random.nextInteger(300) }, () => random.nextInteger(256));
      expect(refusal(bytes).code, `seed ${seed}`).toBe('invalid-data');
    }
  });
});

describe('hostile archives', () => {
  test('a member that unpacks to more than the directory says stops there', () => {
    const bomb = zipSync({ 'x.npy': new Uint8Array(1 << 24) });
    const lying = patched(bomb, (view) => view.setUint32(centralEntry(bomb, 0) + 24, 100, true));
    expect(refusal(lying).message).toContain('x.npy expected 100 deflated bytes');
  });

  test('a directory that promises more than the limit is refused before anything is unpacked', () => {
    const bytes = archive();
    const huge = patched(bytes, (view) => view.setUint32(centralEntry(bytes, 1) + 24, 0xfffffff0, true));
    expect(refusal(huge).code).toBe('over-limit');
    const total = writeNpy(inputs).length + writeNpy(labels).length;
    expect(refusal(bytes, { maxBytes: total - 1 }).code).toBe('over-limit');
    expect(readNpz(bytes, { maxBytes: total }).size).toBe(2);
  });

  test('overlapping members count once each towards the limit', () => {
    const bytes = archive();
    const overlapping = patched(bytes, (view) => view.setUint32(centralEntry(bytes, 1) + 42, 0, true));
    refusal(overlapping); // labels with the content of inputs: another CRC-32
    expect(refusal(overlapping, { maxBytes: 200 }).code).toBe('over-limit');
  });

  test('too many members are refused, as many as the limit are not', () => {
    const members = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`a${i}.npy`, writeNpy(labels)]));
    expect(refusal(zipSync(members), { maxMembers: 4 }).code).toBe('over-limit');
    expect(readNpz(zipSync(members), { maxMembers: 5 }).size).toBe(5);
  });

  test.each<[string, Uint8Array, string]>([
    [
      'an encrypted member',
      patched(archive(), (view) => view.setUint16(centralEntry(archive(), 0) + 8, 1, true)),
      'encrypted',
    ],
    [
      'an unknown method',
      patched(archive(), (view) => view.setUint16(centralEntry(archive(), 0) + 10, 14, true)),
      'method 14',
    ],
    [
      'a header outside the file',
      patched(archive(), (view) => view.setUint32(centralEntry(archive(), 0) + 42, 1 << 30, true)),
      'header',
    ],
    [
      'a body beyond the file',
      patched(archive(), (view) => view.setUint32(centralEntry(archive(), 0) + 20, 1 << 30, true)),
      'end of the file',
    ],
    ['a member that is no array', archive(6, { 'readme.txt': new Uint8Array(3) }), 'readme.txt'],
    ['a damaged array', zipSync({ 'x.npy': new Uint8Array(100) }), 'npy magic'],
    [
      'several volumes',
      patched(archive(), (view) => view.setUint16(archive().length - 18, 1, true)),
      'volumes',
    ],
    [
      'the same name twice',
      patched(archive(6, { 'inputt.npy': writeNpy(inputs) }), (view) =>
        view.setUint8(
          centralEntry(archive(6, { 'inputt.npy': writeNpy(inputs) }), 2) + 46 + 5,
          's'.charCodeAt(0),
        ),
      ),
      'twice',
    ],
  ])('%s is refused', (_, bytes, message) => {
    expect(refusal(bytes).message).toContain(message);
  });
});
