/**
 * Conversion between float32 and IEEE 754 binary16 bit patterns, rounding to nearest, ties to even.
 * Overflow gives infinity; NaN stays NaN (one quiet pattern).
 */

const SCRATCH_F32 = 1;

/** Bit pattern of the binary16 value nearest to `value`. */
export function float16Bits(value: number): number {
  const words = new Uint32Array(SCRATCH_F32);
  new Float32Array(words.buffer)[0] = value;
  return float16BitsOfWord(words[0]);
}

/** Value of a binary16 bit pattern; exact in float32. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A new float32 array with the values of binary16 bit patterns. */
export function float32FromFloat16(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = float16Value(bits[i]);
  return values;
}

/** A new array of binary16 bit patterns nearest to the float32 values. */
export function float16FromFloat32(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) bits[i] = float16BitsOfWord(words[i]);
  return bits;
}

function float16BitsOfWord(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and above, and infinity
  if (magnitude >= 0x38800000) {
    // Normal in binary16: drop 13 fraction bits, ties to even. A carry runs into the exponent, as it should.
    const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23); // 14 … 24
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const half = 1 << (shift - 1);
  const kept = significand >>> shift;
  const rest = significand & ((1 << shift) - 1);
  const roundUp = rest > half || (rest === half && (kept & 1) === 1);
  return sign | (kept + (roundUp ? 1 : 0));
}
