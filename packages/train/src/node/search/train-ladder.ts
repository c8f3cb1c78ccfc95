/**
 * Training a ladder of units for a bundle: the head runs once, a search is trained within a number of steps or of minutes,
 * and what comes of it is measured. Everything but the clock follows from data and seed, and the number of steps that the
 * clock chose is kept, so that a search that was killed ends as it would have ended.
 */

import { createHash } from 'node:crypto';
import type { UnitSource } from '@featherwire/bundle/node';
import type { SplitSamples } from '@featherwire/calibration';
import type { ModelProto } from '@featherwire/onnx';
import { elementCount } from '@featherwire/tensor';
import {
  architectureName,
  createUnit,
  listArchitectures,
  type UnitArchitecture,
} from '../../search/architecture.js';
import { type RunResult, runSearch, type SearchRun } from '../../search/run-search.js';
import { planSearch, totalSteps } from '../../search/search-plan.js';
import type { StepReport } from '../../training/run-training.js';
import type { Schedule } from '../../training/schedule.js';
import type { RateKind, TrainingStep } from '../../training/step.js';
import type { Unit } from '../../units/unit.js';
import { trainUnit } from '../train-unit.js';
import { measureLadder, type TrainedPoint } from './measure-ladder.js';
import { openJournal, type SearchJournal } from './search-journal.js';
import { type OpenUnit, openUnit } from './trained-unit.js';
import { createTrainingTask, type TrainingTask } from './training-task.js';

/** What a step of training tells while it runs. */
export interface TrainingEvent {
  /** Steps of the whole search done and in all. */
  readonly done: number;
  readonly total: number;
  /** The run at hand. */
  readonly run: SearchRun;
  readonly architecture: string;
  readonly report: StepReport;
}

/** How a ladder is trained. */
export interface TrainLadderOptions {
  /** From the cut to the outputs, as a bundle has it. */
  readonly tail: ModelProto;
  /** The one tensor of the cut. */
  readonly cut: string;
  /** Features of all samples; those for design are trained on, with their copies. */
  readonly samples: SplitSamples;
  /** As in `TaskOptions`. */
  readonly labels?: boolean;
  /** As in `TaskOptions`. */
  readonly rate?: RateKind;
  /** Bytes of head and tail, which bounds the units. */
  readonly networkBytes: number;
  /** How long to train: steps in all, or minutes from which the number of steps is chosen on this machine. */
  readonly budget: { readonly steps: number } | { readonly minutes: number };
  /** Operating points to make, at most. */
  readonly pointCount: number;
  readonly seed: number;
  /** Threads inside one operator; with one a search that was killed ends in the same bits. */
  readonly threads: number;
  /** Where the state of the search is kept until it is done. */
  readonly directory: string;
  readonly progress?: { stage(label: string): void; progress(done: number, total: number): void };
  readonly onStep?: (event: TrainingEvent) => void;
  readonly signal: AbortSignal;
}

/** A trained ladder. */
export interface TrainedLadder {
  readonly units: readonly UnitSource[];
  /** From few bytes to many. */
  readonly points: readonly TrainedPoint[];
  /** Samples and changed copies of them that units were trained on, and whether their labels were a part of the loss. */
  readonly trainedOn: { readonly samples: number; readonly copies: number; readonly labels: boolean };
  readonly steps: number;
  readonly isResumed: boolean;
  readonly architecture: UnitArchitecture;
  /** Loss of each run on items not trained on. */
  readonly runs: readonly { readonly id: string; readonly architecture: string; readonly loss: number }[];
  /** Removes the state of the search; for when its result is safe. */
  discardState(): Promise<void>;
}

/** Largest share of the network that a unit may take. */
const UNIT_SHARE = 0.05;
const BYTES_PER_PARAMETER = 4;
/** Share of the minutes that is spent on steps; the rest is for the samples' losses, tables and measurements. */
const STEP_SHARE = 0.8;
/** Steps that a step is timed by, after some that warm the engine up. */
const TIMED_STEPS = { warmUp: 2, timed: 4 } as const;
const LEARNING_RATE = 2e-3;
const WARM_UP_SHARE = 0.1;
const ROUNDED_SHARE = 0.4;
/** Steps between two checkpoints. */
const CHECKPOINT_STEPS = 50;
const MS_PER_MINUTE = 60_000;

/**
 * Trains and measures. Where `directory` holds the state of the same search, it goes on from there.
 * @throws {TrainError} as `createTrainingTask`; `diverged`; `bad-checkpoint` if the directory is of another search
 * @throws {RangeError} if there are too few samples, or no unit fits feature and size; the signal's reason
 */
export async function trainLadder(options: TrainLadderOptions): Promise<TrainedLadder> {
  const started = performance.now();
  const task = await createTrainingTask(options);
  const architectures = listArchitectures(
    task.feature,
    (UNIT_SHARE * options.networkBytes) / BYTES_PER_PARAMETER,
  );
  const search = new LadderSearch(task, architectures, options);
  const journal = await openJournal(options.directory, search.identity, () => search.chooseSteps(started));
  const plan = planSearch({
    steps: journal.steps,
    architectures: architectures.length,
    rates: options.pointCount,
    latentElements: elementCount(search.units[0].latentShape),
  });
  const runs: { id: string; architecture: string; loss: number }[] = [];
  options.progress?.stage('train');
  const { ladder } = await runSearch(plan, async (run) => {
    const result = await search.train(run, totalSteps(plan), journal);
    runs.push({ id: run.id, architecture: search.nameOf(run), loss: result.loss });
    return result;
  });
  const opened: OpenUnit[] = [];
  try {
    for (const [rung, run] of ladder.entries()) {
      const { parameters } = (await journal.finished(run.id))!;
      const id = `${search.nameOf(run)}-${rung + 1}`;
      opened.push(await openUnit(search.units[run.architecture], parameters, { cut: options.cut, id }));
    }
    const points = await measureLadder(opened, options);
    const named = new Set(points.map(({ unit }) => unit));
    return {
      units: opened.map(({ source }) => source).filter(({ id }) => named.has(id)),
      points,
      trainedOn: {
        samples: options.samples.parts.design.length,
        copies: options.samples.copies.length,
        labels: options.labels ?? false,
      },
      steps: journal.steps,
      isResumed: journal.isResumed,
      architecture: architectures[ladder[0].architecture],
      runs,
      discardState: () => journal.discard(),
    };
  } finally {
    await Promise.all(opened.map((unit) => unit.close()));
  }
}

/** The runs of one search. */
class LadderSearch {
  readonly units: readonly Unit[];
  readonly #task: TrainingTask;
  readonly #architectures: readonly UnitArchitecture[];
  readonly #options: TrainLadderOptions;
  readonly #steps = new Map<number, TrainingStep>();

  constructor(task: TrainingTask, architectures: readonly UnitArchitecture[], options: TrainLadderOptions) {
    this.#task = task;
    this.#architectures = architectures;
    this.#options = options;
    this.units = architectures.map((architecture) => createUnit(architecture, task.feature));
  }

  /** Everything that the search follows from. */
  get identity(): string {
    const { seed, pointCount, budget, rate = 'factorized-prior' } = this.#options;
    const architectures = this.#architectures.map(architectureName);
    const settings = [this.#task.sha256, architectures, seed, pointCount, budget, rate];
    return createHash('sha256').update(JSON.stringify(settings)).digest('hex');
  }

  nameOf({ architecture }: SearchRun): string {
    return architectureName(this.#architectures[architecture]);
  }

  /** Steps that fit the budget, by the time of some steps of the first architecture. */
  async chooseSteps(started: number): Promise<number> {
    const { budget } = this.#options;
    if ('steps' in budget) return budget.steps;
    const times: number[] = [];
    await this.#run(0, {
      lambda: 0,
      schedule: scheduleOf(TIMED_STEPS.warmUp + TIMED_STEPS.timed),
      onStep: () => times.push(performance.now()),
    });
    const stepMs = (times[times.length - 1] - times[TIMED_STEPS.warmUp - 1]) / TIMED_STEPS.timed;
    const leftMs = budget.minutes * MS_PER_MINUTE - (performance.now() - started);
    return Math.max(1, Math.floor((STEP_SHARE * leftMs) / stepMs));
  }

  /** Does a run, or takes its result from the journal. */
  async train(run: SearchRun, total: number, journal: SearchJournal): Promise<RunResult> {
    const { onStep } = this.#options;
    const known = await journal.finished(run.id);
    if (known) return known;
    const start = run.start === null ? undefined : (await journal.finished(run.start))?.parameters;
    const architecture = this.nameOf(run);
    const { parameters } = await this.#run(run.architecture, {
      lambda: run.lambda,
      freeBits: run.freeBits,
      schedule: scheduleOf(run.steps),
      ...(start && { start }),
      checkpoint: { file: journal.checkpointFile(run.id), everySteps: CHECKPOINT_STEPS },
      onStep: (report) => onStep?.({ done: run.stepsBefore + report.step, total, run, architecture, report }),
    });
    const result = await this.#heldOutResult(run, parameters);
    await journal.finish(run.id, { ...result, parameters });
    return result;
  }

  /** Means with rounded latents: a run that moves no parameter tells them step by step. */
  async #heldOutResult(
    { architecture, lambda, freeBits }: SearchRun,
    start: Float32Array,
  ): Promise<RunResult> {
    const { heldOut } = this.#task;
    const stepCount = Math.floor(heldOut.count / this.#stepOf(architecture).batchSize);
    const sums = { loss: 0, rate: 0 };
    await this.#run(architecture, {
      data: heldOut,
      lambda,
      freeBits,
      start,
      schedule: { stepCount, learningRate: 0, warmUpSteps: 0, roundedShare: 1 },
      onStep: ({ loss, rate }) => {
        sums.loss += loss;
        sums.rate += rate;
      },
    });
    return { loss: sums.loss / stepCount, rate: sums.rate / stepCount };
  }

  #run(
    architecture: number,
    settings: Omit<Parameters<typeof trainUnit>[0], 'step' | 'data' | 'seed'> & {
      data?: TrainingTask['training'];
    },
  ) {
    const { seed, threads, signal } = this.#options;
    const step = this.#stepOf(architecture);
    return trainUnit({ data: this.#task.training, ...settings, step, seed, threads, signal });
  }

  #stepOf(architecture: number): TrainingStep {
    const known = this.#steps.get(architecture) ?? this.#task.stepOf(this.units[architecture]);
    this.#steps.set(architecture, known);
    return known;
  }
}

function scheduleOf(stepCount: number): Schedule {
  return {
    stepCount,
    learningRate: LEARNING_RATE,
    warmUpSteps: Math.ceil(WARM_UP_SHARE * stepCount),
    roundedShare: ROUNDED_SHARE,
  };
}
