/**
 * The quantizer of a frame: its parameters between the shape and the coder section (bitstream.md §4).
 */

import type { DType, Shape } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import { fieldBits, readFieldList, writeFieldList } from '../bitstream/field-list.js';
import type { GroupedQuantizer, Quantizer } from '../stages.js';
import { readBlocks, writeBlocks } from './block-section.js';
import { readCount } from './count-field.js';
import { readSpectral } from './spectral-section.js';

/**
 * Codes of the quantizers; the position is the code. An affine quantizer has two forms, the shorter for those
 * whose level 0 is an index.
 */
export const QUANTIZER_FORMS = [
  'none',
  'constant',
  'offset',
  'zero-point',
  'integer',
  'levels',
  'grouped',
  'planes',
  'blocks',
  'spectral',
] as const;
/** Name of a code. */
export type QuantizerForm = (typeof QUANTIZER_FORMS)[number];

const MAX_LEVEL_COUNT = 65_536;
const MAX_TABLE_LEVELS = 256;
const MAX_GROUP_COUNT = 65_536;
const MAX_OFFSET = 2 ** 126;
/** Span of the levels, with room for the rounding of the step. */
const MAX_SPAN = 1.25 * 2 ** 127;
const MIN_STEP = 2 ** -117;
/** Bits of the byte that begins the groups. */
const AXIS_MASK = 0b111;
const LISTED_BIT = 0b1000;
const OFFSETS_BIT = 0b1_0000;
const RESERVED_GROUP_BITS = 0b1110_0000;

/** Range of the integers of a type, or null if it holds other numbers. */
export function integerRange(dtype: DType): { readonly low: number; readonly high: number } | null {
  if (dtype === 'int8') return { low: -128, high: 127 };
  if (dtype === 'uint8') return { low: 0, high: 255 };
  return null;
}

/** The form that a quantizer is written in. */
export function formOfQuantizer(quantizer: Quantizer): QuantizerForm {
  if (quantizer.kind !== 'affine') return quantizer.kind;
  return quantizer.affine.offset === 0 ? 'zero-point' : 'offset';
}

/** Quantizers that frames may describe; the others are for profiles only, and their writers no part of an edge client. */
export type DescribedQuantizer = Exclude<Quantizer, { kind: 'spectral' }>;

/** Writes a quantizer's parameters. */
export function writeQuantizer(writer: ByteWriter, quantizer: DescribedQuantizer): void {
  switch (quantizer.kind) {
    case 'none':
    case 'planes':
      return;
    case 'constant':
      writer.writeFloat32(quantizer.value);
      return;
    case 'affine': {
      const { levelCount, offset, step, zeroPoint } = quantizer.affine;
      writer.writeVarint(levelCount);
      if (offset === 0) writer.writeVarint(zeroPoint);
      else writer.writeFloat32(offset);
      writer.writeFloat32(step);
      return;
    }
    case 'integer':
      writer.writeUint8(quantizer.lowest & 0xff);
      writer.writeVarint(quantizer.levelCount);
      return;
    case 'levels':
      writer.writeVarint(quantizer.levels.length);
      for (const level of quantizer.levels) writer.writeFloat32(level);
      return;
    case 'grouped':
      writeGrouped(writer, quantizer.grouped);
      return;
    case 'blocks':
      writeBlocks(writer, quantizer.blocks);
      return;
    default:
      quantizer satisfies never;
  }
}

function writeGrouped(writer: ByteWriter, grouped: GroupedQuantizer): void {
  const { levelCount, axis, groupOfChannel, zeroPoint, offsets, steps } = grouped;
  writer.writeVarint(levelCount);
  writer.writeUint8(axis | (groupOfChannel ? LISTED_BIT : 0) | (offsets ? OFFSETS_BIT : 0));
  writer.writeVarint(steps.length);
  if (groupOfChannel) writeFieldList(writer, groupOfChannel, steps.length);
  if (!offsets) writer.writeVarint(zeroPoint);
  const words = new Uint32Array(steps.buffer, steps.byteOffset, steps.length);
  for (let group = 0; group < steps.length; group++) {
    if (offsets) writer.writeFloat32(offsets[group]);
    writer.writeUint16(words[group] >>> 16);
  }
}

/** Reads a quantizer's parameters. @throws {BitstreamError} on any defect */
export function readQuantizer(
  reader: ByteReader,
  dtype: DType,
  shape: Shape,
  form: QuantizerForm,
): Quantizer {
  switch (form) {
    case 'none':
    case 'planes':
      return { kind: form };
    case 'constant':
      return readConstant(reader, dtype);
    case 'offset':
    case 'zero-point':
      return readAffine(reader, form);
    case 'integer':
      return readInteger(reader, dtype);
    case 'levels':
      return readLevels(reader);
    case 'grouped':
      return readGrouped(reader, shape);
    case 'blocks':
      return { kind: 'blocks', blocks: readBlocks(reader, shape) };
    case 'spectral':
      return { kind: 'spectral', spectral: readSpectral(reader, shape) };
    default:
      return form satisfies never;
  }
}

function readConstant(reader: ByteReader, dtype: DType): Quantizer {
  const start = reader.offset;
  const value = reader.readFloat32();
  const range = integerRange(dtype);
  const fits = range
    ? Number.isInteger(value) && value >= range.low && value <= range.high
    : Number.isFinite(value);
  if (!fits) throw reader.error('invalid-field', `${value} is no ${dtype} constant`, start);
  reader.note('value of all elements', value);
  return { kind: 'constant', value };
}

function readAffine(reader: ByteReader, form: 'offset' | 'zero-point'): Quantizer {
  const start = reader.offset;
  const levelCount = readCount(reader, 'level count', 2, MAX_LEVEL_COUNT);
  let offset = 0;
  let zeroPoint = 0;
  if (form === 'offset') {
    offset = reader.readFloat32();
    reader.note('offset, the lowest level', offset);
  } else {
    zeroPoint = reader.readVarint();
    reader.note('zero point', zeroPoint);
  }
  const step = reader.readFloat32();
  reader.note('step', step);
  if (zeroPoint >= levelCount || !isOffset(offset) || !isStep(step, levelCount)) {
    const fields = `offset ${offset}, zero point ${zeroPoint}, step ${step}`;
    throw reader.error('invalid-field', `${fields}: out of range`, start);
  }
  return { kind: 'affine', affine: { levelCount, offset, step, zeroPoint } };
}

function readInteger(reader: ByteReader, dtype: DType): Quantizer {
  const start = reader.offset;
  const range = integerRange(dtype);
  if (!range) throw reader.error('invalid-field', `${dtype} elements are no integers of 8 bits`, start);
  const byte = reader.readUint8();
  const lowest = dtype === 'int8' ? (byte << 24) >> 24 : byte;
  reader.note('lowest integer', lowest);
  const levelCount = reader.readVarint();
  if (levelCount < 2 || lowest + levelCount - 1 > range.high) {
    throw reader.error('invalid-field', `${levelCount} integers from ${lowest} do not fit ${dtype}`, start);
  }
  reader.note('integer count', levelCount);
  return { kind: 'integer', lowest, levelCount };
}

function readLevels(reader: ByteReader): Quantizer {
  const levelCount = readCount(reader, 'level count', 2, MAX_TABLE_LEVELS);
  const levels = new Float32Array(levelCount);
  const start = reader.offset;
  for (let i = 0; i < levelCount; i++) {
    levels[i] = reader.readFloat32();
    // Written so that NaN is refused too.
    if (!(Number.isFinite(levels[i]) && (i === 0 || levels[i] > levels[i - 1]))) {
      throw reader.error('invalid-field', `level ${levels[i]} at ${i} does not ascend`, reader.offset - 4);
    }
  }
  reader.note('levels', `${levels[0]} … ${levels[levelCount - 1]}, ${reader.offset - start} bytes`);
  return { kind: 'levels', levels };
}

function readGrouped(reader: ByteReader, shape: Shape): Quantizer {
  const levelCount = readCount(reader, 'level count', 2, MAX_LEVEL_COUNT);
  const byte = reader.readUint8();
  if (byte & RESERVED_GROUP_BITS)
    throw reader.error('reserved-bits', 'upper bits of the axis byte are not zero', reader.offset - 1);
  const axis = byte & AXIS_MASK;
  if (axis >= shape.length)
    throw reader.error('invalid-field', `axis ${axis} is over rank ${shape.length}`, reader.offset - 1);
  const listed = (byte & LISTED_BIT) !== 0;
  reader.note('axis of the channels', axis);
  const channels = shape[axis];
  const groupStart = reader.offset;
  const groupCount = readCount(reader, 'group count', listed ? 2 : 1, Math.min(channels, MAX_GROUP_COUNT));
  if (!listed && channels % groupCount !== 0) {
    const detail = `${channels} channels are not ${groupCount} equal groups`;
    throw reader.error('invalid-field', detail, groupStart);
  }
  const groupOfChannel = listed ? readFieldList(reader, channels, groupCount, 'group') : null;
  if (listed) reader.note('groups of channels', `${fieldBits(groupCount)} bits each`);
  const parameters = readGroupParameters(reader, levelCount, groupCount, (byte & OFFSETS_BIT) !== 0);
  return { kind: 'grouped', grouped: { levelCount, axis, groupOfChannel, ...parameters } };
}

function readGroupParameters(
  reader: ByteReader,
  levelCount: number,
  groupCount: number,
  hasOffsets: boolean,
): Pick<GroupedQuantizer, 'zeroPoint' | 'offsets' | 'steps'> {
  const zeroPoint = hasOffsets ? 0 : readCount(reader, 'zero point', 0, levelCount - 1);
  const start = reader.offset;
  const parameters = reader.readBytes(groupCount * (hasOffsets ? 6 : 2));
  const view = new DataView(parameters.buffer, parameters.byteOffset, parameters.length);
  const offsets = hasOffsets ? new Float32Array(groupCount) : null;
  const steps = new Float32Array(groupCount);
  const stepWords = new Uint32Array(steps.buffer);
  let at = 0;
  for (let group = 0; group < groupCount; group++) {
    const groupStart = start + at;
    if (offsets) {
      offsets[group] = view.getFloat32(at, true);
      at += 4;
    }
    stepWords[group] = view.getUint16(at, true) * 0x1_0000;
    at += 2;
    if (!isOffset(offsets ? offsets[group] : 0) || !isStep(steps[group], levelCount)) {
      const fields = `${offsets ? `offset ${offsets[group]}, ` : ''}step ${steps[group]}`;
      throw reader.error('invalid-field', `${fields} of group ${group}: out of range`, groupStart);
    }
  }
  reader.note(hasOffsets ? 'offsets and steps' : 'steps', `of ${groupCount} groups`);
  return { zeroPoint, offsets, steps };
}

function isOffset(offset: number): boolean {
  return Math.abs(offset) <= MAX_OFFSET;
}

function isStep(step: number, levelCount: number): boolean {
  return step >= MIN_STEP && step * (levelCount - 1) <= MAX_SPAN;
}
