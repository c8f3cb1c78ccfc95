/**
 * How the steps of a search are spent: successive halving (Jamieson and Talwalkar, 2016) over architectures at one rate, a
 * long run of the best one at the finest rate, then a short run for each coarser rate that goes on from the one before.
 * The plan follows from the number of steps alone, so that a search that is taken up again is the same search.
 */

/** What is spent where. */
export interface SearchPlan {
  /** Architectures of each round with the steps of each; empty if there are too few steps to compare. */
  readonly rounds: readonly { readonly architectures: number; readonly steps: number }[];
  /** Steps of the first run of the ladder. */
  readonly longSteps: number;
  /** Steps of each further run. */
  readonly shortSteps: number;
  /** Weight of the rate in each run of the ladder, from fine to coarse. */
  readonly lambdas: readonly number[];
  /** Weight of the rate while architectures are compared. */
  readonly roundLambda: number;
}

/** What a plan is made for. */
export interface SearchSize {
  /** Steps in all, from 1. */
  readonly steps: number;
  /** Architectures that are there to compare. */
  readonly architectures: number;
  /** Rates of the ladder, from 1. */
  readonly rates: number;
  /** Elements of a latent, which the weight of the rate is set by. */
  readonly latentElements: number;
}

/** Share of the steps for comparing architectures. */
const ROUNDS_SHARE = 0.3;
/** Share of the other steps for the long run. */
const LONG_SHARE = 0.5;
/** Fewest steps after which architectures can be told apart. */
const LEAST_ROUND_STEPS = 60;
const MOST_ARCHITECTURES = 4;
/**
 * Relative distortion at the ends of the ladder. Where components are coded independently at their best, distortion falls
 * by a factor of four for each bit of each of n elements: its slope is -2 ln 2 · distortion / n, and lambda is set to that.
 */
const DISTORTION = { fine: 0.01, coarse: 0.16 } as const;

/** Makes the plan. @throws {RangeError} if a number is not a positive integer */
export function planSearch({ steps, architectures, rates, latentElements }: SearchSize): SearchPlan {
  for (const [name, value] of Object.entries({ steps, architectures, rates, latentElements })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new RangeError(`${name} expected a positive integer, got ${value}`);
  }
  const rounds = planRounds(Math.floor(steps * ROUNDS_SHARE), Math.min(architectures, MOST_ARCHITECTURES));
  const spent = rounds.reduce((sum, round) => sum + round.architectures * round.steps, 0);
  const left = steps - spent;
  const shortSteps = rates > 1 ? Math.max(1, Math.floor((left * (1 - LONG_SHARE)) / (rates - 1))) : 0;
  const lambdaAt = (position: number): number => {
    const distortion = DISTORTION.fine * (DISTORTION.coarse / DISTORTION.fine) ** position;
    return (2 * Math.LN2 * distortion) / latentElements;
  };
  return {
    rounds,
    longSteps: Math.max(1, left - shortSteps * (rates - 1)),
    shortSteps,
    lambdas: Array.from({ length: rates }, (_, i) => lambdaAt(rates > 1 ? i / (rates - 1) : 0.5)),
    roundLambda: lambdaAt(0.5),
  };
}

/** Steps of all runs together. */
export function totalSteps({ rounds, longSteps, shortSteps, lambdas }: SearchPlan): number {
  const compared = rounds.reduce((sum, round) => sum + round.architectures * round.steps, 0);
  return compared + longSteps + shortSteps * (lambdas.length - 1);
}

/** Rounds of equal cost, each with half the architectures of the one before; fewer architectures if steps are few. */
function planRounds(budget: number, architectures: number): SearchPlan['rounds'] {
  for (let count = architectures; count > 1; count--) {
    const sizes: number[] = [];
    for (let left = count; left > 1; left = Math.ceil(left / 2)) sizes.push(left);
    const rounds = sizes.map((size) => ({
      architectures: size,
      steps: Math.floor(budget / sizes.length / size),
    }));
    if (rounds[0].steps >= LEAST_ROUND_STEPS) return rounds;
  }
  return [];
}
