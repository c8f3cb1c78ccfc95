/**
 * The trace that onnxruntime's profiler writes: a JSON list of events with start and duration in microseconds
 * (Chrome's trace event format). Of each run the steps are kept that are no part of another one: an `If` or a `Loop` is
 * one step, whatever its body does.
 */

import type { StepProfile } from '../model-profile.js';

/** How the event of a whole run is named. */
const RUN_EVENT = 'model_run';
/** What the engine puts behind the name of a step that computes. */
const STEP_SUFFIX = '_kernel_time';

/** An event of the trace, as far as it is read. */
interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: { readonly op_name?: string; readonly output_size?: string };
}

/** What a trace says of a run. */
export interface TracedRun {
  /** Medians of the steps over the runs. */
  readonly steps: readonly StepProfile[];
  /** Median of a run's time before its first step and after its last one, in milliseconds. */
  readonly fixedMs: number;
}

/**
 * Medians over the last runs of a trace.
 * @param text - the trace file
 * @param runs - number of runs at the end of the trace that count, from 1
 * @throws {RangeError} if the trace holds fewer runs, or they differ in their steps
 */
export function readTrace(text: string, runs: number): TracedRun {
  const events = JSON.parse(text) as readonly TraceEvent[];
  const spans = events.filter(({ cat, name }) => cat === 'Session' && name === RUN_EVENT).slice(-runs);
  if (spans.length < runs) throw new RangeError(`trace expected ${runs} runs, got ${spans.length}`);
  const nodes = events
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith(STEP_SUFFIX))
    .sort((a, b) => a.ts - b.ts);
  const stepsOfRuns = spans.map(({ ts, dur }) =>
    outermost(nodes.filter((event) => event.ts >= ts && event.ts <= ts + dur)),
  );
  const [first] = stepsOfRuns;
  if (stepsOfRuns.some((steps) => !sameNames(steps, first))) {
    throw new RangeError('trace expected the same steps in every run, got different ones');
  }
  const steps = first.map(({ name, args }, at) => ({
    name: name.slice(0, -STEP_SUFFIX.length),
    opType: args?.op_name ?? '',
    ms: median(stepsOfRuns.map((ofRun) => ofRun[at].dur)) / 1000,
    outputBytes: Number(args?.output_size ?? 0),
  }));
  const around = spans.map(({ dur }, at) => dur - spanOf(stepsOfRuns[at]));
  return { steps, fixedMs: median(around) / 1000 };
}

/** Scales the steps so that they fill the run: the profiler's own time lies between them. */
export function fitToRun({ steps, fixedMs: around }: TracedRun, runMs: number): TracedRun {
  const sum = steps.reduce((total, { ms }) => total + ms, 0);
  const fixedMs = sum === 0 ? runMs : Math.min(around, runMs);
  return { steps: steps.map((step) => ({ ...step, ms: (step.ms * (runMs - fixedMs)) / sum })), fixedMs };
}

/** From the begin of the first step to the end of the last one. */
function spanOf(steps: readonly TraceEvent[]): number {
  const last = steps.at(-1);
  return last ? last.ts + last.dur - steps[0].ts : 0;
}

/** Leaves out what begins before the last step kept has ended: it is part of that one. */
function outermost(sorted: readonly TraceEvent[]): TraceEvent[] {
  const kept: TraceEvent[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const event of sorted) {
    if (event.ts < end) continue;
    kept.push(event);
    end = event.ts + event.dur;
  }
  return kept;
}

function sameNames(a: readonly TraceEvent[], b: readonly TraceEvent[]): boolean {
  return a.length === b.length && a.every(({ name }, at) => name === b[at].name);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
