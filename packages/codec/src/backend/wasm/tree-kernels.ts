/**
 * Trees of adaptive bins around their kernels. In linear memory the lanes' elements stand apart, each behind a row of
 * backgrounds.
 */

import {
  decodeTrees as decodeByReference,
  hasWrongWords,
  laneBounds,
  treeDepth,
  treeShift,
} from '../../entropy/binary/bin-trees.js';
import { elementsOf, type FeatureGeometry, type IndexAlphabet } from '../../stages.js';
import type { Kernels } from './kernels.js';
import { reserve } from './memory.js';

/** Room for the code of an index; where it does not suffice, there is twice as much for another attempt. */
const USUAL_BYTES_PER_INDEX = 2;
/** And for a lane of any size. */
const SPARE_BYTES = 64;

/** Where the elements of lanes stand. */
interface LaneAreas {
  /** First element of each lane in the tensor, and the end of the last. */
  readonly bounds: readonly number[];
  /** Distance of the element above, or of a background. */
  readonly columns: number;
  /** Bytes from a lane's first element to the next one's. */
  readonly stride: number;
}

function laneAreas(count: number, laneCount: number, geometry: FeatureGeometry): LaneAreas {
  const bounds = laneBounds(count, laneCount);
  const longest = count - bounds[laneCount - 1];
  const columns = Math.min(geometry.columns, longest);
  return { bounds, columns, stride: columns + longest };
}

/** `EntropyKernels.encodeTrees`. */
export function encodeTrees(
  kernels: Kernels,
  indices: Uint8Array,
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  laneCount: number,
): Uint8Array[] {
  const areas = laneAreas(indices.length, laneCount, geometry);
  for (let bytesPerIndex = USUAL_BYTES_PER_INDEX; ; bytesPerIndex *= 2) {
    const room = areas.stride * bytesPerIndex + SPARE_BYTES;
    const lanes = encodeLanes(kernels, indices, areas, alphabet, laneCount, room);
    if (lanes) return lanes;
  }
}

/** @param room - bytes for the words of a lane @returns null if they do not suffice */
function encodeLanes(
  kernels: Kernels,
  indices: Uint8Array,
  areas: LaneAreas,
  alphabet: IndexAlphabet,
  laneCount: number,
  room: number,
): Uint8Array[] | null {
  const { bounds, columns, stride } = areas;
  const [elements, words] = reserve(kernels, [laneCount * stride, laneCount * room]);
  const memory = new Uint8Array(kernels.memory.buffer);
  for (let lane = 0; lane < laneCount; lane++) {
    const start = elements + lane * stride;
    memory.fill(alphabet.background, start, start + columns);
    memory.set(indices.subarray(bounds[lane], bounds[lane + 1]), start + columns);
    kernels.startTreeLane(lane, false, words + lane * room, words + (lane + 1) * room);
  }
  runLanes(areas, laneCount, elements + columns, alphabet, kernels.encodeTrees);
  const lanes: Uint8Array[] = [];
  for (let lane = 0; lane < laneCount; lane++) {
    const end = kernels.finishTreeLane(lane);
    if (end === 0) return null;
    lanes.push(memory.slice(words + lane * room, end));
  }
  return lanes;
}

/** `EntropyKernels.decodeTrees`; lanes that do not decode are handed to the reference for the reason. */
export function decodeTrees(
  kernels: Kernels,
  lanes: readonly Uint8Array[],
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
): Uint8Array | string {
  const count = elementsOf(geometry);
  const areas = laneAreas(count, lanes.length, geometry);
  const { bounds, columns, stride } = areas;
  const [elements, ...words] = reserve(kernels, [
    lanes.length * stride,
    ...lanes.map(({ length }) => length),
  ]);
  const memory = new Uint8Array(kernels.memory.buffer);
  for (const [lane, bytes] of lanes.entries()) {
    const start = elements + lane * stride;
    memory.fill(alphabet.background, start, start + columns);
    memory.set(bytes, words[lane]);
    kernels.startTreeLane(lane, true, words[lane], words[lane] + bytes.length);
  }
  const largest = runLanes(areas, lanes.length, elements + columns, alphabet, kernels.decodeTrees);
  const isWhole = lanes.every((bytes, lane) => !hasWrongWords(bytes) && kernels.endsTreeLane(lane) !== 0);
  if (largest >= alphabet.levelCount || !isWhole) return decodeByReference(lanes, geometry, alphabet);
  const indices = new Uint8Array(count);
  for (let lane = 0; lane < lanes.length; lane++) {
    const start = elements + lane * stride + columns;
    indices.set(memory.subarray(start, start + bounds[lane + 1] - bounds[lane]), bounds[lane]);
  }
  return indices;
}

/** Runs all lanes in turns, and the last one alone for what it has more. @returns the largest index, of decoders */
function runLanes<Result>(
  { bounds, columns, stride }: LaneAreas,
  laneCount: number,
  first: number,
  { levelCount }: IndexAlphabet,
  run: (...parameters: number[]) => Result,
): number {
  const common = bounds[1] - bounds[0];
  const last = laneCount - 1;
  const rest = bounds[laneCount] - bounds[last] - common;
  const depth = treeDepth(levelCount);
  const shift = treeShift(levelCount);
  const largest = run(0, laneCount, first, common, stride, columns, depth, shift);
  const at = first + last * stride + common;
  const largestOfRest = run(last, 1, at, rest, stride, columns, depth, shift);
  return Math.max(Number(largest ?? 0), Number(largestOfRest ?? 0));
}
