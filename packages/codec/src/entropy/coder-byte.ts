/** The byte that begins a coder section: coder, lanes and layout (bitstream.md §5). */

import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import type { CodedIndices, Layout } from '../stages.js';
import { MAX_TREE_LANES, MAX_TREE_LEVELS } from './binary/bin-trees.js';
import { MAX_CONTEXT_LEVELS } from './contexts/context-model.js';
import { MAX_CONTEXT_LANES } from './contexts/lanes.js';
import { MAX_ALPHABET_SIZE } from './frequency-table.js';
import { MAX_PACKED_LEVELS } from './packed-symbols.js';
import { MAX_LANE_COUNT } from './rans.js';
import { MIN_TOKEN_LEVELS } from './wide-alphabet.js';

/** Codes of the coder; the position is the code. */
const CODERS: readonly CodedIndices['kind'][] = [
  'binary',
  'packed',
  'rans',
  'rans-tokens',
  'static',
  'rans-packed',
  'rans-contexts',
  'binary-fast',
];
/** Coders whose sections state their lanes. */
const LANE_CODERS = ['rans', 'rans-tokens', 'static', 'rans-packed', 'rans-contexts', 'binary-fast'];
/** Coders of later date, for which the bits of the layout are reserved. */
const DENSE_CODERS = ['rans-packed', 'rans-contexts', 'binary-fast'];
/** Codes of the layout; the position is the code. */
const LAYOUTS: readonly Layout[] = ['dense', 'csr', 'csr-separate', 'significance'];
const CODER_LOW_MASK = 0b11;
/** The coder's third bit came last: bit 7 of the byte is its bit 2. */
const CODER_HIGH_MASK = 0x80;
const CODER_HIGH_SHIFT = 5;
const LANES_SHIFT = 2;
const LANES_MASK = 0b111;
const LAYOUT_SHIFT = 5;
const LAYOUT_MASK = 0b11;

/** What the byte says. */
export interface CoderByte {
  readonly coder: CodedIndices['kind'];
  /** Power of two, 1 to 32, to 64 under contexts; 1 if the section has no lanes or each of its arrays has its own. */
  readonly laneCount: number;
  readonly layout: Layout;
}

/** Writes the byte. */
export function writeCoderByte(writer: ByteWriter, { coder, laneCount, layout }: CoderByte): void {
  const lanes = Math.log2(laneCount) << LANES_SHIFT;
  const code = CODERS.indexOf(coder);
  const coderBits = (code & CODER_LOW_MASK) | ((code << CODER_HIGH_SHIFT) & CODER_HIGH_MASK);
  writer.writeUint8(coderBits | lanes | (LAYOUTS.indexOf(layout) << LAYOUT_SHIFT));
}

/** Reads the byte. @throws {BitstreamError} if it says what does not go together, or not with `levelCount` */
export function readCoderByte(reader: ByteReader, levelCount: number): CoderByte {
  reader.section = 'coder';
  const start = reader.offset;
  const byte = reader.readUint8();
  const code = (byte & CODER_LOW_MASK) | ((byte & CODER_HIGH_MASK) >>> CODER_HIGH_SHIFT);
  const coder = CODERS[code];
  const laneCount = 1 << ((byte >>> LANES_SHIFT) & LANES_MASK);
  const layout = LAYOUTS[(byte >>> LAYOUT_SHIFT) & LAYOUT_MASK];
  const hasLanes = layout === 'dense' && LANE_CODERS.includes(coder);
  if ((!hasLanes && laneCount > 1) || (DENSE_CODERS.includes(coder) && layout !== 'dense')) {
    throw reader.error('reserved-bits', `coder byte ${byte} has reserved bits set`, start);
  }
  if (layout !== 'dense' && coder !== 'rans') {
    throw reader.error('invalid-field', `layout ${layout} goes with rans, not ${coder}`, start);
  }
  const maxLanes = maxLanesOf(coder);
  if (laneCount > maxLanes)
    throw reader.error('invalid-field', `${laneCount} lanes are over ${maxLanes}`, start);
  if (coder === 'rans' && levelCount > MAX_ALPHABET_SIZE) {
    throw reader.error('invalid-field', `${levelCount} levels need tokens`, start);
  }
  if (coder === 'binary-fast' && levelCount > MAX_TREE_LEVELS) {
    throw reader.error('invalid-field', `${levelCount} levels have no trees`, start);
  }
  if (coder === 'rans-contexts' && levelCount > MAX_CONTEXT_LEVELS) {
    throw reader.error('invalid-field', `${levelCount} levels have no context model`, start);
  }
  if (coder === 'rans-packed' && levelCount > MAX_PACKED_LEVELS) {
    throw reader.error('invalid-field', `${levelCount} levels have no packed symbols`, start);
  }
  if (coder === 'rans-tokens' && levelCount < MIN_TOKEN_LEVELS) {
    throw reader.error('invalid-field', `${levelCount} levels have no tokens`, start);
  }
  reader.note('coder', describe(coder, layout, hasLanes ? laneCount : 0));
  return { coder, laneCount, layout };
}

/** Most lanes of a coder that has such. */
export function maxLanesOf(coder: string): number {
  if (coder === 'binary-fast') return MAX_TREE_LANES;
  return coder === 'rans-contexts' || coder === 'static' ? MAX_CONTEXT_LANES : MAX_LANE_COUNT;
}

function describe(coder: CoderByte['coder'], layout: Layout, laneCount: number): string {
  if (layout !== 'dense') return `${coder}, ${layout}`;
  return laneCount > 0 ? `${coder}, ${laneCount} lanes` : coder;
}
