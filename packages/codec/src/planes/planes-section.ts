/**
 * The body of a frame of bit planes (bitstream.md §17): uniform planes of the tensor, how the other elements are split,
 * and coder sections of classes, signs, copies and low bits. Writing and reading; `planes-decoder.ts` decodes what was
 * read, and the choices are `plane-choice.ts`.
 */

import { bytesPerElement, type DType, type Shape } from '@featherwire/tensor';
import type { ByteReader } from '../bitstream/byte-reader.js';
import type { ByteWriter } from '../bitstream/byte-writer.js';
import { readFieldList, writeFieldList } from '../bitstream/field-list.js';
import { readCount } from '../container/count-field.js';
import { geometryOfShape } from '../feature/feature-values.js';
import { lowPlanes, MAX_CLASS_COUNT } from '../lossless/bit-planes.js';
import { elementForm } from '../lossless/element-form.js';
import { countUniform } from '../lossless/uniform-planes.js';
import type { ElementSplit } from '../stages.js';
import { type CodedPlane, readPlane, writePlane } from './coded-plane.js';

/** A tensor as planes of bits. */
export interface PlanesSection {
  readonly uniformCount: number;
  /** 1 for each uniform plane of the tensor, 0 for the others; null if none or all are uniform. */
  readonly isUniform: Uint8Array | null;
  /** An element of each uniform plane, little-endian. */
  readonly uniformValues: Uint8Array;
  /** The other planes; null if there are none. */
  readonly elements: PlanedElements | null;
}

/** Elements as planes of bits. */
export interface PlanedElements {
  readonly split: ElementSplit;
  /** Null if there is one class. */
  readonly classes: CodedPlane | null;
  /** Null if no sign bit is set. */
  readonly signs: CodedPlane | null;
  /** Null if elements have no low bits, or each its own. */
  readonly copies: Copies | null;
  /** Elements with low bits of their own. */
  readonly ownCount: number;
  /** The planes of low bits from the top down; none if `ownCount` is 0. */
  readonly lowPlanes: readonly CodedPlane[];
}

/** Elements that take their low bits from one before them. */
export interface Copies {
  /** 1 to 3, ascending. */
  readonly distances: readonly number[];
  readonly candidateCount: number;
  /** Null without candidates. */
  readonly flags: CodedPlane | null;
}

const SIGNS_BIT = 0b1;
const ZERO_CLASS_BIT = 0b10;
const COPIES_SHIFT = 2;
const COPIES_MASK = 0b11;
const GROUPED_CLASSES_BIT = 0b1_0000;
const GROUPED_SIGNS_BIT = 0b10_0000;
const GROUPED_FLAGS_BIT = 0b100_0000;
const RESERVED_BITS = 0x80;

/** Writes the section. */
export function writePlanes(writer: ByteWriter, section: PlanesSection, dtype: DType): void {
  const { uniformCount, isUniform, uniformValues, elements } = section;
  writer.writeVarint(uniformCount);
  if (isUniform) writeFieldList(writer, isUniform, 2);
  writer.writeBytes(uniformValues);
  if (!elements) return;
  const { split, classes, signs, copies, ownCount, lowPlanes: planes } = elements;
  writer.writeUint8(
    (signs ? SIGNS_BIT : 0) |
      (split.zeroClass ? ZERO_CLASS_BIT : 0) |
      ((copies?.distances.length ?? 0) << COPIES_SHIFT) |
      (classes?.kind === 'by-left' ? GROUPED_CLASSES_BIT : 0) |
      (signs?.kind === 'by-left' ? GROUPED_SIGNS_BIT : 0) |
      (copies?.flags?.kind === 'by-left' ? GROUPED_FLAGS_BIT : 0),
  );
  writeSplit(writer, split, dtype);
  if (classes) writePlane(writer, classes);
  if (signs) writePlane(writer, signs);
  if (split.lowBits === split.droppedBits) return;
  if (copies) {
    for (const distance of copies.distances) writer.writeVarint(distance);
    writer.writeVarint(copies.candidateCount);
    if (copies.flags) writePlane(writer, copies.flags);
  }
  writer.writeVarint(ownCount);
  for (const plane of planes) writePlane(writer, plane);
}

function writeSplit(writer: ByteWriter, split: ElementSplit, dtype: DType): void {
  const { lowBits, droppedBits, classCount, highest, lowest } = split;
  const { kind, bits } = elementForm(dtype);
  writer.writeUint8(lowBits);
  writer.writeUint8(droppedBits);
  writer.writeVarint(classCount);
  if (kind === 'float') {
    writer.writeVarint(highest);
    return;
  }
  for (let shift = 0; shift < bits; shift += 8) {
    writer.writeUint8((lowest[shift >> 5] >>> (shift & 31)) & 0xff);
  }
}

/** Reads the section without decoding it. @throws {BitstreamError} if the section is not one */
export function readPlanes(reader: ByteReader, dtype: DType, shape: Shape): PlanesSection {
  const { planes, rows, columns } = geometryOfShape(shape);
  const uniform = readUniform(reader, planes, bytesPerElement(dtype));
  const keptPlanes = planes - uniform.uniformCount;
  const elements = keptPlanes > 0 ? readElements(reader, dtype, keptPlanes * rows * columns) : null;
  return { ...uniform, elements };
}

function readUniform(
  reader: ByteReader,
  planes: number,
  elementBytes: number,
): Omit<PlanesSection, 'elements'> {
  const start = reader.offset;
  const uniformCount = reader.readVarint();
  if (uniformCount > planes)
    throw reader.error('invalid-field', `${uniformCount} uniform planes of ${planes}`, start);
  reader.note('uniform planes', `${uniformCount} of ${planes}`);
  // Nothing is allocated for planes that no bytes stand for.
  const isListed = uniformCount > 0 && uniformCount < planes;
  const isUniform = isListed ? readUniformList(reader, planes, uniformCount) : null;
  const uniformValues = reader.readBytes(uniformCount * elementBytes);
  if (uniformCount > 0) reader.note('elements of uniform planes', `${uniformCount}`);
  return { uniformCount, isUniform, uniformValues };
}

function readUniformList(reader: ByteReader, planes: number, uniformCount: number): Uint8Array {
  const start = reader.offset;
  const isUniform = Uint8Array.from(readFieldList(reader, planes, 2, 'uniform plane'));
  const listed = countUniform(isUniform);
  if (listed !== uniformCount)
    throw reader.error('invalid-field', `${listed} uniform planes listed, not ${uniformCount}`, start);
  reader.note('list of uniform planes', '1 bit each');
  return isUniform;
}

function readElements(reader: ByteReader, dtype: DType, count: number): PlanedElements {
  reader.section = 'quantizer';
  const flags = readFlags(reader, dtype);
  const split = readSplit(reader, dtype, (flags & ZERO_CLASS_BIT) !== 0);
  const { classCount, lowBits, droppedBits } = split;
  const copyCount = (flags >>> COPIES_SHIFT) & COPIES_MASK;
  const classesGrouped = (flags & GROUPED_CLASSES_BIT) !== 0;
  const signsGrouped = (flags & GROUPED_SIGNS_BIT) !== 0;
  if (copyCount > 0 && lowBits === droppedBits)
    throw reader.error('invalid-field', 'copies of elements without low bits');
  if (classesGrouped && classCount === 1) throw reader.error('invalid-field', 'groups of one class');
  const classes = classCount > 1 ? readPlane(reader, 'classes', classesGrouped, count, classCount) : null;
  const signs = flags & SIGNS_BIT ? readPlane(reader, 'signs', signsGrouped, count, 2) : null;
  if (lowBits === droppedBits) return { split, classes, signs, copies: null, ownCount: 0, lowPlanes: [] };
  const flagsGrouped = (flags & GROUPED_FLAGS_BIT) !== 0;
  const copies = copyCount > 0 ? readCopies(reader, count, copyCount, flagsGrouped) : null;
  const ownCount = readCount(reader, 'elements with low bits', 0, count);
  const planes =
    ownCount > 0
      ? lowPlanes(split).map(({ shift, bits }) =>
          readPlane(reader, `bits ${shift} to ${shift + bits - 1}`, false, ownCount, 1 << bits),
        )
      : [];
  return { split, classes, signs, copies, ownCount, lowPlanes: planes };
}

function readFlags(reader: ByteReader, dtype: DType): number {
  const start = reader.offset;
  const flags = reader.readUint8();
  if (flags & RESERVED_BITS) throw reader.error('reserved-bits', 'upper bit of the flags is not zero', start);
  const hasSigns = (flags & SIGNS_BIT) !== 0;
  if (hasSigns && elementForm(dtype).kind !== 'float')
    throw reader.error('invalid-field', `${dtype} elements have no signs`, start);
  if (flags & GROUPED_SIGNS_BIT && !hasSigns)
    throw reader.error('invalid-field', 'groups of no signs', start);
  if (flags & GROUPED_FLAGS_BIT && ((flags >>> COPIES_SHIFT) & COPIES_MASK) === 0)
    throw reader.error('invalid-field', 'groups of no copies', start);
  reader.note('flags', `0b${flags.toString(2).padStart(7, '0')}`);
  return flags;
}

function readCopies(reader: ByteReader, count: number, copyCount: number, isGrouped: boolean): Copies {
  const distances: number[] = [];
  for (let k = 0; k < copyCount; k++) {
    distances.push(readCount(reader, 'distance of copies', (distances[k - 1] ?? 0) + 1, count - 1));
  }
  const candidateCount = readCount(reader, 'candidates of copies', 0, count);
  const flags =
    candidateCount > 0 ? readPlane(reader, 'copies', isGrouped, candidateCount, copyCount + 1) : null;
  return { distances, candidateCount, flags };
}

function readSplit(reader: ByteReader, dtype: DType, zeroClass: boolean): ElementSplit {
  const { kind, bits, magnitudeBits } = elementForm(dtype);
  const start = reader.offset;
  const lowBits = reader.readUint8();
  const droppedBits = reader.readUint8();
  if (lowBits > magnitudeBits || droppedBits > lowBits) {
    const detail = `${lowBits} low bits, ${droppedBits} dropped, of ${magnitudeBits}`;
    throw reader.error('invalid-field', detail, start);
  }
  reader.note('low bits', `${lowBits}, ${droppedBits} dropped`);
  const classStart = reader.offset;
  const classCount = readCount(reader, 'classes', 1, MAX_CLASS_COUNT);
  const end = 2 ** (magnitudeBits - lowBits);
  const isFloat = kind === 'float';
  const highest = isFloat
    ? readCount(reader, 'highest class', 0, Math.min(end - 1, Number.MAX_SAFE_INTEGER))
    : 0;
  const lowest = isFloat ? ([0, 0] as const) : readLowest(reader, bits);
  if (classCount - (zeroClass ? 1 : 0) > (isFloat ? highest + 1 : end))
    throw reader.error('invalid-field', `${classCount} classes are more than there are`, classStart);
  return { lowBits, droppedBits, zeroClass, classCount, highest, lowest };
}

function readLowest(reader: ByteReader, bits: number): ElementSplit['lowest'] {
  const words = new Uint32Array(2);
  for (let shift = 0; shift < bits; shift += 8) words[shift >> 5] |= reader.readUint8() << (shift & 31);
  const digits = ((BigInt(words[1]) << 32n) | BigInt(words[0])).toString(16).padStart(bits / 4, '0');
  reader.note('lowest integer', `0x${digits}`);
  return [words[0], words[1]];
}
