/** The parameters of a spectral quantizer (bitstream.md §4.4). */

import type { Shape } from '@featherwire/tensor';
import { BitReader, BitWriter } from '../bitstream/bits.js';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import type { SpectralQuantizer } from '../stages.js';
import { isBlockSize } from './block-section.js';
import { readCount } from './count-field.js';

const BLOCK_SIZE_MASK = 0b111;
const RECTIFIED_BIT = 0b1000;
const MEANS_BIT = 0b1_0000;
const RESERVED_BITS = 0b1110_0000;
const MAX_LEVEL_COUNT = 65_535;
const MAX_WEIGHT = 1_023;
const MIN_STEP = 2 ** -100;
const MAX_MEAN = 2 ** 126;
/** Distance of the channels' dimension from the end. */
const CHANNEL_PLACE = 3;

/** Writes the parameters. */
export function writeSpectral(writer: ByteWriter, quantizer: SpectralQuantizer): void {
  const { blockSize, levelCount, isRectified, weights, steps, means, kept } = quantizer;
  writer.writeUint8(Math.log2(blockSize) | (isRectified ? RECTIFIED_BIT : 0) | (means ? MEANS_BIT : 0));
  writer.writeVarint(levelCount);
  writer.writeVarint(steps.length);
  for (const weight of weights) writer.writeVarint(weight);
  for (const word of new Uint32Array(steps.buffer, steps.byteOffset, steps.length)) {
    writer.writeUint8((word >>> 16) & 0xff);
    writer.writeUint8(word >>> 24);
  }
  for (const mean of means ?? []) writer.writeFloat32(mean);
  const bits = new BitWriter();
  for (const bit of kept) bits.writeBits(bit, 1);
  writer.writeBytes(bits.finish());
}

/**
 * Reads the parameters.
 * @param shape - of the tensor; a dimension of 0 is not known
 * @throws {BitstreamError} on any defect
 */
export function readSpectral(reader: ByteReader, shape: Shape): SpectralQuantizer {
  const start = reader.offset;
  const byte = reader.readUint8();
  if (byte & RESERVED_BITS)
    throw reader.error('reserved-bits', 'reserved bits of the block byte are not zero', start);
  const blockSize = 2 ** (byte & BLOCK_SIZE_MASK);
  if (!isBlockSize(blockSize))
    throw reader.error('invalid-field', `blocks of ${blockSize} by ${blockSize}`, start);
  const isRectified = (byte & RECTIFIED_BIT) !== 0;
  reader.note('blocks', `${blockSize} by ${blockSize}${isRectified ? ', rectified' : ''}`);
  const levelCount = readCount(reader, 'level count', 3, MAX_LEVEL_COUNT);
  if (levelCount % 2 === 0)
    throw reader.error('invalid-field', `level count ${levelCount} is even`, reader.offset - 1);
  const channels = readCount(reader, 'channel count', 1, 65_536);
  if (shape.length < CHANNEL_PLACE || shape[shape.length - CHANNEL_PLACE] !== channels)
    throw reader.error('invalid-field', `${channels} channels do not fit [${shape.join(', ')}]`, start);
  const weights = Uint16Array.from({ length: blockSize * blockSize }, () =>
    readCount(reader, 'weight', 1, MAX_WEIGHT),
  );
  const steps = readSteps(reader, channels);
  const means = (byte & MEANS_BIT) !== 0 ? readMeans(reader, channels) : null;
  return {
    blockSize,
    levelCount,
    isRectified,
    weights,
    steps,
    means,
    kept: readKept(reader, weights.length * channels),
  };
}

function readSteps(reader: ByteReader, count: number): Float32Array {
  const bytes = reader.readBytes(2 * count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const steps = new Float32Array(count);
  const words = new Uint32Array(steps.buffer);
  for (let channel = 0; channel < count; channel++) {
    words[channel] = view.getUint16(2 * channel, true) * 0x1_0000;
    // Written so that NaN is refused too.
    if (!(steps[channel] >= MIN_STEP && steps[channel] <= 1 / MIN_STEP)) {
      const detail = `step ${steps[channel]} of channel ${channel}: out of range`;
      throw reader.error('invalid-field', detail, reader.offset - 2 * (count - channel));
    }
  }
  reader.note('steps', `of ${count} channels`);
  return steps;
}

function readMeans(reader: ByteReader, count: number): Float32Array {
  const means = new Float32Array(Math.min(count, reader.remaining));
  for (let channel = 0; channel < count; channel++) {
    const mean = reader.readFloat32();
    if (!(Math.abs(mean) <= MAX_MEAN)) {
      const detail = `mean ${mean} of channel ${channel}: out of range`;
      throw reader.error('invalid-field', detail, reader.offset - 4);
    }
    means[channel] = mean;
  }
  reader.note('means', `of ${count} channels`);
  return means;
}

function readKept(reader: ByteReader, count: number): Uint8Array {
  const start = reader.offset;
  const bits = new BitReader(reader.readBytes(Math.ceil(count / 8)));
  const kept = Uint8Array.from({ length: count }, () => bits.readBits(1));
  if (!bits.paddingIsZero)
    throw reader.error('reserved-bits', 'padding of the coefficients is not zero', start);
  const keptCount = kept.reduce((sum, bit) => sum + bit, 0);
  if (keptCount === 0) throw reader.error('invalid-field', 'no coefficient is coded', start);
  reader.note('coefficients', `${keptCount} of ${count}`);
  return kept;
}
