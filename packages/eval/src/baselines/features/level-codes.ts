/** Values as integer codes of picture and general coders: evenly spaced levels between two limits, both included. */

/** Limits of the levels; if they are equal, all codes are 0. */
export interface CodeLimits {
  readonly low: number;
  readonly high: number;
}

/**
 * The nearest codes; values outside the limits get the first or the last.
 * @param levelCount - 2 to 65,536
 */
export function codesOfValues(
  values: Float32Array,
  { low, high }: CodeLimits,
  levelCount: number,
): Uint16Array {
  const last = levelCount - 1;
  const scale = high > low ? last / (high - low) : 0;
  const codes = new Uint16Array(values.length);
  for (let i = 0; i < codes.length; i++) {
    codes[i] = Math.min(Math.max(Math.round((values[i] - low) * scale), 0), last);
  }
  return codes;
}

/** The levels of codes. */
export function valuesOfCodes(
  codes: ArrayLike<number>,
  { low, high }: CodeLimits,
  levelCount: number,
): Float32Array {
  const step = (high - low) / (levelCount - 1);
  return Float32Array.from(codes, (code) => low + code * step);
}
