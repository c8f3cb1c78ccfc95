/** Instantiates the compiled kernels, which are part of this file's package as text. */

import { SQUASH_POINTS } from '../../entropy/binary/logistic.js';
import { BackendUnavailableError } from '../../errors.js';
import { SQUASH } from './layout.js';

/** Exports of `assembly/index.ts`; addresses and counts are unsigned 32-bit integers. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  initialize(): void;
  measureRange(source: number, count: number): void;
  /** Says, as 0 or 1, whether all elements are numbers. */
  quantize8: QuantizeKernel<number>;
  quantize16: QuantizeKernel<void>;
  dequantize8: DequantizeKernel;
  dequantize16: DequantizeKernel;
  countThresholds(source: number, target: number, count: number, thresholdCount: number): void;
  searchThresholds(source: number, target: number, count: number): void;
  lookUp(source: number, target: number, count: number): void;
  packSymbols(source: number, target: number, count: number, perSymbol: number, weights: number): void;
  expandSymbols(source: number, target: number, count: number, perSymbol: number): void;
  crc32(source: number, count: number, previous: number): number;
  countSymbols(source: number, count: number): void;
  encodeRans(
    source: number,
    count: number,
    laneCount: number,
    precisionBits: number,
    wordsEnd: number,
  ): number;
  fillSlots12(symbolCount: number): void;
  decodeRans12(words: number, wordsEnd: number, target: number, count: number, laneCount: number): number;
  decodeRansFine(
    words: number,
    wordsEnd: number,
    target: number,
    count: number,
    laneCount: number,
    precisionBits: number,
  ): number;
  setContexts(
    channels: number,
    rows: number,
    columns: number,
    background: number,
    levelCount: number,
    cellVectors: number,
    isWide: boolean,
    laneCount: number,
    tables: number,
    isGathered: boolean,
    area: number,
  ): void;
  encodeContexts: EncodeContextsKernel;
  encodeFineContexts: EncodeContextsKernel;
  decodeContexts: DecodeContextsKernel;
  decodeFineContexts: DecodeContextsKernel;
  countContexts(
    source: number,
    counts: number,
    order: number,
    items: number,
    itemStride: number,
    positionStride: number,
    binCount: number,
  ): void;
  startTreeLane(lane: number, isDecoding: boolean, words: number, end: number): void;
  encodeTrees: TreesKernel<void>;
  finishTreeLane(lane: number): number;
  decodeTrees: TreesKernel<number>;
  endsTreeLane(lane: number): number;
  codeIndices(
    isDecoding: boolean,
    indices: number,
    indexBytesLog2: number,
    planes: number,
    rows: number,
    columns: number,
    background: number,
    levelCount: number,
    bytes: number,
    end: number,
  ): number;
}

type QuantizeKernel<Result> = (
  source: number,
  target: number,
  count: number,
  offset: number,
  reciprocal: number,
  zeroPoint: number,
  last: number,
) => Result;

type TreesKernel<Result> = (
  lane: number,
  laneCount: number,
  at: number,
  count: number,
  stride: number,
  columns: number,
  depth: number,
  shift: number,
) => Result;

/** @returns address of the first byte or word */
type EncodeContextsKernel = (
  source: number,
  end: number,
  order: number,
  items: number,
  itemStride: number,
  positionStride: number,
) => number;

/** @returns address after the last byte or word */
type DecodeContextsKernel = (
  bytes: number,
  end: number,
  target: number,
  order: number,
  items: number,
  itemStride: number,
  positionStride: number,
) => number;

type DequantizeKernel = (
  source: number,
  target: number,
  count: number,
  offset: number,
  step: number,
  zeroPoint: number,
) => void;

/** The module, unpacked by the engine. Its text is a file of its own: among code it takes a quarter more by gzip. */
async function unpackKernels(): Promise<ArrayBuffer> {
  const { KERNELS_DEFLATE_BASE64 } = await import('./kernels.generated.js');
  const bytes = Uint8Array.from(atob(KERNELS_DEFLATE_BASE64), (character) => character.charCodeAt(0));
  return new Response(
    new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')),
  ).arrayBuffer();
}

/** @throws {BackendUnavailableError} if the engine has no WebAssembly or lacks its SIMD instructions */
export async function instantiateKernels(): Promise<Kernels> {
  if (typeof WebAssembly === 'undefined') {
    throw new BackendUnavailableError('wasm', 'this engine has no WebAssembly');
  }
  try {
    const { instance } = await WebAssembly.instantiate(await unpackKernels(), {});
    const kernels = instance.exports as unknown as Kernels;
    new Uint16Array(kernels.memory.buffer, SQUASH, SQUASH_POINTS.length).set(SQUASH_POINTS);
    kernels.initialize();
    return kernels;
  } catch (cause) {
    throw new BackendUnavailableError('wasm', `the kernels do not run: ${String(cause)}`, { cause });
  }
}
