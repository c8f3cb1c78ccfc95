/**
 * Choice of the coder section for given indices by estimated bytes: rANS of the indices or of tokens, with the
 * cheapest table, or packed bits. Encoding only.
 */

import { BitWriter } from '../bitstream/bits.js';
import type { CodedIndices, EntropyKernels, Indices, TableDescription } from '../stages.js';
import { type IndexAlphabet, packedBits, packIndices } from './coded-indices.js';
import { MAX_ALPHABET_SIZE, tableOfDescription } from './frequency-table.js';
import { chooseLaneCount, STATE_BYTES } from './rans.js';
import { type DesignedTable, designTable } from './table-design.js';
import { MAX_DIRECT_ALPHABET, splitIndices, tokenCount } from './wide-alphabet.js';

/** Settings that fix what the encoder otherwise chooses. */
export interface IndexCoding {
  /**
   * A static table: of the indices for up to 256 levels, of the tokens above. Without it one is designed for
   * the tensor.
   */
  readonly table?: TableDescription;
  /** Interleaved coders, a power of two from 1 to 32; by default chosen by the size of the payload. */
  readonly laneCount?: number;
}

/**
 * Codes indices.
 * @param indices - at least one, each below `levelCount`
 * @throws {RangeError} if a static table lacks a symbol that occurs, or a setting is out of range
 */
export function encodeIndices(
  indices: Indices,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: IndexCoding = {},
): CodedIndices {
  const { levelCount } = alphabet;
  const candidates: Candidate[] = [];
  if (indices instanceof Uint8Array) candidates.push(direct(indices, levelCount, kernels, coding));
  if (levelCount > MAX_ALPHABET_SIZE || (levelCount > MAX_DIRECT_ALPHABET && !coding.table)) {
    candidates.push(tokens(indices, alphabet, kernels, coding));
  }
  const best = candidates.reduce((a, b) => (b.estimatedBytes < a.estimatedBytes ? b : a));
  const laneCount = coding.laneCount ?? chooseLaneCount(best.estimatedBytes);
  const packedBytes = Math.ceil((indices.length * packedBits(levelCount)) / 8);
  if (!coding.table && best.estimatedBytes + laneCount * STATE_BYTES >= packedBytes) {
    return { kind: 'packed', bytes: packIndices(indices, levelCount) };
  }
  return best.encode(laneCount);
}

interface Candidate {
  /** Table, symbols and raw bits; states excluded. */
  readonly estimatedBytes: number;
  encode(laneCount: number): CodedIndices;
}

function direct(
  indices: Uint8Array,
  levelCount: number,
  kernels: EntropyKernels,
  coding: IndexCoding,
): Candidate {
  const { description, table, estimatedBytes } = chooseTable(indices, levelCount, kernels, coding);
  return {
    estimatedBytes,
    encode: (laneCount) => ({
      kind: 'rans',
      table: description,
      payload: kernels.encodeRans(indices, table, laneCount),
    }),
  };
}

function tokens(
  indices: Indices,
  alphabet: IndexAlphabet,
  kernels: EntropyKernels,
  coding: IndexCoding,
): Candidate {
  const raw = new BitWriter();
  const symbols = splitIndices(indices, alphabet.background, alphabet.levelCount, raw);
  const rawBits = raw.finish();
  const chosen = chooseTable(symbols, tokenCount(alphabet.levelCount), kernels, coding);
  return {
    estimatedBytes: chosen.estimatedBytes + rawBits.length,
    encode: (laneCount) => ({
      kind: 'rans-tokens',
      table: chosen.description,
      payload: kernels.encodeRans(symbols, chosen.table, laneCount),
      rawBits,
    }),
  };
}

type ChosenTable = Pick<DesignedTable, 'description' | 'table'> & { readonly estimatedBytes: number };

function chooseTable(
  symbols: Uint8Array,
  alphabetSize: number,
  kernels: EntropyKernels,
  coding: IndexCoding,
): ChosenTable {
  if (coding.table) {
    return {
      description: coding.table,
      table: tableOfDescription(alphabetSize, coding.table),
      estimatedBytes: symbols.length,
    };
  }
  const designed = designTable(kernels.countSymbols(symbols, alphabetSize));
  return { ...designed, estimatedBytes: (designed.tableBits + designed.estimatedSymbolBits) / 8 };
}
