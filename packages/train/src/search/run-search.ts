/** The order of the runs of a search. What a run is, and where its result is kept, is the caller's. */

import type { SearchPlan } from './search-plan.js';

/** One run of training. */
export interface SearchRun {
  /** Unique in the search, and the same whenever the search is taken up again. */
  readonly id: string;
  /** Position among the architectures. */
  readonly architecture: number;
  readonly lambda: number;
  readonly steps: number;
  /** Id of the run whose parameters it begins with; null for new ones. */
  readonly start: string | null;
  /** Steps of all runs before it. */
  readonly stepsBefore: number;
}

/** What a search comes to. */
export interface SearchOutcome {
  /** The ladder's runs, from fine to coarse. */
  readonly ladder: readonly SearchRun[];
  /** Losses of the runs that compared architectures, by id. */
  readonly compared: ReadonlyMap<string, number>;
}

/**
 * Runs a search.
 * @param train - does one run and gives its loss on items that it was not trained on; runs come one after another
 */
export async function runSearch(
  plan: SearchPlan,
  train: (run: SearchRun) => Promise<number>,
): Promise<SearchOutcome> {
  let stepsBefore = 0;
  const next = async (run: Omit<SearchRun, 'stepsBefore'>): Promise<{ run: SearchRun; loss: number }> => {
    const whole = { ...run, stepsBefore };
    const loss = await train(whole);
    stepsBefore += run.steps;
    return { run: whole, loss };
  };
  const compared = new Map<string, number>();
  let best: { architecture: number; start: string | null } = { architecture: 0, start: null };
  let alive = Array.from({ length: plan.rounds[0]?.architectures ?? 0 }, (_, architecture) => ({
    architecture,
    start: null as string | null,
  }));
  for (const [round, { steps, architectures }] of plan.rounds.entries()) {
    const results: { architecture: number; start: string; loss: number }[] = [];
    for (const { architecture, start } of alive.slice(0, architectures)) {
      const id = `round-${round}-${architecture}`;
      const { loss } = await next({ id, architecture, lambda: plan.roundLambda, steps, start });
      compared.set(id, loss);
      results.push({ architecture, start: id, loss });
    }
    alive = results.sort((a, b) => a.loss - b.loss);
    best = alive[0];
  }
  const ladder: SearchRun[] = [];
  for (const [rung, lambda] of plan.lambdas.entries()) {
    const { architecture } = best;
    const start = ladder.at(-1)?.id ?? best.start;
    const steps = rung === 0 ? plan.longSteps : plan.shortSteps;
    const { run } = await next({ id: `rung-${rung}`, architecture, lambda, steps, start });
    ladder.push(run);
  }
  return { ladder, compared };
}
