/**
 * The entropy-constrained scalar quantizer: levels and thresholds that minimise J = D + lambda · R by Lloyd's
 * iteration (Chou, Lookabaugh and Gray, "Entropy-constrained vector quantization", 1989), with paper B's option of
 * outer levels that stay at the clip limits (papers.md 2.5). D is the mean squared error of the clipped values in
 * the square of their unit, R the entropy of the indices in bits per element, lambda their exchange rate.
 * Encoding only.
 */

import {
  type CellMoments,
  cellMoments,
  clipDistribution,
  entropyBits,
  type ValueDistribution,
} from './distribution.js';
import { lowerEnvelope } from './lower-envelope.js';

/** Most levels that the format takes (bitstream.md §4). */
const MAX_LEVELS = 256;
const MAX_ROUNDS = 4_000;
/** Relative change of J that ends the iteration. */
const TOLERANCE = 1e-14;
/** Cells with less mass are empty: one value in 2^40. */
const EMPTY_MASS = 2 ** -40;

/** What to design. */
export interface LevelDesignOptions {
  /** Levels to begin with, 2 to 256; empty ones are dropped. */
  readonly levelCount: number;
  /** Squared error that a bit per element may cost; 0 (default) gives a Lloyd-Max quantizer. */
  readonly lambda?: number;
  /** Clip limits, low below high. */
  readonly low: number;
  readonly high: number;
  /** `pinned` (default) keeps the outer levels at the clip limits, `free` moves them to their cells' means. */
  readonly ends?: 'pinned' | 'free';
}

/** A designed quantizer; `{ kind: 'levels', levels, thresholds }` codes with it. */
export interface LevelDesign {
  /** float32 values, strictly ascending, 2 or more, at most as many as asked for. */
  readonly levels: readonly number[];
  /** float32 values, strictly ascending, one less than levels; the index of x is the number at or below x. */
  readonly thresholds: readonly number[];
  /** Estimated bits per element. */
  readonly rate: number;
  /** Mean squared error of the clipped values: D. */
  readonly quantError: number;
  /** Mean squared error of the values as they are. */
  readonly totalError: number;
}

/** Levels of one round, with the length of each one's code in bits. */
interface Codebook {
  readonly levels: readonly number[];
  readonly bits: readonly number[];
  /** True for levels that do not move. */
  readonly pinned: readonly boolean[];
}

/** A codebook without empty cells, and what its cells hold. */
interface Round {
  readonly codebook: Codebook;
  readonly thresholds: readonly number[];
  readonly moments: CellMoments;
  /** J. */
  readonly cost: number;
}

/**
 * Designs levels for a distribution. The iteration ends in a local minimum; it begins with uniform levels once
 * with the lengths of truncated unary codes, as paper B does, once with those of the uniform cells, and the better
 * end is taken.
 * @param distribution - of a model, of statistics, or of values
 * @throws {RangeError} if an option is out of range
 */
export function designLevels(distribution: ValueDistribution, options: LevelDesignOptions): LevelDesign {
  checkOptions(options);
  const { levelCount, lambda = 0, low, high, ends = 'pinned' } = options;
  const clipped = clipDistribution(distribution, low, high);
  const levels = Array.from({ length: levelCount }, (_, i) => low + ((high - low) * i) / (levelCount - 1));
  const pinned = levels.map((_, i) => ends === 'pinned' && (i === 0 || i === levelCount - 1));
  const unary = levels.map((_, i) => Math.min(i + 1, levelCount - 1));
  const uniform = { levels, bits: levels.map(() => 1), pinned };
  const fromUnary = iterate(clipped, assign(clipped, { ...uniform, bits: unary }, lambda), lambda);
  const fromEven = iterate(clipped, assign(clipped, uniform, lambda), lambda);
  const best = fromEven.cost < fromUnary.cost ? fromEven : fromUnary;
  const rounded = inFloat32(best);
  const halves = {
    levels: [Math.fround(low), Math.fround(high)],
    thresholds: [Math.fround((low + high) / 2)],
  };
  return describe(distribution, clipped, rounded.levels.length < 2 ? halves : rounded);
}

function checkOptions({ levelCount, lambda = 0, low, high }: LevelDesignOptions): void {
  if (!Number.isInteger(levelCount) || levelCount < 2 || levelCount > MAX_LEVELS) {
    throw new RangeError(`levelCount expected an integer from 2 to ${MAX_LEVELS}, got ${levelCount}`);
  }
  if (!(lambda >= 0 && Number.isFinite(lambda)))
    throw new RangeError(`lambda expected a number of at least 0, got ${lambda}`);
  if (!(Number.isFinite(low) && Number.isFinite(high) && Math.fround(low) < Math.fround(high)))
    throw new RangeError(`limits expected low < high, got ${low} to ${high}`);
}

/** The end of the iteration, or the last round with two cells. */
function iterate(clipped: ValueDistribution, start: Round, lambda: number): Round {
  let round = start;
  for (let count = 0; count < MAX_ROUNDS; count++) {
    const next = assign(clipped, update(round), lambda);
    const { length } = next.codebook.levels;
    if (length < 2) return round;
    const settled = Math.abs(next.cost - round.cost) <= TOLERANCE * round.cost;
    if (settled && length === round.codebook.levels.length) return next;
    round = next;
  }
  return round;
}

/** Levels at the means of their cells, codes as long as the cells' shares say. */
function update({ codebook: { levels, pinned }, moments: { mass, first } }: Round): Codebook {
  return {
    levels: levels.map((level, i) => (pinned[i] ? level : first[i] / mass[i])),
    bits: levels.map((_, i) => -Math.log2(mass[i])),
    pinned,
  };
}

/** Gives each value to the level of least cost, and drops levels that get none. */
function assign(clipped: ValueDistribution, codebook: Codebook, lambda: number): Round {
  let { kept, thresholds } = lowerEnvelope(codebook, lambda);
  let moments = cellMoments(clipped, thresholds);
  const held = [...kept.keys()].filter((i) => moments.mass[i] > EMPTY_MASS);
  if (held.length < kept.length) {
    thresholds = held.slice(1).map((i) => thresholds[i - 1]);
    kept = held.map((i) => kept[i]);
    moments = cellMoments(clipped, thresholds);
  }
  const levels = kept.map((i) => codebook.levels[i]);
  const bits = kept.map((i) => codebook.bits[i]);
  const pinned = kept.map((i) => codebook.pinned[i]);
  const cost = squaredError(levels, moments) + lambda * entropyBits(moments.mass);
  return { codebook: { levels, bits, pinned }, thresholds, moments, cost };
}

/**
 * Mean squared error and estimated rate of a quantizer.
 * @param levels - ascending @param thresholds - ascending, one less than levels
 */
export function measureLevels(
  distribution: ValueDistribution,
  levels: readonly number[],
  thresholds: readonly number[],
): { readonly error: number; readonly rate: number } {
  const moments = cellMoments(distribution, thresholds);
  return { error: squaredError(levels, moments), rate: entropyBits(moments.mass) };
}

function squaredError(levels: readonly number[], { mass, first, second }: CellMoments): number {
  const error = levels.reduce(
    (sum, level, i) => sum + second[i] - 2 * level * first[i] + level * level * mass[i],
    0,
  );
  return Math.max(0, error);
}

/** Levels and thresholds in float32, where those that have become equal are one. */
function inFloat32(round: Round): { levels: number[]; thresholds: number[] } {
  const levels = [Math.fround(round.codebook.levels[0])];
  const thresholds: number[] = [];
  for (let i = 1; i < round.codebook.levels.length; i++) {
    const level = Math.fround(round.codebook.levels[i]);
    const threshold = Math.fround(round.thresholds[i - 1]);
    const before = thresholds.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (level <= levels[levels.length - 1] || threshold <= before) continue;
    levels.push(level);
    thresholds.push(threshold);
  }
  return { levels, thresholds };
}

function describe(
  distribution: ValueDistribution,
  clipped: ValueDistribution,
  { levels, thresholds }: { levels: readonly number[]; thresholds: readonly number[] },
): LevelDesign {
  const inside = measureLevels(clipped, levels, thresholds);
  const totalError = measureLevels(distribution, levels, thresholds).error;
  return { levels, thresholds, rate: inside.rate, quantError: inside.error, totalError };
}
