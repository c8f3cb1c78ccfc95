/** Parameters of blocks in a frame or profile (bitstream.md §4.3). */

import type { Shape } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import { type BlockQuantizer, type ChannelBasis, MAX_BASIS_CHANNELS } from '../stages.js';
import { readCount } from './count-field.js';

/** Bits of the byte that begins the parameters. */
const BLOCK_SIZE_MASK = 0b111;
export const RECTIFIED_BIT = 0b1000;
const BASIS_BIT = 0b10_0000;
const RESERVED_BITS = 0b1101_0000;
const MAX_LEVEL_COUNT = 65_535;
/** Least step of coefficients; the largest is its reciprocal. */
export const MIN_BLOCK_STEP = 2 ** -100;
/**
 * Magnitudes of a channel's weights sum up to this at most: indices below 2^15, these sums and those of the transform's
 * matrices, 479² below 2^18, multiply to less than 2^53.
 */
const MAX_WEIGHT_SUM = 2 ** 20;

/** Sides of blocks that have a transform. */
export function isBlockSize(size: number): size is BlockQuantizer['blockSize'] {
  return size === 1 || size === 2 || size === 4 || size === 8;
}

/** Writes the parameters. */
export function writeBlocks(
  writer: ByteWriter,
  { blockSize, levelCount, step, isRectified, basis }: BlockQuantizer,
): void {
  writer.writeUint8(Math.log2(blockSize) | (isRectified ? RECTIFIED_BIT : 0) | (basis ? BASIS_BIT : 0));
  writer.writeVarint(levelCount);
  writer.writeFloat32(step);
  if (!basis) return;
  writer.writeVarint(basis.channelCount);
  writer.writeVarint(basis.componentCount);
  for (const weight of basis.weights) writer.writeUint16(weight);
}

/** Reads the parameters. @param shape - of the tensor, 0 where a dimension varies @throws {BitstreamError} on any defect */
export function readBlocks(reader: ByteReader, shape: Shape): BlockQuantizer {
  const { byte, ...head } = readBlockHead(reader, RESERVED_BITS);
  const stepStart = reader.offset;
  const step = reader.readFloat32();
  reader.note('step', step);
  // Written so that NaN is refused too.
  if (!(step >= MIN_BLOCK_STEP && step <= 1 / MIN_BLOCK_STEP))
    throw reader.error('invalid-field', `step ${step}: out of range`, stepStart);
  const basis = byte & BASIS_BIT ? readBasis(reader, shape) : null;
  return { ...head, step, basis };
}

/**
 * Reads what parameters of blocks begin with.
 * @param reservedBits - of the first byte, by what follows
 * @throws {BitstreamError} on any defect
 */
export function readBlockHead(
  reader: ByteReader,
  reservedBits: number,
): Pick<BlockQuantizer, 'blockSize' | 'levelCount' | 'isRectified'> & { byte: number } {
  const start = reader.offset;
  const byte = reader.readUint8();
  const blockSize = 2 ** (byte & BLOCK_SIZE_MASK);
  if (byte & reservedBits)
    throw reader.error('reserved-bits', 'reserved bits of the block byte are not zero', start);
  if (!isBlockSize(blockSize))
    throw reader.error('invalid-field', `blocks of ${blockSize} by ${blockSize}`, start);
  const isRectified = (byte & RECTIFIED_BIT) !== 0;
  reader.note('blocks', `${blockSize} by ${blockSize}${isRectified ? ', rectified' : ''}`);
  const countStart = reader.offset;
  const levelCount = readCount(reader, 'level count', 3, MAX_LEVEL_COUNT);
  if (levelCount % 2 === 0)
    throw reader.error('invalid-field', `level count ${levelCount} is even`, countStart);
  return { byte, blockSize, levelCount, isRectified };
}

function readBasis(reader: ByteReader, shape: Shape): ChannelBasis {
  const start = reader.offset;
  const channelCount = readCount(reader, 'channels', 1, MAX_BASIS_CHANNELS);
  const channels = shape.at(-3);
  if (channels !== channelCount)
    throw reader.error(
      'invalid-field',
      `a basis of ${channelCount} channels for ${channels ?? 'none'}`,
      start,
    );
  const componentCount = readCount(reader, 'components', 1, channelCount);
  const weightsStart = reader.offset;
  const bytes = reader.readBytes(2 * componentCount * channelCount);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const weights = Int16Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true));
  const basis = { channelCount, componentCount, weights };
  const largest = largestWeightSum(basis);
  if (largest > MAX_WEIGHT_SUM) {
    const detail = `weights of a channel sum to ${largest}, over ${MAX_WEIGHT_SUM}`;
    throw reader.error('invalid-field', detail, weightsStart);
  }
  reader.note('weights', `${bytes.length} bytes`);
  return basis;
}

/** Largest sum of the magnitudes of one channel's weights. */
function largestWeightSum({ channelCount, weights }: ChannelBasis): number {
  const sums = new Float64Array(channelCount);
  weights.forEach((weight, i) => {
    sums[i % channelCount] += Math.abs(weight);
  });
  return sums.reduce((a, b) => Math.max(a, b));
}
