/**
 * Probabilities of 12 bits and their logits in integers (bitstream.md §9.2), so that every engine mixes alike:
 * `squash(d)` is 4096 / (1 + exp(-d / 256)), linear between 33 tabled points; `stretch` is its inverse.
 */

/** Largest magnitude of a logit: 8 in natural units. */
export const MAX_LOGIT = 2047;
export const PROBABILITY_BITS = 12;

/** round(4096 / (1 + exp(-(k - 16) / 2))) for k = 0 … 32. */
export const SQUASH_POINTS: readonly number[] = [
  1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
  3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
];

/** Probability of a logit in -2047 … 2047, in 1 … 4095. */
export function squash(logit: number): number {
  const fraction = logit & 127;
  const point = (logit >> 7) + 16;
  return (SQUASH_POINTS[point] * (128 - fraction) + SQUASH_POINTS[point + 1] * fraction + 64) >> 7;
}

/** For each probability of 12 bits the smallest logit whose squash reaches it, 2047 where none does. */
export function createStretchTable(): Int16Array {
  const table = new Int16Array(1 << PROBABILITY_BITS).fill(MAX_LOGIT);
  let next = 0;
  for (let logit = -MAX_LOGIT; logit <= MAX_LOGIT; logit++) {
    for (const reached = squash(logit); next <= reached; next++) table[next] = logit;
  }
  return table;
}
