/** Sweeps over methods and settings: every method codes every sample, and accuracy is that of what its bytes decode to. */

import { type ProgramTimes, sumOfPrograms } from '../baselines/features/external-tools.js';
import { type BootstrapOptions, bootstrapDifference, bootstrapRatio } from '../metrics/bootstrap.js';
import { bitsPerElement } from '../metrics/rate-units.js';
import type { Ratio } from '../metrics/ratio.js';
import { ratiosWithExit, type ScoredExitAnswer } from '../split/exit.js';
import type { Journal } from './journal.js';
import { type CodedSamples, type SampleCoder, sampleCoderOf } from './sample-coder.js';
import type { RowExit, SkippedMethod, SweepRow } from './sweep-row.js';
import type { SweepMethod, SweepSubject } from './sweep-subject.js';

/** What a sweep gives for a method. */
export type SweepOutcome =
  | { readonly kind: 'measured'; readonly row: SweepRow }
  | { readonly kind: 'skipped'; readonly skipped: SkippedMethod };

/** How a sweep runs. */
export interface SweepOptions {
  /** Takes rows from here that are there, and puts new ones. Without it nothing is resumed. */
  readonly journal?: Journal<SweepRow>;
  /** Samples whose features are held at a time; 64 by default. */
  readonly batchSize?: number;
  readonly bootstrap?: BootstrapOptions;
  readonly signal?: AbortSignal;
  /** Called after each batch of a method. */
  readonly onProgress?: (progress: SweepProgress) => void;
}

/** Where a sweep is. */
export interface SweepProgress {
  readonly method: string;
  /** Methods done before this one. */
  readonly methodsDone: number;
  readonly methodCount: number;
  readonly samplesDone: number;
  readonly sampleCount: number;
}

const DEFAULT_BATCH_SIZE = 64;

/**
 * Measures methods one after the other. A method that cannot be had gives its reason.
 * @throws whatever the subject throws, and what a method throws on features that it should take
 */
export async function* sweep(
  subject: SweepSubject,
  methods: readonly SweepMethod[],
  options: SweepOptions = {},
): AsyncGenerator<SweepOutcome> {
  for (const [methodsDone, method] of methods.entries()) {
    options.signal?.throwIfAborted();
    const key = journalKey(subject, method);
    const known = options.journal?.get(key);
    if (known) {
      yield { kind: 'measured', row: { ...known, subject: subject.name } };
      continue;
    }
    const { family, name } = method;
    const coder = await sampleCoderOf(subject, method);
    if ('skip' in coder) {
      const skipped = { subject: subject.name, family, method: name, reason: coder.skip };
      yield { kind: 'skipped', skipped };
      continue;
    }
    const counts = { methodsDone, methodCount: methods.length };
    const row = await measureMethod(subject, method, coder, { ...options, ...counts });
    await options.journal?.put(key, row);
    yield { kind: 'measured', row };
  }
}

/** Inputs do not know of the cut: subjects of one network and data have their rows in common. */
function journalKey(subject: SweepSubject, { kind, name }: SweepMethod): string {
  const input = kind === 'picture' ? subject.pictures : kind === 'array' ? subject.arrays : undefined;
  const of = input?.source ?? subject.name;
  return `${of} / ${name}`;
}

type MeasureOptions = SweepOptions & Pick<SweepProgress, 'methodsDone' | 'methodCount'>;

async function measureMethod(
  subject: SweepSubject,
  { family, name }: SweepMethod,
  coder: SampleCoder,
  { batchSize = DEFAULT_BATCH_SIZE, signal, onProgress, bootstrap, ...counts }: MeasureOptions,
): Promise<SweepRow> {
  const sampleCount = subject.reference.length;
  const totals = createTotals();
  const ratios: Ratio[] = [];
  for (let from = 0; from < sampleCount; from += batchSize) {
    signal?.throwIfAborted();
    const coded = await coder.code(from, Math.min(from + batchSize, sampleCount));
    addCoded(totals, coded);
    ratios.push(...coded.ratios);
    onProgress?.({ method: name, samplesDone: ratios.length, sampleCount, ...counts });
  }
  const sendsFeature = totals.elements !== null;
  return {
    subject: subject.name,
    family,
    method: name,
    sampleCount,
    ...accuracyOf(subject, ratios, bootstrap),
    ...rateOfTotals(totals),
    headMacs: coder.headMacs,
    ...(subject.exit &&
      sendsFeature && { exit: exitBefore(subject, subject.exit, { ratios, totals }, bootstrap) }),
  };
}

/** The metric of answers, and how much worse it is than the unsplit network's. */
function accuracyOf(
  { metric, reference }: SweepSubject,
  ratios: readonly Ratio[],
  bootstrap: BootstrapOptions | undefined,
): Pick<SweepRow, 'metric' | 'loss'> {
  const [from, to] = metric.better === 'higher' ? [ratios, reference] : [reference, ratios];
  return {
    metric: { name: metric.name, ...bootstrapRatio(ratios, bootstrap) },
    loss: bootstrapDifference(from, to, bootstrap),
  };
}

function exitBefore(
  subject: SweepSubject,
  answers: readonly ScoredExitAnswer[],
  { ratios, totals }: { readonly ratios: readonly Ratio[]; readonly totals: Totals },
  bootstrap: BootstrapOptions | undefined,
): RowExit {
  const { bytes, sharedBytes } = totals;
  const sent = bytes.filter((_, i) => !answers[i].isSure);
  return {
    answeredShare: 1 - sent.length / bytes.length,
    bytesPerDecision: sent.reduce((sum, each) => sum + each, sharedBytes) / bytes.length,
    ...accuracyOf(subject, ratiosWithExit(answers, ratios), bootstrap),
  };
}

interface Totals {
  /** Of each sample, over all tensors of the cut. */
  readonly bytes: number[];
  /** Of the first batch: parameter sets do not change from batch to batch. */
  sharedBytes: number;
  elements: number | null;
  encodeMs: number | null;
  decodeMs: number | null;
  programs: ProgramTimes | null;
}

const NO_TIME: ProgramTimes = { encodeMs: 0, decodeMs: 0 };

function createTotals(): Totals {
  return { bytes: [], sharedBytes: 0, elements: 0, encodeMs: 0, decodeMs: 0, programs: null };
}

function addCoded(totals: Totals, coded: CodedSamples): void {
  if (totals.bytes.length === 0) totals.sharedBytes = coded.sharedBytes;
  totals.bytes.push(...coded.bytes);
  totals.elements = sumOrNull(totals.elements, coded.elements);
  totals.encodeMs = sumOrNull(totals.encodeMs, coded.encodeMs);
  totals.decodeMs = sumOrNull(totals.decodeMs, coded.decodeMs);
  if (coded.programs) totals.programs = sumOfPrograms([totals.programs ?? NO_TIME, coded.programs]);
}

function sumOrNull(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function rateOfTotals({
  bytes,
  sharedBytes,
  elements,
  encodeMs,
  decodeMs,
  programs,
}: Totals): Pick<SweepRow, 'bytesPerSample' | 'bitsPerElement' | 'encodeMs' | 'decodeMs' | 'programs'> {
  const share = sharedBytes / bytes.length;
  const sorted = bytes.map((each) => each + share).sort((a, b) => a - b);
  const total = bytes.reduce((sum, each) => sum + each, sharedBytes);
  const at = (quantile: number): number => sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)];
  const perSample = (time: number | null): number | null => (time === null ? null : time / bytes.length);
  return {
    bytesPerSample: { mean: total / bytes.length, p50: at(0.5), p95: at(0.95) },
    bitsPerElement: elements === null ? null : bitsPerElement(total, elements),
    encodeMs: perSample(encodeMs),
    decodeMs: perSample(decodeMs),
    programs: programs && {
      encodeMs: programs.encodeMs / bytes.length,
      decodeMs: programs.decodeMs / bytes.length,
    },
  };
}
