/**
 * Adds decoder vectors: frames in `packages/codec/test/vectors/v1`, each beside the tensor it decodes to, and
 * defective frames in `packages/codec/test/vectors/bad`. Existing vectors are never changed (docs/determinism.md);
 * run it after adding a case here. Usage: node scripts/make-codec-vectors.mjs
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import {
  decodeFrame,
  decodeTensors,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  encodeTensors,
  inspectFrame,
  referenceBackend,
  writeProfile,
} from '@featherwire/codec';
import { createRandom, float16FromFloat32, writeNpy } from '@featherwire/tensor';

const directory = fileURLToPath(new URL('../packages/codec/test/vectors', import.meta.url));
const minmax = { kind: 'minmax' };
const lossless = { kind: 'lossless' };
/** Two components of three channels, nearly orthonormal. */
const twoOfThree = {
  channelCount: 3,
  componentCount: 2,
  weights: Int16Array.of(9459, 9459, 9459, 11_585, 0, -11_585),
};

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
    'blocks-8-rectified',
    float32([3, 20, 13], smoothPlanes(3, 20, 13, 60, true)),
    { kind: 'blocks', blockSize: 8, step: 0.25 },
    undefined,
    'binary',
  ],
  [
    'blocks-4-signed-float16',
    { dtype: 'float16', shape: [2, 9, 8], data: float16FromFloat32(features(144, 61, normal)) },
    { kind: 'blocks', blockSize: 4, step: 0.03125, levelCount: 255 },
  ],
  [
    'blocks-2-of-components',
    float32([2, 3, 5, 7], smoothPlanes(6, 5, 7, 62, false)),
    { kind: 'blocks', blockSize: 2, step: 0.125, basis: twoOfThree },
  ],
  [
    'blocks-8-of-components-rectified',
    float32([3, 9, 12], smoothPlanes(3, 9, 12, 63, true)),
    { kind: 'blocks', blockSize: 8, step: 0.5, levelCount: 301, basis: twoOfThree },
  ],
  [
    'blocks-1-int8',
    { dtype: 'int8', shape: [4, 5], data: Int8Array.from({ length: 20 }, (_, i) => 11 * i - 100) },
    { kind: 'blocks', blockSize: 1, step: 3 },
  ],
  [
    'tree-signed-7-levels',
    float32([6, 10, 10], features(600, 20, normal)),
    { kind: 'uniform', levelCount: 7, range: minmax },
  ],
  [
    'tree-spikes-200-levels',
    float32(
      [3, 500],
      features(1500, 21, (random) => Math.round(random.nextNormal() * 5)),
    ),
    { kind: 'uniform', levelCount: 200, range: minmax },
  ],
  [
    'tree-cusp-256-levels',
    float32(
      [2000],
      features(2000, 22, (random) => hardSwish(random.nextNormal() * 2)),
    ),
    { kind: 'asymmetric', bits: 8, range: minmax },
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
  ...[2, 3, 4, 11].map((levelCount) => [
    `packed-symbols-${levelCount}-levels`,
    float32([7, 9, 11], features(693, 60 + levelCount, relu)),
    { kind: 'uniform', levelCount, range: minmax },
    levelCount === 4 ? 32 : undefined,
    'rans-packed',
  ]),
  ...[
    [2, 1],
    [4, 4],
    [7, 2],
    [256, undefined],
  ].map(([levelCount, laneCount]) => [
    `trees-${levelCount}-levels`,
    float32([7, 9, 11], features(693, 70 + levelCount, relu)),
    { kind: 'uniform', levelCount, range: minmax },
    laneCount,
    'binary-fast',
  ]),
  ['planes-float32-rectified', float32([8, 12, 12], features(1152, 20, relu)), lossless],
  ['planes-float32-groups', float32([4, 25, 25], smooth(features(2500, 32, normal))), lossless],
  [
    'planes-float32-signed-binary',
    float32([2, 3, 9, 11], features(594, 21, normal)),
    lossless,
    undefined,
    'binary',
  ],
  ['planes-float32-specials', float32([4, 10, 10], withSpecials(features(400, 22, normal))), lossless],
  ['planes-float32-copies', float32([6, 10, 10], pooled(features(600, 23, normal))), lossless, 2],
  ['planes-float32-uniform-maps', float32([9, 6, 6], evenMaps(features(324, 24, relu))), lossless],
  [
    'planes-float16',
    { dtype: 'float16', shape: [700], data: float16FromFloat32(features(700, 25, relu)) },
    lossless,
  ],
  [
    'planes-float64-dropped-bits',
    { dtype: 'float64', shape: [20, 30], data: Float64Array.from(features(600, 26, normal)) },
    lossless,
  ],
  ['planes-float64', { dtype: 'float64', shape: [400], data: wide(Float64Array, 400, 27) }, lossless],
  [
    'planes-int64-narrow-range',
    {
      dtype: 'int64',
      shape: [300],
      data: BigInt64Array.from(features(300, 28, normal), (x) => -(2n ** 60n) + BigInt(Math.round(x * 500))),
    },
    lossless,
  ],
  [
    'planes-int32-zero-class',
    { dtype: 'int32', shape: [500], data: Int32Array.from(features(500, 29, relu), (x) => x * 1e6) },
    lossless,
  ],
  [
    'planes-uint16',
    { dtype: 'uint16', shape: [256], data: Uint16Array.from(wide(Array, 256, 30)) },
    lossless,
  ],
  ['planes-int16-constant', { dtype: 'int16', shape: [99], data: new Int16Array(99).fill(-12345) }, lossless],
  [
    'planes-bool',
    {
      dtype: 'bool',
      shape: [40, 50],
      data: Uint8Array.from(features(2000, 31, rare), (x) => (x > 1 ? 1 : 0)),
    },
    lossless,
  ],
  ['int64-stored', { dtype: 'int64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 62n) }, { kind: 'none' }],
];

function hardSwish(value) {
  return (value * Math.min(Math.max(value + 3, 0), 6)) / 6;
}

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

/** NaN payloads, infinities, zeros of both signs and denormals in place of some numbers. */
function withSpecials(data) {
  const words = new Uint32Array(data.buffer);
  const special = [0x7fc00001, 0xffc12345, 0x7f800001, 0x7f800000, 0xff800000, 0x80000000, 0, 1, 0x807fffff];
  for (const [i, word] of special.entries()) words[i * 40 + 7] = word;
  return data;
}

/** Maxima of windows that overlap, so that many neighbors are equal. */
function pooled(data) {
  return data.map((_, i) => Math.max(...data.subarray(Math.max(0, i - 2), i + 3)));
}

/** Means of running windows, rectified, so that an element says much of the next. */
function smooth(data) {
  return data.map((_, i) => {
    const window = data.subarray(Math.max(0, i - 12), i + 1);
    return Math.max(0, window.reduce((sum, value) => sum + value, 0) / window.length);
  });
}

/** Every third map of 36 elements has one value. */
function evenMaps(data) {
  return data.map((value, i) => (Math.floor(i / 36) % 3 === 0 ? data[i - (i % 36)] : value));
}

/** Numbers of very different size, around 0 as `Float64Array`, else integers from 0 on. */
function wide(Storage, count, seed) {
  const random = createRandom(seed);
  return Storage.from({ length: count }, () =>
    Storage === Float64Array
      ? random.nextNormal() / (1 + random.nextUniform())
      : Math.floor(2 ** (16 * random.nextUniform())) - 1,
  );
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
/** A frame of 12 indices in packed symbols that says it holds 11, the last of which is no background. */
function paddedByAnElement() {
  const quantizer = { kind: 'uniform', levelCount: 4, range: { kind: 'fixed', low: 0, high: 3 } };
  const feature = float32([12], Float32Array.of(0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 1, 1));
  const frame = encodeFrame(feature, { quantizer, coder: 'rans-packed', backend: referenceBackend });
  frame[6]--;
  new DataView(frame.buffer).setUint32(frame.length - 4, crc32(frame.subarray(0, -4)), true);
  return frame;
}
/** Five levels, and a lane without words, whose bins are all 1: the index 7. Under a right checksum. */
function treesBeyondTheLevels() {
  const frame = handmade([0, 0x31, 12, 5, 0, 0, 0, 0x80, 0x3f, 0x83, 0]).subarray(0, 19);
  new DataView(frame.buffer).setUint32(15, crc32(frame.subarray(0, 15)), true);
  return frame;
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
/** Three elements with a low bit each, and planes that hold two, under a right checksum. */
function lessOwn() {
  const frame = Uint8Array.of(0xf5, 0x46, 0x57, 1, 0, 0x71, 3, 0, 0, 1, 0, 1, 0, 2, 1, 0, 0, 0, 0, 0);
  new DataView(frame.buffer).setUint32(frame.length - 4, crc32(frame.subarray(0, -4)), true);
  return frame;
}
/** Blocks of as many channels as make the sum of the least weights too large. */
function heavyBasis() {
  const channels = 33;
  const weights = new Array(channels * channels).fill([0x00, 0x80]).flat();
  return handmade([0, 0x83, channels, 8, 8, 0x23, 3, 0, 0, 0x80, 0x3f, channels, channels, ...weights]);
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
  ['blocks-of-16', 'invalid-field', handmade([0, 0x82, 8, 8, 4, 3, 0, 0, 0x80, 0x3f])],
  ['blocks-of-even-levels', 'invalid-field', handmade([0, 0x82, 8, 8, 3, 4, 0, 0, 0x80, 0x3f])],
  ['blocks-reserved-bit', 'reserved-bits', handmade([0, 0x82, 8, 8, 0x13, 3, 0, 0, 0x80, 0x3f])],
  ['blocks-without-a-step', 'invalid-field', handmade([0, 0x82, 8, 8, 3, 3, 0, 0, 0, 0])],
  ['basis-of-other-channels', 'invalid-field', handmade([0, 0x83, 2, 8, 8, 0x23, 3, 0, 0, 0x80, 0x3f, 3, 1])],
  ['basis-of-a-plane', 'invalid-field', handmade([0, 0x82, 8, 8, 0x23, 3, 0, 0, 0x80, 0x3f, 1, 1, 0, 0x40])],
  [
    'basis-of-more-components',
    'invalid-field',
    handmade([0, 0x83, 2, 8, 8, 0x23, 3, 0, 0, 0x80, 0x3f, 2, 3]),
  ],
  ['basis-of-heavy-weights', 'invalid-field', heavyBasis()],
  ['tree-of-no-mass', 'invalid-table', handmadeSection([2, 0x39, 0])],
  ['tree-of-mass-21', 'invalid-table', handmadeSection([2, 0x79, 5])],
  ['knot-step-6', 'invalid-table', handmadeSection([2, 0x31, 0])],
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
  ['layout-of-packed-symbols', 'reserved-bits', handmadeSection([0xa1, 3, 4])],
  ['layout-of-trees', 'reserved-bits', handmadeSection([0xa3, 3, 4])],
  ['eight-lanes-of-trees', 'invalid-field', handmadeSection([0x8f, 1, 1, 1, 1, 1, 1, 1, 1])],
  ['trees-of-257-levels', 'invalid-field', handmade([0, 0x31, 12, 0x81, 2, 0, 0, 0, 0x80, 0x3f, 0x83, 1])],
  ['trees-index-over-the-levels', 'payload-mismatch', treesBeyondTheLevels()],
  [
    'packed-symbols-of-17-levels',
    'invalid-field',
    handmade([0, 0x31, 12, 17, 0, 0, 0, 0x80, 0x3f, 0x81, 0, 0]),
  ],
  ['padding-of-packed-symbols', 'payload-mismatch', paddedByAnElement()],
  ['planes-uniform-over-the-planes', 'invalid-field', handmade([0, 0x71, 3, 2])],
  ['planes-uniform-list', 'invalid-field', handmade([0, 0x73, 4, 1, 2, 2, 1])],
  ['planes-reserved-flag', 'reserved-bits', handmade([0, 0x71, 3, 0, 0x80, 1, 0, 1])],
  ['planes-one-group', 'invalid-field', handmade([0, 0x71, 3, 0, 0x10, 0, 0, 2, 1, 1])],
  ['planes-groups-that-do-not-sum', 'invalid-field', handmade([0, 0x71, 3, 0, 0x10, 0, 0, 2, 1, 2, 2, 1, 1])],
  ['planes-low-bits-over-the-magnitude', 'invalid-field', handmade([0, 0x71, 3, 0, 0, 32, 0, 1])],
  ['planes-classes-below-the-lowest', 'invalid-field', handmade([0, 0x71, 3, 0, 0, 23, 0, 7, 5])],
  ['planes-signs-of-integers', 'invalid-field', handmade([7, 0x71, 3, 0, 1, 0, 0, 1])],
  ['planes-distance-over-the-elements', 'invalid-field', handmade([0, 0x71, 3, 0, 4, 1, 0, 1, 0, 3])],
  ['planes-own-count', 'payload-mismatch', lessOwn()],
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

addOtherForms();

/** Frames of section 15: bundled ones beside their profile, chunks, digests, several tensors. */
function addOtherForms() {
  const backend = referenceBackend;
  const samples = [30, 31].map((seed) => float32([6, 8, 9], features(432, seed, relu)));
  const groups = {
    kind: 'grouped',
    levelCount: 5,
    axis: 0,
    groupCount: 3,
    range: { kind: 'fixed', limits: [1, 2, 4].map((high) => ({ low: 0, high })) },
  };
  const spectral = {
    kind: 'spectral',
    blockSize: 2,
    levelCount: 15,
    weights: [16, 24, 24, 40],
    steps: [1, 1.5, 2, 1, 0.5, 1].map((step) => step / 64),
    means: [0, 0.25, 0.5, 0, -0.5, 1],
    kept: Array.from({ length: 24 }, (_, at) => at < 20 && at !== 7),
  };
  const squares = squareLevels(6);
  const uniform4 = { kind: 'uniform', levelCount: 4, range: minmax };
  const profiles = {
    'bundled-static-4-levels': [{ quantizer: uniform4 }],
    'bundled-varying-rows-digest': [{ quantizer: squares, varyingAxes: [1] }],
    'bundled-contexts-4-levels': [{ quantizer: uniform4, coder: 'rans-contexts', varyingAxes: [1] }],
    'bundled-packed-3-levels-chunked': [
      { quantizer: { ...uniform4, levelCount: 3 }, coder: 'rans-packed', varyingAxes: [1] },
    ],
    'bundled-spectral-blocks-of-2': [{ quantizer: spectral }],
    'bundled-two-tensors-chunked': [
      { quantizer: groups },
      { quantizer: { kind: 'asymmetric', bits: 9, range: minmax } },
    ],
  };
  for (const [name, tensors] of Object.entries(profiles)) {
    const profile = {
      tensors: tensors.map((options) => designTensorProfile(samples, { ...options, backend })),
    };
    const inputs = tensors.map(({ varyingAxes }, i) => {
      const shape = varyingAxes ? [6, 11, 9] : [6, 8, 9];
      return float32(shape, features(shape[0] * shape[1] * shape[2], 40 + i, relu));
    });
    const extras = { digest: name.includes('digest'), chunkCount: name.includes('chunked') ? 4 : 1 };
    const frame = encodeBundledFrame(inputs, { profile, point: 0, sequenceNumber: 1000, ...extras, backend });
    addTensors(`v1/${name}`, frame, { backend, profiles: new Map([[0, profile]]) });
    add(`v1/${name}.fwp`, writeProfile(profile));
  }
  const quantizer = { kind: 'uniform', levelCount: 9, range: minmax };
  const chunked = encodeFrame(float32([7, 10, 10], features(700, 50, normal)), {
    quantizer,
    chunkCount: 3,
    digest: true,
    backend,
  });
  addTensors('v1/chunks-and-digest', chunked, { backend });
  const several = [
    { feature: float32([5, 6], features(30, 51, normal)), quantizer },
    {
      feature: { dtype: 'uint8', shape: [40], data: new Uint8Array(40).fill(9) },
      quantizer: { kind: 'integer' },
    },
    { feature: float32([2, 0], new Float32Array(0)), quantizer },
  ];
  addTensors('v1/several-tensors', encodeTensors(several, { backend, digest: true }), { backend });
  const bundled = handmade([0x10, 0, 0]);
  add('bad/point-without-a-profile.unknown-point.fwf', bundled);
  add('bad/no-options.reserved-bits.fwf', handmade([0x40, 0]));
  add('bad/options-beyond-the-known.reserved-bits.fwf', handmade([0x40, 8]));
  add('bad/several-and-bundled.reserved-bits.fwf', handmade([0x50, 4]));
  add('bad/one-of-several.invalid-field.fwf', handmade([0x40, 4, 1]));
  add('bad/no-chunks.invalid-field.fwf', handmade([0x40, 2, 0x31, 12, 8, 0, 0, 0, 0x80, 0x3f, 0]));
  add('bad/static-coder-of-no-profile.invalid-field.fwf', handmadeSection([0x80, 1]));
  const damaged = chunked.slice();
  damaged[damaged.length - 8] ^= 1;
  new DataView(damaged.buffer).setUint32(damaged.length - 4, crc32(damaged.subarray(0, -4)), true);
  add('bad/digest-of-another-tensor.digest-mismatch.fwf', damaged);
}

/** A frame and the tensors it decodes to, numbered if they are several. */
function addTensors(name, frame, options) {
  add(`${name}.fwf`, frame);
  const tensors = decodeTensors(frame, options);
  tensors.forEach((tensor, i) => {
    add(tensors.length === 1 ? `${name}.npy` : `${name}.${i}.npy`, writeNpy(tensor));
  });
}

function add(file, bytes) {
  const path = join(directory, file);
  if (existsSync(path)) return;
  writeFileSync(path, bytes);
  process.stdout.write(`${file}: ${bytes.length} bytes\n`);
}
