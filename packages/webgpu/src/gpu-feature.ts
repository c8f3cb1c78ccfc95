/** A feature that stays on the GPU. */

import { elementCount, type Shape } from '@featherwire/tensor';
import { BUFFER_USAGE } from './device/constants.js';
import { MAX_CHUNKS } from './division.js';
import { UnsupportedError } from './errors.js';

/** float32 elements, row-major, from the beginning of a buffer on; what is behind them is left alone. */
export interface GpuFeature {
  readonly shape: Shape;
  /** With the usage `STORAGE`. */
  readonly buffer: GPUBuffer;
}

/** Bytes of an element. */
export const ELEMENT_BYTES = 4;
/** Most elements: the kernels count words of a chunk in 26 bits. */
export const MAX_ELEMENTS = 2 ** 26 - 1;
/**
 * Most symbols of a lane, which are coded one after the other, about a microsecond each: systems take a device away that
 * runs a kernel for seconds, and a frame of a few bytes can claim 2^26 elements in one lane. An invocation that decodes
 * four lanes under contexts goes through four times as many.
 */
const MAX_STEPS = 2 ** 17;
const ROW_WORDS_PER_ELEMENT = 2;
const FREE_ROW_WORDS = 2 ** 17;

/** Elements of a shape. @throws {UnsupportedError} if they are more than kernels or buffers of the device hold */
export function checkElements(device: GPUDevice, shape: Shape): number {
  const count = elementCount(shape);
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const bytes = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  const most = Math.min(MAX_ELEMENTS, Math.floor(bytes / ELEMENT_BYTES));
  if (count > most) throw new UnsupportedError('shape', `at most ${most} elements`, `${count}`);
  return count;
}

/** @throws {UnsupportedError} if chunks are more than a dispatch has workgroups */
export function checkChunks(count: number): void {
  if (count > MAX_CHUNKS) throw new UnsupportedError('chunkCount', `at most ${MAX_CHUNKS}`, `${count}`);
}

/**
 * @param steps - symbols of the lane that has most of them
 * @throws {UnsupportedError} if these are more than a kernel can be kept busy with
 */
export function checkSteps(steps: number): void {
  if (steps > MAX_STEPS)
    throw new UnsupportedError('chunk', `at most ${MAX_STEPS} symbols in a lane`, `${steps}`);
}

/**
 * Bounds what a frame makes its decoder allocate beside its elements (bitstream.md §13): rows of groups and of tables are
 * longer than their coded form.
 * @param maxElements - limit of the decoder
 * @throws {UnsupportedError} if rows of so many words are over the bound
 */
export function checkRows(name: string, words: number, maxElements: number): void {
  const most = ROW_WORDS_PER_ELEMENT * maxElements + FREE_ROW_WORDS;
  if (words > most) throw new UnsupportedError(name, `rows of at most ${most} words`, `${words}`);
}

/** @throws {TypeError} if kernels cannot use the buffer @throws {RangeError} if it is too small */
export function checkBuffer(name: string, buffer: GPUBuffer, count: number): void {
  if ((buffer.usage & BUFFER_USAGE.storage) === 0)
    throw new TypeError(`${name} expected a buffer with the usage STORAGE, got usage ${buffer.usage}`);
  if (buffer.size < count * ELEMENT_BYTES)
    throw new RangeError(`${name} expected at least ${count * ELEMENT_BYTES} bytes, got ${buffer.size}`);
}
