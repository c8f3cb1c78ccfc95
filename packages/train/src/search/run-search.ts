/** The order of the runs of a search. What a run is, and where its result is kept, is the caller's. */

import type { SearchPlan } from './search-plan.js';

/** One run of training. */
export interface SearchRun {
  /** Unique in the search, and the same whenever the search is taken up again. */
  readonly id: string;
  /** Position among the architectures. */
  readonly architecture: number;
  readonly lambda: number;
  /** Estimated bits of an item that cost nothing. */
  readonly freeBits: number;
  readonly steps: number;
  /** Id of the run whose parameters it begins with; null for new ones. */
  readonly start: string | null;
  /** Steps of all runs before it. */
  readonly stepsBefore: number;
}

/** What a run came to, on items that it was not trained on. */
export interface RunResult {
  readonly loss: number;
  /** Estimated bits of an item. */
  readonly rate: number;
}

/** What a search comes to. */
export interface SearchOutcome {
  /** The ladder's runs, from fine to coarse. */
  readonly ladder: readonly SearchRun[];
}

/**
 * Runs a search.
 * @param train - does one run; runs come one after another
 */
export async function runSearch(
  plan: SearchPlan,
  train: (run: SearchRun) => Promise<RunResult>,
): Promise<SearchOutcome> {
  const inOrder = countingSteps(train);
  const best = await compareArchitectures(plan, inOrder);
  const { balancedLambda, steepLambda, longSteps, shortSteps } = plan;
  const balanced = { lambda: balancedLambda, freeBits: 0, steps: longSteps };
  const long = await inOrder({ id: LONG_RUN, ...best, ...balanced });
  const ladder: SearchRun[] = [];
  for (const [rung, share] of plan.rates.entries()) {
    const freeBits = share * long.result.rate;
    const start = ladder.at(-1)?.id ?? LONG_RUN;
    const settings = { lambda: steepLambda, freeBits, steps: shortSteps };
    const { run } = await inOrder({
      id: `rung-${rung}`,
      architecture: best.architecture,
      start,
      ...settings,
    });
    ladder.push(run);
  }
  return { ladder };
}

const LONG_RUN = 'long';

type TrainInOrder = (
  run: Omit<SearchRun, 'stepsBefore'>,
) => Promise<{ readonly run: SearchRun; readonly result: RunResult }>;

function countingSteps(train: (run: SearchRun) => Promise<RunResult>): TrainInOrder {
  let stepsBefore = 0;
  return async (run) => {
    const whole = { ...run, stepsBefore };
    const result = await train(whole);
    stepsBefore += run.steps;
    return { run: whole, result };
  };
}

/** Halves the architectures from round to round. @returns the best, and the run that it goes on from */
async function compareArchitectures(
  { rounds, balancedLambda: lambda }: SearchPlan,
  train: TrainInOrder,
): Promise<Pick<SearchRun, 'architecture' | 'start'>> {
  let alive = Array.from({ length: rounds[0]?.architectures ?? 1 }, (_, architecture) => ({
    architecture,
    start: null as string | null,
  }));
  for (const [round, { steps, architectures }] of rounds.entries()) {
    const results: { architecture: number; start: string; loss: number }[] = [];
    for (const { architecture, start } of alive.slice(0, architectures)) {
      const id = `round-${round}-${architecture}`;
      const { result } = await train({ id, architecture, lambda, freeBits: 0, steps, start });
      results.push({ architecture, start: id, loss: result.loss });
    }
    alive = results.sort((a, b) => a.loss - b.loss);
  }
  const [{ architecture, start }] = alive;
  return { architecture, start };
}
