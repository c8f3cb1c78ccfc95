/**
 * Distributions of feature values as design needs them: pieces of exponential or uniform density and masses at
 * single values. Activation models and measured histograms both have this form, so that errors and rates are
 * computed by one code, exactly. The sums are derived in docs/notes/range-design.md. Encoding only.
 */

/** Density `scale · exp(-rate · (y - anchor))` on [from, to). */
export interface DensityPiece {
  /** -Infinity only if `rate` is negative. */
  readonly from: number;
  /** +Infinity only if `rate` is positive. */
  readonly to: number;
  /** Finite. */
  readonly anchor: number;
  readonly scale: number;
  readonly rate: number;
}

/** A mass at one value. */
export interface PointMass {
  readonly value: number;
  readonly mass: number;
}

/** A distribution; masses and pieces sum to 1. */
export interface ValueDistribution {
  /** Ascending, without overlap. */
  readonly pieces: readonly DensityPiece[];
  /** Ascending. */
  readonly masses: readonly PointMass[];
}

/** Integrals of the density, of (y - about) and of (y - about)² under it. */
export interface Moments {
  readonly mass: number;
  readonly first: number;
  readonly second: number;
}

/** Share of the mass that tails may hold beyond the support: e^-36. */
const TAIL_EXPONENT = 36;
/** Up to this span of the exponent the quadrature is exact to the last digits of a double. */
const QUADRATURE_SPAN = 2;
/** Positive nodes of Gauss-Legendre quadrature with 10 nodes, and their weights (Abramowitz and Stegun, 25.4). */
const NODES = [
  0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717,
];
const WEIGHTS = [
  0.2955242247147529, 0.2692667193099963, 0.219086362515982, 0.1494513491505806, 0.0666713443086881,
];

/** Integrals over [from, to), which must lie in the piece. @param about - finite */
export function momentsOfPiece(piece: DensityPiece, from: number, to: number, about: number): Moments {
  const { rate, scale } = piece;
  if (!(to > from)) return { mass: 0, first: 0, second: 0 };
  if (rate === 0) return uniformMoments(scale, from, to, about);
  if (Math.abs(rate) * (to - from) <= QUADRATURE_SPAN) return quadrature(piece, from, to, about);
  const upper = antiderivatives(piece, to, about);
  const lower = antiderivatives(piece, from, about);
  return {
    mass: upper.mass - lower.mass,
    first: upper.first - lower.first,
    second: upper.second - lower.second,
  };
}

function uniformMoments(scale: number, from: number, to: number, about: number): Moments {
  const mass = scale * (to - from);
  const distance = (from + to) / 2 - about;
  return {
    mass,
    first: mass * distance,
    second: mass * (distance * distance + ((to - from) * (to - from)) / 12),
  };
}

/** The closed form of short integrals would cancel. */
function quadrature({ rate, scale, anchor }: DensityPiece, from: number, to: number, about: number): Moments {
  const center = (from + to) / 2;
  const half = (to - from) / 2;
  let mass = 0;
  let first = 0;
  let second = 0;
  for (let node = 0; node < NODES.length; node++) {
    for (let sign = -1; sign <= 1; sign += 2) {
      const y = center + sign * half * NODES[node];
      const share = WEIGHTS[node] * Math.exp(-rate * (y - anchor));
      mass += share;
      first += share * (y - about);
      second += share * (y - about) * (y - about);
    }
  }
  const factor = scale * half;
  return { mass: mass * factor, first: first * factor, second: second * factor };
}

/** At ± infinity, where the density ends, they are 0. */
function antiderivatives({ rate, scale, anchor }: DensityPiece, y: number, about: number): Moments {
  if (!Number.isFinite(y)) return { mass: 0, first: 0, second: 0 };
  const density = -scale * Math.exp(-rate * (y - anchor));
  const d = y - about;
  return {
    mass: density / rate,
    first: (density * (d + 1 / rate)) / rate,
    second: (density * (d * d + (2 * d + 2 / rate) / rate)) / rate,
  };
}

/** Mean and variance. */
export function meanAndVariance(distribution: ValueDistribution): { mean: number; variance: number } {
  const raw = momentsAbout(distribution, 0);
  const mean = raw.first / raw.mass;
  return { mean, variance: momentsAbout(distribution, mean).second / raw.mass };
}

function momentsAbout({ pieces, masses }: ValueDistribution, about: number): Moments {
  const sum = { mass: 0, first: 0, second: 0 };
  const add = (part: Moments): void => {
    sum.mass += part.mass;
    sum.first += part.first;
    sum.second += part.second;
  };
  for (const piece of pieces) add(momentsOfPiece(piece, piece.from, piece.to, about));
  for (const point of masses) add(momentsOfPoint(point, about));
  return sum;
}

function momentsOfPoint({ value, mass }: PointMass, about: number): Moments {
  return { mass, first: mass * (value - about), second: mass * (value - about) * (value - about) };
}

/** Where the mass lies; infinite tails end where a share of e^-36 is left. NaN if there is no mass. */
export function supportOf({ pieces, masses }: ValueDistribution): { low: number; high: number } {
  const ends = masses.map(({ value }) => value);
  for (const { from, to, anchor, rate } of pieces) {
    ends.push(Number.isFinite(from) ? from : anchor + TAIL_EXPONENT / rate);
    ends.push(Number.isFinite(to) ? to : anchor + TAIL_EXPONENT / rate);
  }
  if (ends.length === 0) return { low: Number.NaN, high: Number.NaN };
  return ends.reduce((range, end) => ({ low: Math.min(range.low, end), high: Math.max(range.high, end) }), {
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
  });
}

/** Each sample as a mass of its own. @param values - finite, at least one; not modified */
export function distributionOfValues(values: Float32Array): ValueDistribution {
  const sorted = values.slice().sort();
  const masses: { value: number; mass: number }[] = [];
  for (const value of sorted) {
    const last = masses[masses.length - 1];
    if (last && last.value === value) last.mass += 1 / sorted.length;
    else masses.push({ value, mass: 1 / sorted.length });
  }
  return { pieces: [], masses };
}

/** The distribution of the values clipped to [low, high]: what lies outside becomes masses at the limits. */
export function clipDistribution(
  distribution: ValueDistribution,
  low: number,
  high: number,
): ValueDistribution {
  const inside = distribution.masses.filter(({ value }) => value > low && value < high);
  const below = cellMoments(distribution, [low]);
  const above = cellMoments(distribution, [high]);
  const masses = [{ value: low, mass: below.mass[0] + massAt(distribution, low) }, ...inside];
  masses.push({ value: high, mass: above.mass[1] });
  const pieces = distribution.pieces
    .filter(({ from, to }) => to > low && from < high)
    .map((piece) => ({ ...piece, from: Math.max(piece.from, low), to: Math.min(piece.to, high) }));
  return { pieces, masses: masses.filter(({ mass }) => mass > 0) };
}

function massAt({ masses }: ValueDistribution, value: number): number {
  return masses.reduce((sum, point) => (point.value === value ? sum + point.mass : sum), 0);
}

/** Integrals about 0 of each cell. */
export interface CellMoments {
  readonly mass: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
}

/**
 * Integrals about 0 over the cells between thresholds.
 * @param thresholds - ascending; cell i is [thresholds[i - 1], thresholds[i])
 * @returns one entry more than there are thresholds
 */
export function cellMoments(distribution: ValueDistribution, thresholds: readonly number[]): CellMoments {
  const mass = new Float64Array(thresholds.length + 1);
  const first = new Float64Array(mass.length);
  const second = new Float64Array(mass.length);
  const add = (cell: number, part: Moments): void => {
    mass[cell] += part.mass;
    first[cell] += part.first;
    second[cell] += part.second;
  };
  let cell = 0;
  for (const piece of distribution.pieces) {
    while (cell < thresholds.length && thresholds[cell] <= piece.from) cell++;
    let from = piece.from;
    // The last cell that a piece reaches may hold the start of the next piece too.
    for (; cell < thresholds.length && thresholds[cell] < piece.to; cell++) {
      add(cell, momentsOfPiece(piece, from, thresholds[cell], 0));
      from = thresholds[cell];
    }
    add(cell, momentsOfPiece(piece, from, piece.to, 0));
  }
  cell = 0;
  for (const point of distribution.masses) {
    while (cell < thresholds.length && thresholds[cell] <= point.value) cell++;
    add(cell, momentsOfPoint(point, 0));
  }
  return { mass, first, second };
}

/** Bits per element of an ideal order-0 code for cells of these masses. */
export function entropyBits(masses: Float64Array): number {
  let bits = 0;
  for (const mass of masses) if (mass > 0) bits -= mass * Math.log2(mass);
  return bits;
}
