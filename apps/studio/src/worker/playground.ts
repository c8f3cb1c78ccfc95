/** A tensor by every method: what each quantizer and coder makes of it, measured on the bytes that come out. */

import { type Backend, decodeFrame, encodeFrame, type QuantizerChoice } from '@featherwire/codec';
import { bytesPerElement, elementCount, readNpy, type Tensor } from '@featherwire/tensor';
import type { PlaygroundRow, PlaygroundView } from '../messages.js';
import { gzipBytes } from './gzip.js';
import { type IndexWay, methodsFor } from './methods.js';
import { rmsError } from './run-view.js';

/** Tensors beyond this would keep the page waiting for minutes. */
const MAX_ELEMENTS = 2 ** 24;
/**
 * Codes the tensor of a `.npy` file.
 * @throws {NpyError} if it is none; {RangeError} if it is empty or too large
 */
export async function codeByEveryMethod(npy: Uint8Array, backend: Backend): Promise<PlaygroundView> {
  const value = readNpy(npy);
  const elements = elementCount(value.shape);
  if (elements === 0 || elements > MAX_ELEMENTS) {
    throw new RangeError(`tensor expected 1 to ${MAX_ELEMENTS} elements, got ${elements}`);
  }
  const rawBytes = elements * bytesPerElement(value.dtype);
  const spread = standardDeviation(value);
  const rows = [await gzipRow(value, rawBytes)];
  for (const { name, quantizer, ways } of methodsFor(value, spread)) {
    for (const { name: coder, coding } of ways) {
      const row = measure(value, { quantizer, coding, backend, spread });
      if (row) rows.push({ ...row, quantizer: name, coder });
    }
  }
  return { dtype: value.dtype, shape: [...value.shape], elements, rawBytes, rows };
}

interface MeasureOptions {
  readonly quantizer: QuantizerChoice;
  readonly coding: IndexWay['coding'];
  readonly backend: Backend;
  /** Standard deviation of the tensor. */
  readonly spread: number;
}

/** Encodes, decodes, compares; null where the method is none for this tensor. */
function measure(
  value: Tensor,
  { quantizer, coding, backend, spread }: MeasureOptions,
): Omit<PlaygroundRow, 'quantizer' | 'coder'> | null {
  try {
    const started = performance.now();
    const frame = encodeFrame(value, { ...coding, quantizer, backend });
    const encoded = performance.now();
    const decoded = decodeFrame(frame, { backend });
    const decodeMs = performance.now() - encoded;
    const error = rmsError(value, decoded);
    return {
      ...sizes(frame.length, value),
      relativeError: spread > 0 ? error / spread : error,
      encodeMs: encoded - started,
      decodeMs,
    };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return null;
    throw error;
  }
}

async function gzipRow(value: Tensor, rawBytes: number): Promise<PlaygroundRow> {
  const { buffer, byteOffset } = value.data;
  const started = performance.now();
  const bytes = await gzipBytes(new Uint8Array(buffer as ArrayBuffer, byteOffset, rawBytes));
  return {
    quantizer: 'as it is',
    coder: 'gzip',
    ...sizes(bytes, value),
    relativeError: 0,
    encodeMs: performance.now() - started,
    decodeMs: Number.NaN,
  };
}

function sizes(
  bytes: number,
  { shape }: Tensor,
): { readonly bytes: number; readonly bitsPerElement: number } {
  return { bytes, bitsPerElement: (8 * bytes) / elementCount(shape) };
}

function standardDeviation({ data }: Tensor): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    sum += value;
    squares += value * value;
  }
  const mean = sum / data.length;
  return Math.sqrt(Math.max(0, squares / data.length - mean * mean));
}
