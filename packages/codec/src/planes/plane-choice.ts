/**
 * Choice of the planes for given elements: what is uniform, how the others are split, whether copies pay, and the coder
 * of each plane, by real bytes where two ways are open. A few passes over the elements, whatever they hold. Encoding
 * only.
 */

import { bytesOfData, bytesPerElement, type Tensor } from '@featherwire/tensor';
import { ByteWriter } from '../bitstream/byte-writer.js';
import { checkCoding } from '../entropy/encode-indices.js';
import { geometryOfShape } from '../feature/feature-values.js';
import type { SectionCoding } from '../indices/layout-choice.js';
import { classesOf, lowBitsOf, lowPlanes, MAX_CLASS_COUNT, pickMagnitudes } from '../lossless/bit-planes.js';
import { type ElementForm, elementForm, wordsOfData } from '../lossless/element-form.js';
import { type MagnitudeSummary, summarizeMagnitudes } from '../lossless/magnitude-summary.js';
import { type Magnitudes, magnitudesOf } from '../lossless/magnitudes.js';
import { findCopies, plainSources, type Sources } from '../lossless/sources.js';
import { countUniform, findUniformPlanes, withoutUniformPlanes } from '../lossless/uniform-planes.js';
import type { ElementSplit, EntropyKernels, FeatureGeometry, Indices } from '../stages.js';
import { flatGeometry } from './coded-plane.js';
import { encodeLowBits, encodePlane, type PlaneCoding, planeBytes } from './plane-coding.js';
import { type Copies, type PlanedElements, type PlanesSection, writePlanes } from './planes-section.js';

/** A distance is looked at if copies from there are this share of the elements. */
const MIN_COPY_SHARE = 2 ** -6;
const COPY_SAMPLES = 2 ** 12;
/** Integers of a wider range are split: a class of its own for each value up to this many. */
const MAX_VALUE_CLASSES = MAX_CLASS_COUNT;
/** Bits of the classes of split integers; one less beside a zero class, which is taken from this share of zeros on. */
const INTEGER_CLASS_BITS = 8;
const MIN_ZERO_SHARE = 2 ** -4;

/**
 * Codes a tensor as planes of bits.
 * @param feature - any element type; not modified
 * @returns the section as it stands in a frame, or null if the elements as they are take no more bytes
 * @throws {RangeError} if a table or a sparse layout is asked for, or a setting is out of range
 */
export function encodePlanes(
  feature: Tensor,
  kernels: EntropyKernels,
  coding: SectionCoding,
): Uint8Array | null {
  const { table, layout = 'auto', laneCount, coder } = coding;
  checkCoding(coding);
  if (table) throw new RangeError('table expected none for lossless planes, got one');
  if (layout !== 'auto' && layout !== 'dense')
    throw new RangeError(`layout expected dense for lossless planes, got ${layout}`);
  if (feature.data.length === 0) return null;
  const planeCoding: PlaneCoding = {
    kernels,
    coder: coder ?? (laneCount === undefined ? 'auto' : 'rans'),
    ...(laneCount !== undefined && { laneCount }),
  };
  const writer = new ByteWriter();
  writePlanes(writer, splitTensor(feature, planeCoding), feature.dtype);
  return writer.length < feature.data.byteLength ? writer.finish() : null;
}

function splitTensor(feature: Tensor, coding: PlaneCoding): PlanesSection {
  const { planes, rows, columns } = geometryOfShape(feature.shape);
  const planeSize = rows * columns;
  const words = wordsOfData(feature.data);
  const isUniform = findUniformPlanes(words, planeSize);
  const uniformCount = countUniform(isUniform);
  const kept = { planes: planes - uniformCount, rows, columns };
  const form = elementForm(feature.dtype);
  const elements =
    kept.planes === 0
      ? null
      : splitElements(
          magnitudesOf(withoutUniformPlanes(words, planeSize, isUniform), form),
          kept,
          form,
          coding,
        );
  return {
    uniformCount,
    isUniform: uniformCount > 0 && uniformCount < planes ? isUniform : null,
    uniformValues: firstOfUniform(feature, planeSize, isUniform),
    elements,
  };
}

/** The bytes of the first element of each uniform plane. */
function firstOfUniform(feature: Tensor, planeSize: number, isUniform: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  const size = bytesPerElement(feature.dtype);
  const bytes = bytesOfData(feature.data);
  isUniform.forEach((uniform, plane) => {
    const start = plane * planeSize * size;
    if (uniform) writer.writeBytes(bytes.subarray(start, start + size));
  });
  return writer.finish();
}

function splitElements(
  magnitudes: Magnitudes,
  geometry: FeatureGeometry,
  form: ElementForm,
  coding: PlaneCoding,
): PlanedElements {
  const split = chooseSplit(magnitudes, form);
  const { signs } = magnitudes;
  const classes = classesOf(magnitudes, split, form);
  const coded = {
    split,
    classes: split.classCount > 1 ? encodePlane(classes, geometry, split.classCount, coding) : null,
    signs: signs && encodePlane(signs, geometry, 2, coding),
  };
  if (split.lowBits === split.droppedBits) return { ...coded, copies: null, ownCount: 0, lowPlanes: [] };
  const { copies, sources } = chooseCopies(magnitudes, classes, split, geometry, coding);
  const own = pickMagnitudes(magnitudes, sources.sources, sources.ownCount);
  const planes =
    sources.ownCount > 0
      ? lowPlanes(split).map((plane) => encodeLowBits(lowBitsOf(own, plane), plane.bits, coding))
      : [];
  return { ...coded, copies, ownCount: sources.ownCount, lowPlanes: planes };
}

function chooseSplit(magnitudes: Magnitudes, form: ElementForm): ElementSplit {
  const summary = summarizeMagnitudes(magnitudes);
  const count = magnitudes.low.length;
  return form.kind === 'float'
    ? splitOfFloats(summary, count, form)
    : splitOfIntegers(summary, count, form, magnitudes.lowest);
}

/** Classes are the exponents that occur and those between them. */
function splitOfFloats(summary: MagnitudeSummary, count: number, form: ElementForm): ElementSplit {
  const lowBits = form.mantissaBits;
  const highest = summary.largest(lowBits);
  const valued = summary.zeroCount === count ? 0 : highest - summary.smallest(lowBits) + 1;
  const zeroClass = summary.zeroCount > 0;
  return {
    lowBits,
    droppedBits: Math.min(summary.trailingZeros, lowBits),
    zeroClass,
    classCount: valued + (zeroClass ? 1 : 0),
    highest,
    lowest: [0, 0],
  };
}

/** A class for each value where they are few enough, else for the uppermost bits. */
function splitOfIntegers(
  summary: MagnitudeSummary,
  count: number,
  form: ElementForm,
  lowest: ElementSplit['lowest'],
): ElementSplit {
  const shared = summary.zeroCount === count ? 0 : Math.min(summary.trailingZeros, form.bits - 1);
  const base = { highest: 0, lowest } as const;
  const values = summary.largest(shared) + 1;
  if (values <= MAX_VALUE_CLASSES)
    return { lowBits: shared, droppedBits: shared, zeroClass: false, classCount: values, ...base };
  const zeroClass = summary.zeroCount >= MIN_ZERO_SHARE * count;
  const most = 2 ** (INTEGER_CLASS_BITS - (zeroClass ? 1 : 0));
  let lowBits = shared;
  while (summary.largest(lowBits) >= most) lowBits++;
  const classCount = summary.largest(lowBits) + 1 + (zeroClass ? 1 : 0);
  return { lowBits, droppedBits: shared, zeroClass, classCount, ...base };
}

/** Copies from the element to the left, above, and in the plane before, where they save more than their flags take. */
function chooseCopies(
  magnitudes: Magnitudes,
  classes: Indices,
  split: ElementSplit,
  { rows, columns }: FeatureGeometry,
  coding: PlaneCoding,
): { copies: Copies | null; sources: Sources } {
  const plain = plainSources(classes, split.zeroClass);
  const distances = [...new Set([1, columns, rows * columns])]
    .filter((distance) => shareOfCopies(magnitudes, distance) >= MIN_COPY_SHARE)
    .sort((a, b) => a - b);
  if (distances.length === 0) return { copies: null, sources: plain };
  const sources = findCopies(magnitudes, classes, split.zeroClass, distances);
  const candidateCount = sources.flags.length;
  const flags =
    candidateCount > 0
      ? encodePlane(sources.flags, flatGeometry(candidateCount), distances.length + 1, coding)
      : null;
  const savedBits = (plain.ownCount - sources.ownCount) * (split.lowBits - split.droppedBits);
  return flags && 8 * planeBytes(flags) < savedBits
    ? { copies: { distances, candidateCount, flags }, sources }
    : { copies: null, sources: plain };
}

/** Share of elements above 0 that are the same as those at a distance before them, by a sample at equal steps. */
function shareOfCopies({ low, high, signs }: Magnitudes, distance: number): number {
  const step = Math.max(1, Math.floor(low.length / COPY_SAMPLES));
  let count = 0;
  let samples = 0;
  for (let i = distance; i < low.length; i += step, samples++) {
    const from = i - distance;
    const isAlike =
      low[i] === low[from] && (!high || high[i] === high[from]) && (!signs || signs[i] === signs[from]);
    if (isAlike && (low[i] !== 0 || (high && high[i] !== 0))) count++;
  }
  return count / Math.max(1, samples);
}
