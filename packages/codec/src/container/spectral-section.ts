/** The parameters of a spectral quantizer (bitstream.md §4.4). */

import type { Shape } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import { readFieldList, writeFieldList } from '../bitstream/field-list.js';
import type { SpectralQuantizer } from '../stages.js';
import { MIN_BLOCK_STEP, RECTIFIED_BIT, readBlockHead } from './block-section.js';
import { readCount } from './count-field.js';

const MEANS_BIT = 0b1_0000;
const RESERVED_BITS = 0b1110_0000;
const MAX_WEIGHT = 1_023;
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
  for (const word of new Uint32Array(steps.buffer, steps.byteOffset, steps.length))
    writer.writeUint16(word >>> 16);
  for (const mean of means ?? []) writer.writeFloat32(mean);
  writeFieldList(writer, kept, 2);
}

/**
 * Reads the parameters.
 * @param shape - of the tensor; a dimension of 0 is not known
 * @throws {BitstreamError} on any defect
 */
export function readSpectral(reader: ByteReader, shape: Shape): SpectralQuantizer {
  const start = reader.offset;
  const { byte, ...head } = readBlockHead(reader, RESERVED_BITS);
  const channels = readCount(reader, 'channel count', 1, 65_536);
  if (shape.length < CHANNEL_PLACE || shape[shape.length - CHANNEL_PLACE] !== channels)
    throw reader.error('invalid-field', `${channels} channels do not fit [${shape.join(', ')}]`, start);
  const weights = Uint16Array.from({ length: head.blockSize ** 2 }, () =>
    readCount(reader, 'weight', 1, MAX_WEIGHT),
  );
  const steps = readSteps(reader, channels);
  const means = (byte & MEANS_BIT) !== 0 ? readMeans(reader, channels) : null;
  return {
    ...head,
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
    if (!(steps[channel] >= MIN_BLOCK_STEP && steps[channel] <= 1 / MIN_BLOCK_STEP)) {
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
  const kept = Uint8Array.from(readFieldList(reader, count, 2, 'coefficient'));
  const keptCount = kept.reduce((sum, bit) => sum + bit, 0);
  if (keptCount === 0) throw reader.error('invalid-field', 'no coefficient is coded', start);
  reader.note('coefficients', `${keptCount} of ${count}`);
  return kept;
}
