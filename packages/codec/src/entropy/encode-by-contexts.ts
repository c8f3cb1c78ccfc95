/** The coder section of indices under a context model, given or designed for them. Encoding only. */

import {
  type CodedIndices,
  type ContextModel,
  type EntropyKernels,
  elementsOf,
  type FeatureGeometry,
  type IndexAlphabet,
  type Indices,
} from '../stages.js';
import { rowBits } from './contexts/cell-design.js';
import { cheapestClasses } from './contexts/channel-adaptation.js';
import {
  checkContextModel,
  classCountOf,
  MAX_CONTEXT_LEVELS,
  serializeContextModel,
} from './contexts/context-model.js';
import { chooseContextLanes, modelOfPayload, stateFormOf } from './contexts/context-rans.js';
import { addNeighbors, createNeighborStatistics } from './contexts/context-statistics.js';
import { designFastContextModel } from './contexts/design-context-model.js';
import { FINE_SLOT_BITS } from './contexts/lanes.js';

/** The section of the coder. */
export type ContextCodedIndices = Extract<CodedIndices, { kind: 'rans-contexts' }>;

/** Planes from which is estimated whether neighbors tell anything. */
const SAMPLED_PLANES = 16;
/** Channels up to which a model is tried: its design takes time and memory for each. */
const MAX_AUTO_CHANNELS = 2_048;
/** Counts that may be taken to change classes, so that limits on elements bound memory. */
const MAX_COUNTS_PER_ELEMENT = 8;
const SPARE_COUNTS = 65_536;
/** Share that the left neighbor alone must save there for a model to be tried. */
const MIN_NEIGHBOR_GAIN = 0.05;

/**
 * Codes indices by contexts.
 * @param model - by default one designed for these indices alone
 * @param laneCount - by default chosen by the size of the payload
 * @throws {RangeError} for more than 16 levels or a model that does not fit
 */
export function encodeByContexts(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  model?: ContextModel,
  laneCount?: number,
): ContextCodedIndices {
  if (!(indices instanceof Uint8Array) || alphabet.levelCount > MAX_CONTEXT_LEVELS) {
    throw new RangeError(`levelCount expected 2 to 16 for contexts, got ${alphabet.levelCount}`);
  }
  if (model) checkContextModel(model, alphabet, geometry);
  const taken = model ?? designFastContextModel([{ indices, geometry }], alphabet);
  const chosen = mayChangeClasses(taken, indices.length)
    ? cheapestClasses(kernels.countContexts(indices, geometry, taken), taken)
    : undefined;
  const changed = chosen?.classes ? { channelClasses: chosen.classes } : {};
  const encode = (lanes: number): ContextCodedIndices => ({
    kind: 'rans-contexts',
    model: taken,
    payload: {
      ...kernels.encodeContexts(indices, geometry, modelOfPayload(taken, changed), lanes),
      ...changed,
    },
  });
  if (laneCount) return encode(laneCount);
  if (chosen) return encode(chooseContextLanes(chosen.bits / 8, taken));
  const { maxLanes } = stateFormOf(taken);
  // The size is not known before, and coding a small payload twice is cheap.
  const wide = encode(maxLanes);
  const lanes = chooseContextLanes(wide.payload.bytes.length, taken);
  return lanes === maxLanes ? wide : encode(lanes);
}

/** Whether channels may get other classes, which takes a count for each symbol in each bin of each channel. */
function mayChangeClasses(model: ContextModel, elementCount: number): boolean {
  const { slotBits, binCount, levelCount, classOfChannel } = model;
  const countCount = classOfChannel.length * binCount * levelCount;
  return (
    slotBits === FINE_SLOT_BITS &&
    classCountOf(model) > 1 &&
    countCount <= MAX_COUNTS_PER_ELEMENT * elementCount + SPARE_COUNTS
  );
}

/** The same, where a sample shows that neighbors tell something. */
export function promisingContexts(
  indices: Indices,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
): ContextCodedIndices | undefined {
  if (!(indices instanceof Uint8Array) || alphabet.levelCount > MAX_CONTEXT_LEVELS) return undefined;
  const channels = geometry.planes > 1 ? geometry.planes : geometry.columns;
  const isWorthIt =
    channels <= MAX_AUTO_CHANNELS && neighborGain(indices, geometry, alphabet) >= MIN_NEIGHBOR_GAIN;
  return isWorthIt ? encodeByContexts(indices, geometry, alphabet, kernels) : undefined;
}

/** Bytes of model and payload. */
export function contextBytes({ model, payload }: ContextCodedIndices): number {
  return serializeContextModel(model).length + payload.bytes.length;
}

/** Share of the bits that knowing the left neighbor saves in some of the planes. */
function neighborGain(indices: Uint8Array, geometry: FeatureGeometry, alphabet: IndexAlphabet): number {
  const { levelCount } = alphabet;
  const onePlane = { ...geometry, planes: 1 };
  const planeSize = elementsOf(onePlane);
  const statistics = createNeighborStatistics(alphabet, { channelAxis: 'planes', tokenColumns: 0 });
  const distance = Math.max(1, Math.floor(geometry.planes / SAMPLED_PLANES));
  for (let plane = 0; plane < geometry.planes; plane += distance) {
    addNeighbors(statistics, indices.subarray(plane * planeSize, (plane + 1) * planeSize), onePlane);
  }
  const besideLeft = statistics.counts.subarray(0, levelCount * levelCount);
  const symbols = new Float64Array(levelCount);
  let bits = 0;
  for (let value = 0; value < levelCount; value++) {
    bits += rowBits(besideLeft, value * levelCount, levelCount);
    for (let symbol = 0; symbol < levelCount; symbol++)
      symbols[symbol] += besideLeft[value * levelCount + symbol];
  }
  const order0 = rowBits(symbols, 0, levelCount);
  return order0 > 0 ? 1 - bits / order0 : 0;
}
