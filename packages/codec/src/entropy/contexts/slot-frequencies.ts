/** Frequencies of a table's symbols in its slots, from counts. Encoding only. */

/** Each table starts from this many symbols distributed as in its prior. */
const PRIOR_SYMBOLS = 3;

/** Shares of symbols, as if `PRIOR_SYMBOLS` more had come, distributed by `prior`. */
export function shares(counts: Float64Array, prior: Float64Array): Float64Array {
  const priorTotal = prior.reduce((sum, weight) => sum + weight, 0);
  const total = counts.reduce((sum, count) => sum + count, PRIOR_SYMBOLS);
  return counts.map((count, symbol) => (count + (PRIOR_SYMBOLS * prior[symbol]) / priorTotal) / total);
}

/** Frequencies of at least 1 that fill the slots and cost the fewest bits under `share`, by steps from rounded ones. */
export function roundShares(share: Float64Array, slotCount: number): Uint16Array {
  const frequencies = Uint16Array.from(share, (value) => Math.max(1, Math.round(value * slotCount)));
  let excess = frequencies.reduce((sum, frequency) => sum + frequency, -slotCount);
  while (excess !== 0) {
    const step = excess > 0 ? -1 : 1;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    frequencies.forEach((frequency, symbol) => {
      if (frequency + step < 1) return;
      const loss = share[symbol] * Math.log2(frequency / (frequency + step));
      if (loss < least) [best, least] = [symbol, loss];
    });
    frequencies[best] += step;
    excess += step;
  }
  return frequencies;
}
