/**
 * rANS of indices under a context model, the reference of every backend; bitstream.md §11.3. States of 16 bits in
 * [2^8, 2^16), renormalized by bytes, and tables of 256 slots: what 16 lanes of one class need fits a vector.
 */

import { type ContextModel, elementsOf, type FeatureGeometry, type RansPayload } from '../../stages.js';
import { binOf, type ChannelPlanes, channelPlanes, MAX_CONTEXT_LANES, visitElements } from './lanes.js';

/** Lower bound of a state, and every lane's state before the first symbol is encoded. */
export const CONTEXT_STATE_LOW = 1 << 8;
/** Bytes of a state in the payload. */
export const CONTEXT_STATE_BYTES = 2;
const SLOTS_LOG2 = 8;
const SLOT_COUNT = 1 << SLOTS_LOG2;

/** Share of the payload that states may take: 1/128. */
const MIN_PAYLOAD_PER_STATE_BYTE = 128;

/** Lanes for a payload of about `payloadBytes`: as many as states stay a small share of. */
export function chooseContextLanes(payloadBytes: number): number {
  let laneCount = 1;
  const enough = (lanes: number): boolean =>
    payloadBytes >= lanes * CONTEXT_STATE_BYTES * MIN_PAYLOAD_PER_STATE_BYTE;
  while (laneCount < MAX_CONTEXT_LANES && enough(laneCount * 2)) laneCount *= 2;
  return laneCount;
}

/** Bytes of the states: lanes beyond the channels have none. */
export function contextStateBytes(laneCount: number, { classOfChannel }: ContextModel): number {
  return Math.min(laneCount, classOfChannel.length) * CONTEXT_STATE_BYTES;
}

/**
 * Encodes indices with a model that both ends hold.
 * @param indices - as many as `geometry` says, each below the model's `levelCount`; not modified
 * @param laneCount - power of two, 1 to 64
 * @throws {RangeError} if the model is of another shape
 */
export function encodeWithModel(
  indices: Uint8Array,
  geometry: FeatureGeometry,
  model: ContextModel,
  laneCount: number,
): RansPayload {
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  if (typeof planes === 'string') throw new RangeError(`model expected to fit the feature, got ${planes}`);
  const { starts, frequencies, lanes } = tablesOfElements(indices, planes, model, laneCount);
  const states = new Uint16Array(Math.min(laneCount, planes.channels)).fill(CONTEXT_STATE_LOW);
  const bytes = new Uint8Array(states.length * CONTEXT_STATE_BYTES + indices.length); // no symbol takes more than 8 bits
  let first = bytes.length;
  for (let i = indices.length - 1; i >= 0; i--) {
    const frequency = frequencies[i];
    let state = states[lanes[i]];
    if (state >= frequency << SLOTS_LOG2) {
      bytes[--first] = state & 0xff;
      state >>>= 8;
    }
    const quotient = Math.floor(state / frequency);
    states[lanes[i]] = (quotient << SLOTS_LOG2) + (state - quotient * frequency) + starts[i];
  }
  for (let lane = states.length - 1; lane >= 0; lane--) {
    bytes[--first] = states[lane] >>> 8;
    bytes[--first] = states[lane] & 0xff;
  }
  return { bytes: bytes.slice(first), laneCount };
}

/**
 * Inverse of `encodeWithModel`.
 * @returns the indices, or the reason for which the payload is not one
 */
export function decodeWithModel(
  { bytes, laneCount }: RansPayload,
  geometry: FeatureGeometry,
  model: ContextModel,
): Uint8Array | string {
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  if (typeof planes === 'string') return planes;
  let offset = contextStateBytes(laneCount, model);
  if (bytes.length < offset) return `payload of ${bytes.length} bytes does not hold its states`;
  const states = new Uint16Array(offset / CONTEXT_STATE_BYTES);
  for (let lane = 0; lane < states.length; lane++) {
    states[lane] = bytes[2 * lane] | (bytes[2 * lane + 1] << 8);
    if (states[lane] < CONTEXT_STATE_LOW) return `state of lane ${lane} is out of range`;
  }
  const { thresholds, binCount, levelCount } = model;
  const indices = new Uint8Array(elementsOf(geometry));
  visitElements(planes, model.classOfChannel, laneCount, (element, row, column, channelClass, lane) => {
    const bin = binOf(indices, element, row, column, planes, model);
    let at = channelClass * (levelCount - 1) * binCount + bin;
    const slot = states[lane] & (SLOT_COUNT - 1);
    let index = 0;
    let start = 0;
    while (index < levelCount - 1 && thresholds[at] <= slot) {
      start = thresholds[at];
      index++;
      at += binCount;
    }
    const end = index < levelCount - 1 ? thresholds[at] : SLOT_COUNT;
    let state = (end - start) * (states[lane] >>> SLOTS_LOG2) + slot - start;
    // Past the end zeros are read; that bytes are missing shows after the last index.
    if (state < CONTEXT_STATE_LOW) state = (state << 8) | (bytes[offset++] ?? 0);
    states[lane] = state;
    indices[element] = index;
  });
  if (offset !== bytes.length || states.some((state) => state !== CONTEXT_STATE_LOW)) {
    return 'payload does not end where its last index does';
  }
  return indices;
}

/** Start, frequency and lane of every symbol in coding order. */
function tablesOfElements(
  indices: Uint8Array,
  planes: ChannelPlanes,
  model: ContextModel,
  laneCount: number,
): { starts: Uint8Array; frequencies: Uint8Array; lanes: Uint8Array } {
  const { thresholds, binCount, levelCount } = model;
  const starts = new Uint8Array(indices.length);
  const frequencies = new Uint8Array(indices.length);
  const lanes = new Uint8Array(indices.length);
  let i = 0;
  visitElements(planes, model.classOfChannel, laneCount, (element, row, column, channelClass, lane) => {
    const bin = binOf(indices, element, row, column, planes, model);
    const table = channelClass * (levelCount - 1) * binCount + bin;
    const index = indices[element];
    const start = index > 0 ? thresholds[table + (index - 1) * binCount] : 0;
    const end = index < levelCount - 1 ? thresholds[table + index * binCount] : SLOT_COUNT;
    starts[i] = start;
    frequencies[i] = end - start; // at most 255, since all symbols of a table have a frequency
    lanes[i++] = lane;
  });
  return { starts, frequencies, lanes };
}
