/** Frames that every decoder refuses: name, code of the error, bytes. */

import { crc32 } from 'node:zlib';
import { encodeFrame, inspectFrame, referenceBackend } from '@featherwire/codec';
import { float32 } from './features.mjs';
import { good } from './good-frames.mjs';

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
export function handmadeSection(bytes) {
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
export function handmade(bytes) {
  return Uint8Array.of(0xf5, 0x46, 0x57, 1, ...bytes, ...new Uint8Array(16));
}

export const bad = [
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
