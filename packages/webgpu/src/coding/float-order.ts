/** float32 numbers as integers of the same order, which kernels compare in place of them. */

const SIGN = 0x8000_0000;

/**
 * Positions of thresholds in the order of float32 numbers, -0 before 0: a value is at or above a threshold if its position
 * is. A threshold of 0 takes the position of -0, which equals it.
 * @returns integers in [0, 2^32), ascending as the thresholds do
 */
export function ordersOfThresholds(thresholds: Float32Array): Uint32Array {
  const bits = new Uint32Array(thresholds.slice().buffer);
  return bits.map((word) => {
    const signed = word === 0 ? SIGN : word;
    return signed >= SIGN ? ~signed : signed ^ SIGN;
  });
}
