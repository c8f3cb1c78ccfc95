/**
 * Adds decoder vectors: frames in `packages/codec/test/vectors/v1`, each beside the tensor it decodes to, and
 * defective frames in `packages/codec/test/vectors/bad`. Existing vectors are never changed (docs/determinism.md);
 * run it after adding a case here. Usage: node scripts/make-codec-vectors.mjs
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { decodeFrame, encodeFrame, inspectFrame, referenceBackend } from '@featherwire/codec';
import { createRandom, float16FromFloat32, writeNpy } from '@featherwire/tensor';

const directory = fileURLToPath(new URL('../packages/codec/test/vectors', import.meta.url));
const minmax = { kind: 'minmax' };

function features(count, seed, draw) {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => draw(random));
}
const relu = (random) => (random.nextUniform() < 0.6 ? 0 : -Math.log(1 - random.nextUniform()));
const normal = (random) => random.nextNormal();
const rare = (random) => (random.nextUniform() < 0.9 ? 0 : -Math.log(1 - random.nextUniform()));
const rareSigned = (random) => (random.nextUniform() < 0.8 ? 0 : random.nextNormal());
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
  [
    'levels-5',
    float32([8, 12, 12], features(1152, 10, relu)),
    { kind: 'levels', levels: [0, 0.625, 1.4375, 2.6875, 5], thresholds: [0.375, 1, 2.0625, 3.75] },
  ],
  [
    'levels-40-signed-float16',
    { dtype: 'float16', shape: [700], data: float16FromFloat32(features(700, 11, normal)) },
    squareLevels(40),
  ],
  ['levels-256', float32([30, 40], features(1200, 12, normal)), squareLevels(256)],
  [
    'levels-packed-int8',
    { dtype: 'int8', shape: [24], data: Int8Array.from({ length: 24 }, (_, i) => (i * 11) % 24) },
    { kind: 'levels', levels: [-200, 2.5, 3.5, 300], thresholds: [6, 12, 18] },
  ],
  [
    'grouped-rectified-runs',
    float32([2, 8, 6, 6], unevenChannels(13, relu)),
    { kind: 'grouped', levelCount: 4, axis: 1, groupCount: 4, range: minmax },
  ],
  [
    'grouped-signed-listed',
    float32([2, 8, 6, 6], unevenChannels(14, normal)),
    {
      kind: 'grouped',
      levelCount: 12,
      axis: 1,
      groupCount: 3,
      groupOfChannel: [0, 1, 2, 2, 1, 0, 2, 1],
      range: minmax,
    },
  ],
  [
    'grouped-symmetric-last-axis-4097-levels',
    float32([16, 8], unevenChannels(15, normal).subarray(0, 128)),
    {
      kind: 'grouped',
      levelCount: 4097,
      axis: 1,
      groupCount: 8,
      range: {
        kind: 'fixed',
        limits: Array.from({ length: 8 }, (_, c) => ({ low: -(2 ** c), high: 2 ** c })),
      },
    },
  ],
  [
    'csr-16-levels',
    float32([8, 12, 12], features(1152, 16, rare)),
    { kind: 'asymmetric', bits: 4, range: minmax },
    undefined,
    'rans',
    'csr',
  ],
  [
    'csr-separate-signed-9-levels',
    float32([6, 10, 14], features(840, 17, rareSigned)),
    { kind: 'uniform', levelCount: 9, range: minmax },
    undefined,
    'rans',
    'csr-separate',
  ],
  [
    'csr-separate-prime-rows-4-lanes',
    float32([1009], features(1009, 18, rare)),
    { kind: 'uniform', levelCount: 256, range: minmax },
    4,
    'rans',
    'csr-separate',
  ],
  [
    'csr-nothing-kept',
    float32([40], new Float32Array(40)),
    { kind: 'uniform', levelCount: 3, range: { kind: 'fixed', low: 0, high: 1 } },
    undefined,
    'rans',
    'csr',
  ],
  [
    'significance-100-levels',
    float32([30, 40], features(1200, 19, rareSigned)),
    { kind: 'asymmetric', bits: 7, range: minmax },
    undefined,
    'rans',
    'significance',
  ],
  [
    'contexts-relu-4-levels',
    float32([24, 12, 12], smoothPlanes(24, 12, 12, 20, true)),
    { kind: 'uniform', levelCount: 4, range: minmax },
    undefined,
    'rans-contexts',
  ],
  [
    'contexts-signed-9-levels-64-lanes',
    float32([2, 70, 5, 7], smoothPlanes(140, 5, 7, 21, false)),
    { kind: 'uniform', levelCount: 9, range: minmax },
    64,
    'rans-contexts',
  ],
  [
    'contexts-2-levels-32-lanes',
    float32([1, 40, 9, 6], smoothPlanes(40, 9, 6, 22, true)),
    { kind: 'uniform', levelCount: 2, range: minmax },
    32,
    'rans-contexts',
  ],
  [
    'contexts-tokens-16-levels',
    float32([1, 60, 20], smoothPlanes(1, 60, 20, 23, false)),
    { kind: 'asymmetric', bits: 4, range: minmax },
    undefined,
    'rans-contexts',
  ],
  [
    'contexts-vector-6-levels',
    float32([300], features(300, 24, relu)),
    { kind: 'uniform', levelCount: 6, range: minmax },
    16,
    'rans-contexts',
  ],
  ['int64-stored', { dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }, { kind: 'none' }],
];

/** Levels whose distance grows from 0 on. */
function squareLevels(levelCount) {
  const levels = Array.from({ length: levelCount }, (_, i) => {
    const place = (2 * i) / (levelCount - 1) - 1;
    return Math.fround(4 * place * Math.abs(place));
  });
  return {
    kind: 'levels',
    levels,
    thresholds: levels.slice(1).map((level, i) => Math.fround((level + levels[i]) / 2)),
  };
}

/** Planes whose elements are like their neighbors. */
function smoothPlanes(planes, rows, columns, seed, isRectified) {
  const values = features(planes * rows * columns, seed, normal);
  for (let at = 0; at < values.length; at++) {
    const column = at % columns;
    const row = Math.floor(at / columns) % rows;
    if (column > 0) values[at] += 0.6 * values[at - 1];
    if (row > 0) values[at] += 0.3 * values[at - columns];
  }
  return isRectified ? values.map((value) => Math.max(0, value)) : values;
}

/** [2, 8, 6, 6] with channels of very different size. */
function unevenChannels(seed, draw) {
  return features(576, seed, draw).map((value, i) => value * 2 ** (Math.floor(i / 36) % 8));
}

/** A rectified map of 8 × 8 with one bright corner, simple enough for the document to show. */
function documentExample() {
  const map = new Float32Array(64);
  map.set([0, 1.5, 3, 1], 20);
  map.set([0.5, 4, 6, 2], 28);
  map.set([0, 1, 2.5, 0.25], 36);
  return map;
}

const sample = encodeFrame(good[1][1], {
  quantizer: good[1][2],
  coder: 'rans',
  layout: 'dense',
  backend: referenceBackend,
});
/** The sample frame with some bytes set. */
function patched(bytes) {
  const frame = sample.slice();
  for (const [offset, byte] of bytes) frame[offset < 0 ? frame.length + offset : offset] = byte;
  return frame;
}
/** Shape [12] under 8 levels, zero point 0 and step 1, then these bytes of a coder section, and 16 zeros. */
function handmadeSection(bytes) {
  return handmade([0, 0x31, 12, 8, 0, 0, 0, 0x80, 0x3f, ...bytes]);
}
/** A frame of compressed rows that says it keeps one entry less than it does, under a right checksum. */
function lessKept() {
  const data = Float32Array.of(0, 0, 5, 0, 0, 0, 0, 0, 7, 0, 2, 2);
  const quantizer = { kind: 'uniform', levelCount: 8, range: { kind: 'fixed', low: 0, high: 7 } };
  const layout = 'csr-separate';
  const frame = encodeFrame(float32([12], data), { quantizer, layout, backend: referenceBackend });
  const { byteOffset } = inspectFrame(frame).fields.find(({ field }) => field === 'kept entries');
  frame[byteOffset]--;
  const { buffer, length } = frame;
  new DataView(buffer).setUint32(length - 4, crc32(frame.subarray(0, length - 4)), true);
  return frame;
}
/** The preamble, these bytes, and 16 zeros. */
function handmade(bytes) {
  return Uint8Array.of(0xf5, 0x46, 0x57, 1, ...bytes, ...new Uint8Array(16));
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
  ['falling-levels', 'invalid-field', handmade([0, 0x51, 3, 2, 0, 0, 0x80, 0x3f, 0, 0, 0, 0])],
  ['one-level', 'invalid-field', handmade([0, 0x51, 3, 1, 0, 0, 0x80, 0x3f])],
  ['quantizer-7', 'invalid-field', handmade([0, 0x71, 3, 4, 0, 0, 0x80, 0x3f])],
  ['groups-of-unequal-length', 'invalid-field', handmade([0, 0x62, 6, 2, 4, 0, 4, 0, 0x80, 0x3f])],
  ['group-over-the-count', 'invalid-field', handmade([0, 0x62, 6, 2, 4, 8, 3, 0xc0, 0, 0])],
  ['reserved-axis-bits', 'reserved-bits', handmade([0, 0x62, 6, 2, 4, 0x20, 1, 0, 0x80, 0x3f])],
  ['reserved-coder-bit', 'reserved-bits', handmadeSection([0xa2, 3, 4])],
  ['layout-of-bins', 'invalid-field', handmadeSection([0x20, 3, 4])],
  ['lanes-beside-a-layout', 'reserved-bits', handmadeSection([0x26, 3, 4])],
  ['rows-that-do-not-divide', 'invalid-field', handmadeSection([0x22, 5, 4])],
  ['no-rows', 'invalid-field', handmadeSection([0x42, 0, 4])],
  ['more-kept-than-elements', 'invalid-field', handmadeSection([0x62, 13])],
  ['lanes-of-an-array', 'invalid-field', handmadeSection([0x62, 4, 0, 6])],
  ['rows-hold-more-than-kept', 'payload-mismatch', lessKept()],
  ['lanes-over-64', 'invalid-field', handmadeSection([0x9e, 12])],
  ['reserved-flag-of-a-model', 'reserved-bits', handmadeSection([0x82, 12, 0x41])],
  ['model-of-other-channels', 'invalid-field', handmadeSection([0x82, 13, 1, 0, 0])],
  ['more-classes-than-groups', 'invalid-field', handmadeSection([0x82, 12, 1, 0, 1])],
  // 4 × 8 cells of 8 bits and 16 bins of 4 bits, all 0, and then differences beyond any threshold
  [
    'thresholds-that-do-not-ascend',
    'invalid-table',
    handmadeSection([0x82, 12, 1, 0, 0, ...new Uint8Array(40), 0xff, 0xff, 0xff]),
  ],
  [
    'cells-beyond-their-count',
    'invalid-table',
    handmadeSection([0x82, 12, 1, 0, 0, 0x10, ...new Uint8Array(60)]),
  ],
  ['model-that-ends-early', 'truncated', handmadeSection([0x82, 12, 1, 0, 0])],
  ['payload-bit-flipped', 'checksum-mismatch', patched([[-20, sample.at(-20) ^ 4]])],
];

mkdirSync(join(directory, 'v1'), { recursive: true });
mkdirSync(join(directory, 'bad'), { recursive: true });
for (const [name, feature, quantizer, laneCount, coder = 'rans', layout = 'dense'] of good) {
  const frame = encodeFrame(feature, {
    quantizer,
    coder,
    layout,
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
