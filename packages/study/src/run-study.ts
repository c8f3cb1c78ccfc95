/** A study: every target is opened, every method measured on it, and all rows put together with how they were made. */

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { Backend } from '@featherwire/codec';
import {
  arrayMethods,
  type BundleSubject,
  baselineMethods,
  codingMethods,
  type DataSet,
  type Journal,
  type NamedCoding,
  openBundleSubject,
  openJournal,
  ownMethods,
  pictureMethods,
  pooledRatio,
  type SkippedMethod,
  type SweepRow,
  summarizeTensor,
  sweep,
} from '@featherwire/eval';
import { thisMachine } from '@featherwire/inference/node';
import { drawFigures, type ReportSubject, reportPage, type SweepReport } from '@featherwire/report';
import { calibratedCodings, codingsOfBundle, skippedPoints } from './calibrated-codings.js';
import type { StudySettings } from './study-settings.js';
import { type DrawnSamples, drawSamples, nameOfTarget, type StudyTarget } from './target.js';

/** How far a study is; the command decides how that looks. */
export interface StudyProgress {
  stage(label: string): void;
  progress(done: number, total: number): void;
}

/** How a study runs. */
export interface StudyOptions {
  readonly settings: StudySettings;
  readonly seed: number;
  /** Loss at which methods are compared, in the unit of the metric. */
  readonly maxLoss: number;
  /** How many times as long as this machine the device takes, for figures of total time. */
  readonly deviceSlowdown: number;
  /** Gets the journal and, at the end, the report; made if it is not there. A study goes on where one stopped. */
  readonly directory: string;
  readonly backend: Backend;
  /** As in `SweepReport`. */
  readonly command: string;
  readonly commit: string | null;
  readonly progress: StudyProgress;
  readonly signal: AbortSignal;
}

/** Files that a study leaves in its directory. */
export const STUDY_FILES = { journal: 'journal.jsonl', report: 'sweep.json', page: 'report.html' } as const;

/**
 * Measures all targets and returns the report; nothing but the journal and calibrated points is written.
 * @throws {JournalError} if the directory holds a study of other settings; whatever opening and measuring throw
 */
export async function runStudy(targets: readonly StudyTarget[], options: StudyOptions): Promise<SweepReport> {
  const { directory, settings, seed, maxLoss, deviceSlowdown, command, commit } = options;
  await mkdir(directory, { recursive: true });
  const journal = await openJournal<SweepRow>(path.join(directory, STUDY_FILES.journal), {
    settings,
    seed,
    maxLoss,
    node: process.version,
  });
  try {
    const subjects: ReportSubject[] = [];
    for (const [i, target] of targets.entries()) {
      const label = `${i + 1}/${targets.length} ${nameOfTarget(target)}`;
      subjects.push(await studyTarget(target, { journal, label }, options));
    }
    const { processor, parallelism } = thisMachine();
    const machine = { processor, cores: parallelism, node: process.version };
    return { command, commit, machine, seed, maxLoss, deviceSlowdown, subjects };
  } finally {
    await journal.close();
  }
}

/** Digest of all that rows depend on beside cut and method: cuts of one network share the rows of their pictures. */
function sourceOf(
  { manifest }: NodeBundle,
  { data, calibrationData, against }: StudyTarget,
  drawn: DrawnSamples,
): string {
  const { model, inputs, preprocessing, task, operatingPoints, exit } = manifest;
  const network = [model.sha256, inputs, preprocessing, task, operatingPoints, ...(exit ? [exit] : [])];
  return digestOf([network, data.description, calibrationData.description, against, drawn]);
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/** The part of a journal for one source: a suite, its networks and its data may change between two runs. */
function journalOf(journal: Journal<SweepRow>, source: string): Journal<SweepRow> {
  return {
    get: (key) => journal.get(`${source} ${key}`),
    put: (key, row) => journal.put(`${source} ${key}`, row),
    close: () => journal.close(),
  };
}

/** Writes `sweep.json`, the figures as SVG and PNG, and the page. @returns names of the files */
export async function writeStudy(report: SweepReport, title: string, directory: string): Promise<string[]> {
  const figures = await drawFigures(report);
  const files: [string, string | Uint8Array][] = [
    [STUDY_FILES.report, `${JSON.stringify(report, null, 1)}\n`],
    ...figures.flatMap(({ name, svg, png }): [string, string | Uint8Array][] => [
      [`${name}.svg`, svg],
      [`${name}.png`, png],
    ]),
    [STUDY_FILES.page, reportPage(report, { title, figures })],
  ];
  for (const [name, content] of files) {
    const file = path.join(directory, name);
    await writeFile(`${file}.partial`, content);
    await rename(`${file}.partial`, file);
  }
  return files.map(([name]) => name);
}

interface TargetContext {
  readonly journal: Journal<SweepRow>;
  /** Number and name, for progress. */
  readonly label: string;
}

async function studyTarget(
  target: StudyTarget,
  { journal, label }: TargetContext,
  options: StudyOptions,
): Promise<ReportSubject> {
  const { settings, seed, progress, signal } = options;
  const files = await mkdtemp(path.join(tmpdir(), 'featherwire-study-'));
  try {
    signal.throwIfAborted();
    progress.stage(`${label}: open and run the networks`);
    const bundle = await target.open(path.join(files, 'bundle'));
    const drawn = drawSamples(target, settings.seenSamples, seed);
    const source = sourceOf(bundle, target, drawn);
    const context = { journal: journalOf(journal, source), label };
    const subject = await openBundleSubject({
      name: nameOfTarget(target),
      bundle,
      test: { data: target.data, numbers: drawn.test },
      seen: { data: target.calibrationData, numbers: drawn.seen },
      against: target.against,
      parallelism: availableParallelism(),
      signal,
    });
    try {
      const codings = await codingsOf(target, bundle, { drawn, source, label }, options);
      return await measureSubject(subject, bundle, { target, drawn, codings, ...context }, options);
    } finally {
      await subject.close();
    }
  } finally {
    await rm(files, { recursive: true, force: true });
  }
}

/** Operating points of the bundle; of a bundle without any those of a calibration, if the settings want one. */
async function codingsOf(
  target: StudyTarget,
  bundle: NodeBundle,
  { drawn, source, label }: { drawn: DrawnSamples; source: string; label: string },
  { settings, directory, backend, seed, maxLoss, progress, signal }: StudyOptions,
): Promise<NamedCoding[]> {
  if (bundle.manifest.operatingPoints.length > 0) return codingsOfBundle(bundle);
  if (settings.calibrationSamples === 0) return [];
  const { data, calibrationData } = target;
  const file = path.join(directory, `points-${digestOf([source, target.cut])}.json`);
  return calibratedCodings(bundle, target, settings, file, {
    backend,
    seed,
    maxLossPoints: 100 * maxLoss,
    data: data === calibrationData ? without(data, new Set(drawn.test)) : calibrationData,
    progress: {
      stage: (stage) => progress.stage(`${label}: calibrate, ${stage}`),
      progress: (done, total) => progress.progress(done, total),
    },
    signal,
  });
}

/** A data set without some samples. */
function without(data: DataSet, left: ReadonlySet<number>): DataSet {
  const numbers = Array.from({ length: data.length }, (_, i) => i).filter((number) => !left.has(number));
  return { ...data, length: numbers.length, sample: (index) => data.sample(numbers[index]) };
}

interface MeasuredTarget extends TargetContext {
  readonly target: StudyTarget;
  readonly drawn: DrawnSamples;
  readonly codings: readonly NamedCoding[];
}

async function measureSubject(
  subject: BundleSubject,
  bundle: NodeBundle,
  { target, drawn, codings, journal, label }: MeasuredTarget,
  { settings, backend, seed, progress, signal }: StudyOptions,
): Promise<ReportSubject> {
  const methods = [
    ...ownMethods(backend, settings.own),
    ...codingMethods(codings, backend),
    ...baselineMethods(backend, settings.baselines),
    ...(subject.pictures ? pictureMethods(settings.baselines) : arrayMethods()),
  ];
  progress.stage(`${label}: ${methods.length} methods on ${drawn.test.length} samples`);
  const rows: SweepRow[] = [];
  const skipped: SkippedMethod[] = [];
  for await (const outcome of sweep(subject, methods, { journal, bootstrap: { seed }, signal })) {
    if (outcome.kind === 'measured') rows.push(outcome.row);
    else skipped.push(outcome.skipped);
    progress.progress(rows.length + skipped.length, methods.length);
  }
  skipped.push(...skippedPoints(bundle, subject.name));
  const { head, tail } = bundle.manifest;
  const wholeMacs = head.macs === null || tail.macs === null ? null : head.macs + tail.macs;
  const calibration = `methods designed on ${drawn.seen.length} of: ${target.calibrationData.description}`;
  return {
    name: subject.name,
    data: `${drawn.test.length} of: ${target.data.description}; ${calibration}`,
    metric: { ...subject.metric, unsplit: pooledRatio(subject.reference) },
    rows,
    skipped,
    detail: {
      network: target.network,
      cut: target.cut,
      headMacs: head.macs,
      wholeMacs,
      times: subject.times,
      tensors: subject.seen.map(summarizeTensor),
    },
  };
}
