/**
 * rANS of indices under a context model, the reference of every backend; bitstream.md §11.3. With 256 slots, states of 16
 * bits in [2^8, 2^16) are renormalized by bytes: what 16 lanes of one class need fits a vector. With 4,096 slots, in fine
 * models, states of 31 bits in [2^15, 2^31) are renormalized by 16-bit words, as those of order-0.
 */

import {
  type ContextModel,
  type ContextPayload,
  elementsOf,
  type FeatureGeometry,
  type RansPayload,
} from '../../stages.js';
import {
  binOf,
  type ChannelPlanes,
  channelPlanes,
  FINE_SLOT_BITS,
  MAX_CONTEXT_LANES,
  MAX_FINE_LANES,
  visitElements,
} from './lanes.js';

/** Lower bound of a state with 256 slots, and every lane's state before the first symbol is encoded. */
export const CONTEXT_STATE_LOW = 1 << 8;
/** Bytes of such a state in the payload. */
export const CONTEXT_STATE_BYTES = 2;

/** What states are, by the slots of a model. */
interface StateForm {
  /** Lower bound, and every lane's state before the first symbol is encoded. */
  readonly low: number;
  /** Bytes of a state in the payload; renormalization moves half as many. */
  readonly stateBytes: 2 | 4;
  readonly maxLanes: number;
}

const COARSE: StateForm = {
  low: CONTEXT_STATE_LOW,
  stateBytes: CONTEXT_STATE_BYTES,
  maxLanes: MAX_CONTEXT_LANES,
};
const FINE: StateForm = { low: 1 << 15, stateBytes: 4, maxLanes: MAX_FINE_LANES };

/** States under a model. */
export function stateFormOf({ slotBits }: Pick<ContextModel, 'slotBits'>): StateForm {
  return slotBits === FINE_SLOT_BITS ? FINE : COARSE;
}

/** Share of the payload that states may take: 1/128. */
const MIN_PAYLOAD_PER_STATE_BYTE = 128;

/** Lanes for a payload of about `payloadBytes`: as many as states stay a small share of. */
export function chooseContextLanes(payloadBytes: number, model: Pick<ContextModel, 'slotBits'>): number {
  const { stateBytes, maxLanes } = stateFormOf(model);
  let laneCount = 1;
  const enough = (lanes: number): boolean => payloadBytes >= lanes * stateBytes * MIN_PAYLOAD_PER_STATE_BYTE;
  while (laneCount < maxLanes && enough(laneCount * 2)) laneCount *= 2;
  return laneCount;
}

/** Bytes of the states: lanes beyond the channels have none. */
export function contextStateBytes(laneCount: number, model: ContextModel): number {
  return Math.min(laneCount, model.classOfChannel.length) * stateFormOf(model).stateBytes;
}

/** The model with the classes that a payload gives its channels. */
export function modelOfPayload(
  model: ContextModel,
  { channelClasses }: Pick<ContextPayload, 'channelClasses'>,
): ContextModel {
  return channelClasses ? { ...model, classOfChannel: channelClasses } : model;
}

/**
 * Encodes indices with a model that both ends hold.
 * @param indices - as many as `geometry` says, each below the model's `levelCount`; not modified
 * @param laneCount - power of two, 1 to 64, to 16 under a fine model
 * @throws {RangeError} if the model is of another shape, or the lanes are too many for it
 */
export function encodeWithModel(
  indices: Uint8Array,
  geometry: FeatureGeometry,
  model: ContextModel,
  laneCount: number,
): RansPayload {
  const planes = channelPlanes(geometry, model, model.classOfChannel.length);
  if (typeof planes === 'string') throw new RangeError(`model expected to fit the feature, got ${planes}`);
  const { low, stateBytes, maxLanes } = stateFormOf(model);
  if (laneCount > maxLanes) {
    throw new RangeError(`laneCount expected at most ${maxLanes} under this model, got ${laneCount}`);
  }
  const unitBytes = stateBytes / 2;
  const slotCount = 2 ** model.slotBits;
  const { starts, frequencies, lanes } = tablesOfElements(indices, planes, model, laneCount);
  const states = new Uint32Array(Math.min(laneCount, planes.channels)).fill(low);
  // No symbol takes more bits than a unit has.
  const bytes = new Uint8Array(states.length * stateBytes + indices.length * unitBytes);
  let first = bytes.length;
  const prepend = (value: number, byteCount: number): void => {
    for (let shift = 8 * (byteCount - 1); shift >= 0; shift -= 8) bytes[--first] = value >>> shift;
  };
  for (let i = indices.length - 1; i >= 0; i--) {
    const frequency = frequencies[i];
    let state = states[lanes[i]];
    if (state >= ((low * 2 ** (8 * unitBytes)) / slotCount) * frequency) {
      prepend(state, unitBytes);
      state >>>= 8 * unitBytes;
    }
    const quotient = Math.floor(state / frequency);
    states[lanes[i]] = quotient * slotCount + (state - quotient * frequency) + starts[i];
  }
  for (let lane = states.length - 1; lane >= 0; lane--) prepend(states[lane], stateBytes);
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
  const { low, stateBytes, maxLanes } = stateFormOf(model);
  if (laneCount > maxLanes) return `${laneCount} lanes are over ${maxLanes}`;
  const unitBytes = stateBytes / 2;
  let offset = contextStateBytes(laneCount, model);
  if (bytes.length < offset) return `payload of ${bytes.length} bytes does not hold its states`;
  const states = new Uint32Array(offset / stateBytes);
  for (let lane = 0; lane < states.length; lane++) {
    for (let i = 0; i < stateBytes; i++) states[lane] |= bytes[lane * stateBytes + i] << (8 * i);
    if (states[lane] < low || states[lane] >= low * 2 ** (8 * unitBytes)) {
      return `state of lane ${lane} is out of range`;
    }
  }
  const { thresholds, binCount, levelCount, slotBits, classOfChannel } = model;
  const slotCount = 2 ** slotBits;
  const indices = new Uint8Array(elementsOf(geometry));
  visitElements(planes, model, laneCount, (element, row, column, channel, lane) => {
    const bin = binOf(indices, element, row, column, planes, model);
    let at = classOfChannel[channel] * (levelCount - 1) * binCount + bin;
    const slot = states[lane] & (slotCount - 1);
    let index = 0;
    let start = 0;
    while (index < levelCount - 1 && thresholds[at] <= slot) {
      start = thresholds[at];
      index++;
      at += binCount;
    }
    const end = index < levelCount - 1 ? thresholds[at] : slotCount;
    let state = (end - start) * (states[lane] >>> slotBits) + slot - start;
    if (state < low) {
      // Past the end zeros are read; that bytes are missing shows after the last index.
      state *= 2 ** (8 * unitBytes);
      for (let i = 0; i < unitBytes; i++) state += (bytes[offset++] ?? 0) << (8 * i);
    }
    states[lane] = state;
    indices[element] = index;
  });
  if (offset !== bytes.length || states.some((state) => state !== low)) {
    return 'payload does not end where its last index does';
  }
  return indices;
}

/** Occurrences of each symbol in each bin of each channel: `EntropyKernels.countContexts`. */
export function countContexts(
  indices: Uint8Array,
  geometry: FeatureGeometry,
  model: ContextModel,
): Uint32Array {
  const { binCount, levelCount, classOfChannel } = model;
  const planes = channelPlanes(geometry, model, classOfChannel.length);
  if (typeof planes === 'string') throw new RangeError(`model expected to fit the feature, got ${planes}`);
  const counts = new Uint32Array(classOfChannel.length * binCount * levelCount);
  visitElements(planes, model, 1, (element, row, column, channel) => {
    const bin = binOf(indices, element, row, column, planes, model);
    counts[(channel * binCount + bin) * levelCount + indices[element]]++;
  });
  return counts;
}

/** Start, frequency and lane of every symbol in coding order. */
function tablesOfElements(
  indices: Uint8Array,
  planes: ChannelPlanes,
  model: ContextModel,
  laneCount: number,
): { starts: Uint16Array; frequencies: Uint16Array; lanes: Uint8Array } {
  const { thresholds, binCount, levelCount, slotBits, classOfChannel } = model;
  const starts = new Uint16Array(indices.length);
  const frequencies = new Uint16Array(indices.length);
  const lanes = new Uint8Array(indices.length);
  let i = 0;
  visitElements(planes, model, laneCount, (element, row, column, channel, lane) => {
    const bin = binOf(indices, element, row, column, planes, model);
    const table = classOfChannel[channel] * (levelCount - 1) * binCount + bin;
    const index = indices[element];
    const start = index > 0 ? thresholds[table + (index - 1) * binCount] : 0;
    const end = index < levelCount - 1 ? thresholds[table + index * binCount] : 2 ** slotBits;
    starts[i] = start;
    frequencies[i] = end - start;
    lanes[i++] = lane;
  });
  return { starts, frequencies, lanes };
}
