/**
 * The quantizer of free levels: an index is the number of decision thresholds at or below a value, and stands for a
 * level of a table (bitstream.md §4.1). Thresholds stay with the encoder.
 */

/** Most levels. */
export const MAX_TABLE_LEVELS = 256;

/** What an encoder needs of such a quantizer. */
export interface LevelTable {
  /** 2 to 256 finite values, strictly ascending. */
  readonly levels: Float32Array;
  /** One less than levels, strictly ascending. */
  readonly thresholds: Float32Array;
}

/**
 * Checks a table and rounds it to float32.
 * @throws {RangeError} if there are not 2 to 256 levels and one threshold less, or they do not ascend in float32
 */
export function levelTable(levels: readonly number[], thresholds: readonly number[]): LevelTable {
  if (levels.length < 2 || levels.length > MAX_TABLE_LEVELS)
    throw new RangeError(`levels expected 2 to ${MAX_TABLE_LEVELS} numbers, got ${levels.length}`);
  if (thresholds.length !== levels.length - 1)
    throw new RangeError(`thresholds expected ${levels.length - 1} numbers, got ${thresholds.length}`);
  return { levels: ascending('levels', levels), thresholds: ascending('thresholds', thresholds) };
}

function ascending(name: string, numbers: readonly number[]): Float32Array {
  const values = Float32Array.from(numbers, (value) => Math.fround(value) + 0);
  values.forEach((value, i) => {
    if (!Number.isFinite(value) || (i > 0 && !(value > values[i - 1]))) {
      throw new RangeError(
        `${name} expected finite, ascending numbers in float32, got ${numbers[i]} at ${i}`,
      );
    }
  });
  return values;
}

/** The level nearest to 0, the lower one of two: the decoder does not know the thresholds. */
export function backgroundOfLevels(levels: Float32Array): number {
  let nearest = 0;
  for (let i = 1; i < levels.length; i++) if (Math.abs(levels[i]) < Math.abs(levels[nearest])) nearest = i;
  return nearest;
}
