/**
 * Counts of something over counts of chances: the form of every metric here, and what intervals resample. A metric that is a
 * mean over classes has such counts for each class.
 */

/** One sample's share of a metric: errors of characters, hits of one try. */
export interface Ratio {
  readonly numerator: number;
  /** At least 0. */
  readonly denominator: number;
  /** Of metrics that are means over classes, by the number of the class; then these are what is pooled. */
  readonly classes?: readonly ClassOverlap[];
}

/** Of one class: where it is found, where it is expected, where both. */
export interface ClassOverlap {
  /** Places where it is found and expected. */
  readonly shared: number;
  /** Places where it is found, expected, or both. */
  readonly union: number;
  readonly expected: number;
}

/**
 * Sum of numerators over sum of denominators (micro-average); of ratios with classes, the mean over the classes that are
 * expected anywhere of shared over union places, each summed over the samples.
 * @param drawn - numbers of the ratios to pool, some perhaps more than once; all by default
 * @returns NaN if all denominators are 0, or no class is expected
 */
export function pooledRatio(ratios: readonly Ratio[], drawn?: Uint32Array): number {
  const count = drawn?.length ?? ratios.length;
  if (ratios[0]?.classes) return meanOverClasses(ratios, count, drawn);
  let numerator = 0;
  let denominator = 0;
  for (let i = 0; i < count; i++) {
    const ratio = ratios[drawn ? drawn[i] : i];
    numerator += ratio.numerator;
    denominator += ratio.denominator;
  }
  return numerator / denominator;
}

/**
 * The share of the same sample if nothing of it were answered wrongly: the best that it can add to a metric.
 * @param better - which values of the metric are
 */
export function flawlessRatio({ denominator, classes }: Ratio, better: 'higher' | 'lower'): Ratio {
  return {
    numerator: better === 'higher' ? denominator : 0,
    denominator,
    ...(classes && {
      classes: classes.map(({ expected }) => ({ shared: expected, union: expected, expected })),
    }),
  };
}

function meanOverClasses(ratios: readonly Ratio[], count: number, drawn: Uint32Array | undefined): number {
  const sums: { shared: number; union: number; expected: number }[] = [];
  for (let i = 0; i < count; i++) {
    const { classes = [] } = ratios[drawn ? drawn[i] : i];
    for (const [k, { shared, union, expected }] of classes.entries()) {
      sums[k] ??= { shared: 0, union: 0, expected: 0 };
      sums[k].shared += shared;
      sums[k].union += union;
      sums[k].expected += expected;
    }
  }
  const expected = sums.filter((sum) => sum.expected > 0);
  return expected.reduce((total, { shared, union }) => total + shared / union, 0) / expected.length;
}
