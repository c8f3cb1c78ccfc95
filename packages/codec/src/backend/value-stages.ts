/** Values to payload and back, stage by stage: the reference of the calls that do it at once. */

import { symbolAlphabet } from '../entropy/coded-indices.js';
import { tableOfDescription } from '../entropy/frequency-table.js';
import { packedSymbolCount, packSymbols, unpackSymbols } from '../entropy/packed-symbols.js';
import { lookUpLevels, quantizeValues } from '../quantizer/reference-loops.js';
import type { EntropyKernels, RansPayload } from '../stages.js';
import type { LaneChoice, ValueCoding, ValueDecoding } from './backend.js';

/** Occurrences of each symbol. @param symbols - each below `alphabetSize` */
export function countSymbols(symbols: Uint8Array, alphabetSize: number): Uint32Array {
  const counts = new Uint32Array(alphabetSize);
  for (let i = 0; i < symbols.length; i++) counts[symbols[i]]++;
  return counts;
}

/** What codes the symbols. */
type SymbolCoder = Pick<EntropyKernels, 'encodeRans' | 'decodeRans'>;

/** `Backend.encodeValues` with a coder of symbols. */
export function encodeValues(
  coder: SymbolCoder,
  values: Float32Array,
  { kind, quantizer, background, table }: ValueCoding,
  lanes: LaneChoice,
): RansPayload | null {
  if (values.some(Number.isNaN)) return null;
  const { levelCount } = quantizer;
  const indices = quantizeValues(values, quantizer) as Uint8Array;
  const alphabet = { levelCount, background };
  const symbols = kind === 'rans' ? indices : packSymbols(indices, alphabet);
  const { size, peak } = symbolAlphabet(kind, alphabet);
  const frequencies = tableOfDescription({ size, peak }, table);
  const laneCount = typeof lanes === 'number' ? lanes : lanes(countSymbols(symbols, size), frequencies);
  return coder.encodeRans(symbols, frequencies, laneCount);
}

/** `Backend.decodeValues` with a coder of symbols. */
export function decodeValues(
  coder: SymbolCoder,
  payload: RansPayload,
  { kind, table, levels, background }: ValueDecoding,
  target: Float32Array,
): string | null {
  const alphabet = { levelCount: levels.length, background };
  const count = kind === 'rans' ? target.length : packedSymbolCount(target.length, levels.length);
  const symbols = coder.decodeRans(payload, count, tableOfDescription(symbolAlphabet(kind, alphabet), table));
  if (typeof symbols === 'string') return symbols;
  const indices = kind === 'rans' ? symbols : unpackSymbols(symbols, target.length, alphabet);
  if (typeof indices === 'string') return indices;
  lookUpLevels(indices, levels, target);
  return null;
}
