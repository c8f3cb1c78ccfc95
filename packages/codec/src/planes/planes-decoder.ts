/** Planes of bits to elements (bitstream.md §17). A plane is merged into the elements before the next is decoded. */

import {
  allocateData,
  type DType,
  dataFromBytes,
  elementCount,
  type Shape,
  type TensorData,
} from '@featherwire/tensor';
import { geometryOfShape } from '../feature/feature-values.js';
import { joinClasses, joinLowBits, lowPlanes } from '../lossless/bit-planes.js';
import { type ElementWords, elementForm, wordsOfData } from '../lossless/element-form.js';
import { addLowest, joinSigns } from '../lossless/magnitudes.js';
import { copyLowBits, NO_LOW_BITS, resolveSources } from '../lossless/sources.js';
import { insertUniformPlanes } from '../lossless/uniform-planes.js';
import { type EntropyKernels, elementsOf, type FeatureGeometry, type Indices } from '../stages.js';
import { decodePlane, flatGeometry } from './coded-plane.js';
import type { PlanedElements, PlanesSection } from './planes-section.js';

/**
 * Decodes a section.
 * @returns the elements of a tensor of this type and shape, or the reason for which the section is not one
 */
export function decodePlanes(
  { uniformCount, isUniform, uniformValues, elements }: PlanesSection,
  dtype: DType,
  shape: Shape,
  kernels: EntropyKernels,
): TensorData | string {
  const geometry = geometryOfShape(shape);
  const kept = { ...geometry, planes: geometry.planes - uniformCount };
  let data: TensorData;
  if (elements) {
    const decoded = decodeElements(elements, dtype, kept, elementCount(shape), kernels);
    if (typeof decoded === 'string') return decoded;
    data = decoded;
  } else {
    data = allocateData(dtype, elementCount(shape));
  }
  if (uniformCount > 0) {
    const planeSize = geometry.rows * geometry.columns;
    const places = isUniform ?? new Uint8Array(geometry.planes).fill(1);
    const values = wordsOfData(dataFromBytes(dtype, uniformValues));
    insertUniformPlanes(wordsOfData(data), planeSize, places, values);
  }
  return data;
}

/** @param length - elements of the result; those decoded stand at its start */
function decodeElements(
  elements: PlanedElements,
  dtype: DType,
  geometry: FeatureGeometry,
  length: number,
  kernels: EntropyKernels,
): TensorData | string {
  const { split, classes: codedClasses, signs: codedSigns } = elements;
  const count = elementsOf(geometry);
  const classes = codedClasses
    ? decodePlane('classes', codedClasses, geometry, split.classCount, kernels)
    : new Uint8Array(count);
  if (typeof classes === 'string') return classes;
  const signs = codedSigns && decodePlane('signs', codedSigns, geometry, 2, kernels);
  if (typeof signs === 'string') return signs;
  const data = allocateData(dtype, length);
  const words = wordsOfData(data);
  const form = elementForm(dtype);
  const sources = decodeLowBits(elements, words, classes, signs, kernels);
  if (typeof sources === 'string') return sources;
  joinClasses(words, classes, sources, elements.ownCount, split, form);
  if (signs) joinSigns(words, signs, form);
  copyLowBits(words, sources, elements.copies?.distances ?? [], split.lowBits);
  addLowest(words, count, split.lowest);
  return data;
}

/**
 * Decodes low bits into the first elements, in the order of those that have their own.
 * @returns the sources of all elements, or the reason for which there are no such bits
 */
function decodeLowBits(
  { split, copies, ownCount, lowPlanes: codedPlanes }: PlanedElements,
  words: ElementWords,
  classes: Indices,
  signs: Indices | null,
  kernels: EntropyKernels,
): Uint8Array | string {
  const planes = lowPlanes(split);
  if (planes.length === 0) return new Uint8Array(classes.length).fill(NO_LOW_BITS);
  const distances = copies?.distances ?? [];
  const flags = copies?.flags
    ? decodePlane('copies', copies.flags, flatGeometry(copies.candidateCount), distances.length + 1, kernels)
    : new Uint8Array(0);
  if (typeof flags === 'string') return flags;
  const found = resolveSources(classes, signs, split.zeroClass, distances, flags);
  if (typeof found === 'string') return `copies: ${found}`;
  if (found.ownCount !== ownCount) return `${found.ownCount} elements have low bits, not ${ownCount}`;
  for (const [i, coded] of codedPlanes.entries()) {
    const { shift, bits } = planes[i];
    const name = `bits ${shift} to ${shift + bits - 1}`;
    const symbols = decodePlane(name, coded, flatGeometry(ownCount), 1 << bits, kernels);
    if (typeof symbols === 'string') return symbols;
    joinLowBits(words, symbols, planes[i]);
  }
  return found.sources;
}
