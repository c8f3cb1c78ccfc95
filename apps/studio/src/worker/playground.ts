/** A tensor by every method: what each quantizer and coder makes of it, measured on the bytes that come out. */

import {
  type Backend,
  type CoderChoice,
  decodeFrame,
  encodeFrame,
  type QuantizerChoice,
} from '@featherwire/codec';
import { bytesPerElement, elementCount, readNpy, type Tensor } from '@featherwire/tensor';
import type { PlaygroundRow, PlaygroundView } from '../messages.js';
import { gzipBytes } from './gzip.js';
import { rmsError } from './run-view.js';

/** Tensors beyond this would keep the page waiting for minutes. */
const MAX_ELEMENTS = 2 ** 24;
/** Coders that take microseconds an element are left out beyond this. */
const MAX_SLOW_ELEMENTS = 2 ** 20;

const LEVEL_COUNTS = [256, 64, 16, 8, 4, 2];
const CODERS: readonly (readonly [CoderChoice, string, number])[] = [
  ['rans', 'rANS', 256],
  ['rans-packed', 'packed rANS', 16],
  ['rans-contexts', 'rANS with contexts', 16],
  ['binary-fast', 'adaptive trees', 256],
  ['binary', 'adaptive bins', 256],
];

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
  for (const { quantizer, name, coders } of methodsFor(value, elements)) {
    for (const [coder, coderName] of coders) {
      const row = measure(value, { quantizer, coder, backend, spread });
      if (row) rows.push({ ...row, quantizer: name, coder: coderName });
    }
  }
  return { dtype: value.dtype, shape: [...value.shape], elements, rawBytes, rows };
}

interface Method {
  readonly name: string;
  readonly quantizer: QuantizerChoice;
  readonly coders: readonly (readonly [CoderChoice | undefined, string])[];
}

function methodsFor({ dtype }: Tensor, elements: number): Method[] {
  const lossless: Method = {
    name: 'lossless',
    quantizer: { kind: 'lossless' },
    coders: [[undefined, 'planes of bits']],
  };
  const stored: Method = { name: 'as it is', quantizer: { kind: 'none' }, coders: [[undefined, 'stored']] };
  if (dtype !== 'float32' && dtype !== 'float16') return [stored, lossless];
  const coders = (levelCount: number): Method['coders'] =>
    CODERS.filter(
      ([coder, , most]) => levelCount <= most && (coder !== 'binary' || elements <= MAX_SLOW_ELEMENTS),
    ).map(([coder, name]) => [coder, name]);
  const uniform = LEVEL_COUNTS.map(
    (levelCount): Method => ({
      name: `${levelCount} levels, lowest to highest`,
      quantizer: { kind: 'uniform', levelCount, range: { kind: 'minmax' } },
      coders: coders(levelCount),
    }),
  );
  const clipped = [16, 4].map(
    (levelCount): Method => ({
      name: `${levelCount} levels, limits from a model`,
      quantizer: { kind: 'uniform', levelCount, range: { kind: 'model' } },
      coders: coders(levelCount),
    }),
  );
  const asymmetric: Method = {
    name: '8 bits with a zero point',
    quantizer: { kind: 'asymmetric', bits: 8, range: { kind: 'minmax' } },
    coders: coders(256),
  };
  return [stored, lossless, asymmetric, ...uniform, ...clipped];
}

interface MeasureOptions {
  readonly quantizer: QuantizerChoice;
  readonly coder: CoderChoice | undefined;
  readonly backend: Backend;
  /** Standard deviation of the tensor. */
  readonly spread: number;
}

/** Encodes, decodes, compares; null where the method is none for this tensor. */
function measure(
  value: Tensor,
  { quantizer, coder, backend, spread }: MeasureOptions,
): Omit<PlaygroundRow, 'quantizer' | 'coder'> | null {
  try {
    const started = performance.now();
    const frame = encodeFrame(value, { quantizer, backend, ...(coder && { coder }) });
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
