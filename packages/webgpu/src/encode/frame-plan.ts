/** How a frame is asked for, and what is known of it before the GPU begins: its head, its chunks, the quantizer, the coder. */

import type {
  CodingProfile,
  ContextModel,
  FixedChoice,
  IndexAlphabet,
  TableDescription,
} from '@featherwire/codec';
import {
  type BundledPlace,
  type ChannelPlanes,
  elementsOf,
  type FrameOutline,
} from '@featherwire/codec/parts';
import type { SymbolKind, SymbolTables } from '../coding/symbol-tables.js';
import type { GpuDivision } from '../division.js';
import type { CodingRecord } from '../shaders/records.js';

/** Quantizers of self-contained frames. */
export type GpuQuantizerChoice = Extract<
  FixedChoice,
  { readonly kind: 'uniform' | 'asymmetric' | 'levels' | 'grouped' }
>;

/** Where a frame goes. */
export interface FrameTarget {
  /**
   * Receives the frame at its front, by default new memory; that of a large frame takes longer to get than to fill.
   */
  readonly target?: Uint8Array;
}

/** How a self-contained frame is made. */
export interface GpuEncodeOptions extends GpuDivision, FrameTarget {
  /** With fixed limits or listed levels, up to 256 of them. What is made from it is kept as long as this object. */
  readonly quantizer: GpuQuantizerChoice;
  /**
   * `rans`, with a table; `rans-packed`, whose chunks have tables of their own if there is none, up to 16 levels;
   * `rans-contexts`, with a model, up to 16 levels.
   */
  readonly coder: SymbolKind | 'rans-contexts';
  readonly table?: TableDescription;
  /** Of the shape that chunks have. What is made from it is kept as long as this object. */
  readonly contextModel?: ContextModel;
}

/** How a bundled frame is made. */
export interface GpuBundledOptions extends GpuDivision, FrameTarget, BundledPlace {
  /** Of one float32 tensor with a static coder. What is made from it is kept as long as this object. */
  readonly profile: CodingProfile;
}

/** A frame before it is coded. */
export interface FramePlan {
  readonly outline: FrameOutline;
  readonly alphabet: IndexAlphabet;
  readonly coding: Omit<CodingRecord, 'headLength'>;
  readonly thresholds: Uint32Array<ArrayBuffer>;
  readonly coder: TablePlan | ContextPlan;
  readonly sizes: SizeMemory;
}

/** Symbols under tables. */
export interface TablePlan {
  readonly kind: SymbolKind;
  /** The table of all chunks with the front of their sections; null if each chunk has its own. */
  readonly shared: { readonly tables: SymbolTables; readonly sectionHead: Uint8Array } | null;
}

/** Indices under contexts. */
export interface ContextPlan {
  readonly kind: 'rans-contexts';
  readonly model: Uint32Array<ArrayBuffer>;
  /** How the channels of each chunk lie. */
  readonly planes: readonly ChannelPlanes[];
  readonly sectionHead: Uint8Array;
}

/** Bytes of the last frame for each symbol, by which the next one is read back; null before the first. */
export interface SizeMemory {
  bytesPerSymbol: number | null;
}

/** Symbols of each chunk. */
export function symbolCounts({ outline, coding }: FramePlan): number[] {
  return outline.chunks.map((chunk) => Math.ceil(elementsOf(chunk) / coding.perSymbol));
}
