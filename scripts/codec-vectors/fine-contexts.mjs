/** Frames under a fine context model of two classes (bitstream.md §11.4): good ones, and defective ones of their bytes. */

import { crc32 } from 'node:zlib';
import {
  referenceBackend as backend,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  inspectFrame,
  writeProfile,
} from '@featherwire/codec';
import { features, float32, normal, relu } from './features.mjs';

const SHAPE = [6, 8, 9];
const quantizer = { kind: 'uniform', levelCount: 6, range: { kind: 'fixed', low: -1, high: 3 } };
/** Rectified channels, and the last two with values of either sign. */
const feature = float32(SHAPE, features(432, 60, relu));
feature.data.set(features(144, 61, normal), 288);

const samples = [30, 31].map((seed) => float32(SHAPE, features(432, seed, relu)));
const settings = { quantizer, coder: 'rans-contexts', contextPreference: 'least', backend };
const designed = designTensorProfile(samples, settings);
/** The designed class, and one of even tables, which the model gives to the first channel. */
const model = {
  ...designed.coder.model,
  classOfChannel: Uint8Array.of(1, 0, 0, 0, 0, 0),
  thresholds: Uint16Array.of(
    ...designed.coder.model.thresholds,
    ...designed.coder.model.thresholds.map((_, at) => Math.round((4096 * (Math.floor(at / 32) + 1)) / 6)),
  ),
};

export const profile = { tensors: [{ ...designed, coder: { kind: 'rans-contexts', model } }] };
export const profileBytes = writeProfile(profile);
export const bundled = encodeBundledFrame([feature], { profile, point: 0, sequenceNumber: 1000, backend });
export const own = encodeFrame(feature, { quantizer, contextModel: model, laneCount: 4, backend });
/** Of channels that are all as the model says. */
export const unchanged = encodeFrame(float32([6, 1, 2], Float32Array.of(2, 0, ...new Array(10).fill(0))), {
  quantizer,
  contextModel: model,
  backend,
});

/** Name, code and frame of defective frames. */
export const bad = [
  ['fine-contexts-of-32-lanes', 'invalid-field', patched(({ coder }) => [[coder, own[coder] + (3 << 2)]])],
  ['classes-that-are-the-models', 'invalid-table', patched(({ classes, end }) => zeros(classes, end))],
  ['classes-padded-with-ones', 'reserved-bits', patched(({ end }) => [[end - 1, own[end - 1] | 0x80]])],
  ['fine-state-out-of-range', 'payload-mismatch', patched(({ end }) => [[end + 3, 0x80]])],
];

/** The frame of an own model with some bytes set, under a right checksum. */
function patched(change) {
  const { fields } = inspectFrame(own);
  const placeOf = (name) => fields.find(({ field }) => field === name);
  const classes = placeOf('classes of channels');
  const places = { coder: placeOf('coder').byteOffset, classes: classes.byteOffset };
  const frame = own.slice();
  const changes = change({ ...places, end: classes.byteOffset + classes.byteLength });
  for (const [offset, byte] of changes) frame[offset] = byte;
  new DataView(frame.buffer).setUint32(frame.length - 4, crc32(frame.subarray(0, -4)), true);
  return frame;
}

function zeros(from, to) {
  return Array.from({ length: to - from }, (_, i) => [from + i, 0]);
}
