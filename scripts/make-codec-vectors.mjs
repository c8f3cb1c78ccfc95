/**
 * Adds decoder vectors: frames in `packages/codec/test/vectors/v1`, each beside the tensor it decodes to, and
 * defective frames in `packages/codec/test/vectors/bad`. Existing vectors are never changed (docs/determinism.md);
 * run it after adding a case here. Usage: node scripts/make-codec-vectors.mjs
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeFrame, encodeFrame, referenceBackend } from '@featherwire/codec';
import { createRandom, float16FromFloat32, writeNpy } from '@featherwire/tensor';

const directory = fileURLToPath(new URL('../packages/codec/test/vectors', import.meta.url));
const minmax = { kind: 'minmax' };

function features(count, seed, draw) {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => draw(random));
}
const relu = (random) => (random.nextUniform() < 0.6 ? 0 : -Math.log(1 - random.nextUniform()));
const normal = (random) => random.nextNormal();
const float32 = (shape, data) => ({ dtype: 'float32', shape, data });

const good = [
  [
    'document-example',
    float32([1, 8, 8], documentExample()),
    { kind: 'uniform', levelCount: 4, range: minmax },
  ],
  [
    'relu-4-levels',
    float32([8, 12, 12], features(1152, 1, relu)),
    { kind: 'uniform', levelCount: 4, range: minmax },
  ],
  [
    'relu-16-levels-32-lanes',
    float32([16, 12, 12], features(2304, 2, relu)),
    { kind: 'uniform', levelCount: 16, range: minmax },
    32,
  ],
  [
    'signed-8-bits',
    float32([1, 40, 30], features(1200, 3, normal)),
    { kind: 'asymmetric', bits: 8, range: minmax },
  ],
  [
    'signed-12-bits-tokens',
    float32([600], features(600, 4, normal)),
    { kind: 'asymmetric', bits: 12, range: minmax },
  ],
  [
    'tokens-65536-levels',
    float32([500], features(500, 5, normal)),
    { kind: 'uniform', levelCount: 65536, range: { kind: 'fixed', low: -3, high: 3 } },
  ],
  [
    'packed-200-levels',
    float32(
      [50],
      features(50, 6, (random) => random.nextUniform()),
    ),
    { kind: 'uniform', levelCount: 200, range: minmax },
  ],
  [
    'fixed-range-certain-symbol',
    float32([9], new Float32Array(9).fill(0.5)),
    { kind: 'uniform', levelCount: 3, range: { kind: 'fixed', low: 0, high: 1 } },
  ],
  [
    'float16-6-levels',
    { dtype: 'float16', shape: [300], data: float16FromFloat32(features(300, 7, relu)) },
    { kind: 'uniform', levelCount: 6, range: minmax },
  ],
  [
    'int8-exact',
    { dtype: 'int8', shape: [256], data: Int8Array.from({ length: 256 }, (_, i) => (i * 7) % 40) },
    { kind: 'integer' },
  ],
  [
    'uint8-exact',
    { dtype: 'uint8', shape: [2, 128], data: Uint8Array.from({ length: 256 }, (_, i) => i) },
    { kind: 'integer' },
  ],
  [
    'constant',
    float32([5, 5], new Float32Array(25).fill(-1.25)),
    { kind: 'uniform', levelCount: 4, range: minmax },
  ],
  ['empty', float32([3, 0], new Float32Array(0)), { kind: 'uniform', levelCount: 4, range: minmax }],
  ['scalar', float32([], Float32Array.of(42)), { kind: 'none' }],
  [
    'binary-relu-4-levels',
    float32([8, 12, 12], features(1152, 1, relu)),
    { kind: 'uniform', levelCount: 4, range: minmax },
    undefined,
    'binary',
  ],
  [
    'binary-signed-9-levels',
    float32([2, 3, 9, 11], features(594, 8, normal)),
    { kind: 'uniform', levelCount: 9, range: minmax },
    undefined,
    'binary',
  ],
  [
    'binary-1000-levels-escapes',
    float32([200], features(200, 9, normal)),
    { kind: 'asymmetric', bits: 10, range: minmax },
    undefined,
    'binary',
  ],
  ['int64-stored', { dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }, { kind: 'none' }],
];

/** A rectified map of 8 × 8 with one bright corner, simple enough for the document to show. */
function documentExample() {
  const map = new Float32Array(64);
  map.set([0, 1.5, 3, 1], 20);
  map.set([0.5, 4, 6, 2], 28);
  map.set([0, 1, 2.5, 0.25], 36);
  return map;
}

const sample = encodeFrame(good[1][1], { quantizer: good[1][2], coder: 'rans', backend: referenceBackend });
/** The sample frame with some bytes set. */
function patched(bytes) {
  const frame = sample.slice();
  for (const [offset, byte] of bytes) frame[offset < 0 ? frame.length + offset : offset] = byte;
  return frame;
}
const bad = [
  ['empty-input', 'truncated', new Uint8Array(0)],
  ['png-magic', 'wrong-magic', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
  ['version-2', 'unsupported-version', patched([[3, 2]])],
  ['reserved-type-bits', 'reserved-bits', patched([[4, 0x20]])],
  ['unknown-element-type', 'invalid-field', patched([[4, 15]])],
  ['rank-9', 'invalid-field', patched([[5, (sample[5] & 0xf0) | 9]])],
  [
    'two-gigaelements',
    'limit-exceeded',
    Uint8Array.of(0xf5, 0x46, 0x57, 1, 0, 0x32, 0x80, 0x80, 0x04, 0x80, 0x80, 0x02, 4, 0, 0, 0, 0, 0),
  ],
  ['last-byte-missing', 'truncated', sample.slice(0, -1)],
  ['one-byte-more', 'trailing-bytes', Uint8Array.of(...sample, 0)],
  ['payload-bit-flipped', 'checksum-mismatch', patched([[-20, sample.at(-20) ^ 4]])],
];

mkdirSync(join(directory, 'v1'), { recursive: true });
mkdirSync(join(directory, 'bad'), { recursive: true });
for (const [name, feature, quantizer, laneCount, coder = 'rans'] of good) {
  const frame = encodeFrame(feature, {
    quantizer,
    coder,
    backend: referenceBackend,
    ...(laneCount ? { laneCount } : {}),
  });
  add(`v1/${name}.fwf`, frame);
  add(`v1/${name}.npy`, writeNpy(decodeFrame(frame, { backend: referenceBackend })));
}
for (const [name, code, frame] of bad) add(`bad/${name}.${code}.fwf`, frame);

function add(file, bytes) {
  const path = join(directory, file);
  if (existsSync(path)) return;
  writeFileSync(path, bytes);
  process.stdout.write(`${file}: ${bytes.length} bytes\n`);
}
