/** What `featherwire train` does: opens bundle and data, trains a ladder of units, writes it, prints it. */

import { rm } from 'node:fs/promises';
import { addOperatingPoints, type NodeBundle, readBundle } from '@featherwire/bundle/node';
import { openSamples } from '@featherwire/calibration';
import { type BackendPreference, loadBackend } from '@featherwire/codec';
import { type DataSet, type InputCopy, openParts } from '@featherwire/eval';
import { readModel } from '@featherwire/onnx/node';
import { type TrainedLadder, trainLadder } from '@featherwire/train/node';
import type { CommandContext } from '../context.js';
import { openNamedData } from '../data.js';
import { storageOfUnits } from '../inspect/units.js';
import { CommandError } from '../terminal/errors.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, type Styles, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatPercent } from '../terminal/units.js';
import { createTrainingDisplay } from '../train/training-display.js';

/** What the options parse to. */
export interface TrainOptions {
  readonly data: string;
  readonly minutes: number;
  readonly steps?: number;
  readonly points: number;
  readonly samples?: number;
  readonly seed: number;
  readonly threads: number;
  readonly copies?: readonly InputCopy[];
  readonly rate: 'factorized-prior' | 'hyperprior';
  readonly labels?: true;
  readonly agreement?: true;
  readonly restart?: true;
  readonly replace?: true;
  readonly memory: number;
  readonly backend: BackendPreference;
  readonly json?: true;
}

const BYTES_PER_MIB = 2 ** 20;
/** Share of the samples that units are trained on. */
const TRAINING_SHARE = 0.7;

/** Trains units for a bundle; it is changed at the end, in one step, or not at all. */
export async function trainBundle(
  directory: string,
  options: TrainOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context;
  const bundle = await readBundle(directory, { verify: ['head', 'tail'] });
  const data = await openNamedData(options.data, 'calibration', options.samples);
  if (options.restart) await rm(stateDirectory(bundle), { recursive: true, force: true });
  const progress = createProgress(terminal);
  try {
    const ladder = await trainOn(bundle, data, options, { ...context, progress });
    context.signal.throwIfAborted();
    const written = await addOperatingPoints(bundle.directory, ladder.points, {
      units: ladder.units,
      replace: options.replace ? 'all' : 'same-id',
    });
    await ladder.discardState();
    progress.close();
    if (options.json) printJson(terminal.stdout, recordOf(written, data, ladder));
    else printLadder(written, data, ladder, terminal);
  } finally {
    progress.close();
  }
}

async function trainOn(
  bundle: NodeBundle,
  data: DataSet,
  options: TrainOptions,
  { terminal, progress, signal }: CommandContext & { readonly progress: Progress },
): Promise<TrainedLadder> {
  const { manifest } = bundle;
  if (manifest.cut.length !== 1) {
    const names = manifest.cut.map(({ name }) => name).join(', ');
    throw new CommandError(`bundle expected a cut of one tensor, got ${manifest.cut.length}: ${names}`);
  }
  if (options.labels && manifest.task?.kind !== 'classification') {
    throw new CommandError(
      `--labels expected a bundle for classification, got ${manifest.task?.kind ?? 'one without a task'}`,
    );
  }
  progress.stage('load head and tail');
  const backend = await loadBackend(options.backend);
  const parts = await openParts(bundle);
  try {
    const samples = await openSamples({
      source: { manifest, ...parts, data, ...(options.agreement ? { truth: 'agreement' } : {}) },
      backend,
      sampleCount: Math.min(data.length, options.samples ?? data.length),
      designShare: TRAINING_SHARE,
      copies: options.copies ?? [],
      seed: options.seed,
      memoryBytes: options.memory * BYTES_PER_MIB,
      progress,
      signal,
    });
    const display = createTrainingDisplay(terminal, progress);
    try {
      return await trainLadder({
        tail: await readModel(bundle.partPath('tail')),
        cut: manifest.cut[0].name,
        samples,
        labels: options.labels ?? false,
        rate: options.rate,
        networkBytes: networkBytes(bundle),
        budget: options.steps === undefined ? { minutes: options.minutes } : { steps: options.steps },
        pointCount: options.points,
        seed: options.seed,
        threads: options.threads,
        directory: stateDirectory(bundle),
        progress: display,
        onStep: (event) => display.step(event),
        signal,
      });
    } finally {
      display.close();
      await samples.close();
    }
  } finally {
    await parts.close();
  }
}

/** Beside the bundle, which holds nothing but what it is. */
function stateDirectory({ directory }: NodeBundle): string {
  return `${directory}.train`;
}

function networkBytes({ manifest: { head, tail } }: NodeBundle): number {
  return head.bytes + tail.bytes;
}

function recordOf(bundle: NodeBundle, data: DataSet, ladder: TrainedLadder): object {
  const { points, units, trainedOn, steps, isResumed, architecture, runs } = ladder;
  return {
    bundle: { name: bundle.manifest.model.name, digest: bundle.digest },
    data: data.description,
    trainedOn,
    steps,
    isResumed,
    architecture,
    runs,
    units: units.map(({ id, latent, reduction, restoration }) => ({
      id,
      latent: latent.map(({ shape }) => shape),
      reduction: { parameters: reduction.parameters, macs: reduction.macs },
      restoration: { parameters: restoration.parameters, macs: restoration.macs },
    })),
    storage: storageOfUnits(bundle.manifest),
    points: points.map(({ profile, ...point }) => ({ ...point, profileBytes: profile.length })),
  };
}

function printLadder(
  { manifest, digest }: NodeBundle,
  data: DataSet,
  { points, trainedOn, steps, isResumed, units }: TrainedLadder,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const [first] = points;
  const largest = Math.max(...storageOfUnits(manifest).map(({ shareOfNetwork }) => shareOfNetwork));
  const pairs = [
    ['bundle', digest.slice(0, 12)],
    ['data', data.description],
    ['training', `${formatCount(steps)} steps${isResumed ? ', taken up again' : ''}`],
    ['trained on', itemsText(trainedOn)],
    ['unsplit', `${first.measured.metric.name} ${formatPercent(first.measured.reference ?? 0)}`],
    ['measured on', first.measured.data],
    ['storage', `${units.length} units of at most ${formatPercent(largest)} of the network`],
  ] as const;
  printLines(
    stdout,
    styles.bold(`${manifest.model.name}: ${points.length} operating points with trained units`),
    ...formatPairs(pairs, styles),
    '',
    ...ladderTable(points, styles),
  );
}

function itemsText({ samples, copies, labels }: TrainedLadder['trainedOn']): string {
  const items = `${formatCount(samples)} samples${copies > 0 ? ` and ${formatCount(copies)} copies` : ''}`;
  return `${items}, ${labels ? 'answers of the unsplit network and labels' : 'answers of the unsplit network'}`;
}

function ladderTable(points: TrainedLadder['points'], styles: Styles): string[] {
  const right = (header: string) => ({ header, align: 'right' as const });
  const rows = points.map(({ id, unit, measured }) => {
    const { value, interval } = measured.loss;
    return [
      id,
      measured.bytesPerSample.toFixed(1),
      formatCount(measured.bytes?.p95 ?? 0),
      formatPercent(measured.metric.value),
      `${value.toFixed(2)} (${interval[0].toFixed(2)} to ${interval[1].toFixed(2)})`,
      unit,
    ];
  });
  const columns = [
    { header: 'point' },
    right('bytes'),
    right('p95'),
    right(points[0].measured.metric.name),
    right(`loss (${(100 * points[0].measured.loss.confidence).toFixed(0)} % interval)`),
    { header: 'unit' },
  ];
  return formatTable(columns, rows, styles);
}
