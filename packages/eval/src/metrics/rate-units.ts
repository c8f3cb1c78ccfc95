/**
 * Conversions between the units of rate that publications use: bytes of a sample, bits per element of the feature (papers A
 * and B), bits per pixel of the input (paper C), and the factor over raw float32.
 */

const BITS_PER_BYTE = 8;
const BITS_PER_FLOAT = 32;

/** Coded bits of an element. @param elements - of everything that the bytes code, above 0 */
export function bitsPerElement(bytes: number, elements: number): number {
  return (BITS_PER_BYTE * bytes) / elements;
}

/** Coded bits of a pixel of the input. @param pixels - rows times columns, above 0; channels do not count */
export function bitsPerPixel(bytes: number, pixels: number): number {
  return (BITS_PER_BYTE * bytes) / pixels;
}

/** Inverse of `bitsPerElement`. */
export function bytesOfElementRate(rate: number, elements: number): number {
  return (rate * elements) / BITS_PER_BYTE;
}

/** Inverse of `bitsPerPixel`. */
export function bytesOfPixelRate(rate: number, pixels: number): number {
  return (rate * pixels) / BITS_PER_BYTE;
}

/** How many times smaller than float32 elements of this rate are. @param rate - bits per element, above 0 */
export function factorOverFloat32(rate: number): number {
  return BITS_PER_FLOAT / rate;
}
