/**
 * Element types as signs and magnitudes (bitstream.md §17.2), and their storage as unsigned words, which is the same on
 * every machine where bytes of it are not.
 */

import { bytesPerElement, type DType, isLittleEndian, type TensorData } from '@featherwire/tensor';

/** What a type's bits are. */
export interface ElementForm {
  readonly kind: 'float' | 'signed' | 'unsigned';
  /** All bits of an element: 8, 16, 32 or 64. */
  readonly bits: number;
  /** Bits of a magnitude: without the sign for floating-point numbers, all for integers. */
  readonly magnitudeBits: number;
  /** Bits below the exponent; 0 for integers. */
  readonly mantissaBits: number;
}

const MANTISSA_BITS: Partial<Record<DType, number>> = { float16: 10, float32: 23, float64: 52 };

/** Form of an element type; `bool` is an unsigned integer. */
export function elementForm(dtype: DType): ElementForm {
  const bits = 8 * bytesPerElement(dtype);
  const mantissaBits = MANTISSA_BITS[dtype];
  if (mantissaBits !== undefined) return { kind: 'float', bits, magnitudeBits: bits - 1, mantissaBits };
  const kind = dtype.startsWith('int') ? 'signed' : 'unsigned';
  return { kind, bits, magnitudeBits: bits, mantissaBits: 0 };
}

/** Elements as unsigned words; those of 64 bits take two each. */
export interface ElementWords {
  readonly words: Uint8Array | Uint16Array | Uint32Array;
  /** Words of an element: 1 or 2. */
  readonly stride: number;
  /** Place of the low word within an element, 0 or 1; the high one stands at `1 - lowAt` if there are two. */
  readonly lowAt: number;
}

/** A view of a tensor's storage. */
export function wordsOfData(data: TensorData): ElementWords {
  const { buffer, byteOffset, length } = data;
  const size = data.BYTES_PER_ELEMENT;
  const View = size === 1 ? Uint8Array : size === 2 ? Uint16Array : Uint32Array;
  const stride = size === 8 ? 2 : 1;
  const lowAt = stride === 1 || isLittleEndian() ? 0 : 1;
  return { words: new View(buffer as ArrayBuffer, byteOffset, stride * length), stride, lowAt };
}
