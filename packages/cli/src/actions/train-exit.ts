/** What `featherwire train-exit` does: opens bundle and data, trains the exit, writes it, prints what it does. */

import { type NodeBundle, readBundle, setExit } from '@featherwire/bundle/node';
import { openSamples } from '@featherwire/calibration';
import { type BackendPreference, loadBackend } from '@featherwire/codec';
import type { DataSet } from '@featherwire/eval';
import { type TrainedExit, trainExit } from '@featherwire/train/node';
import { withSplitSource } from '../calibrate/split-source.js';
import type { CommandContext } from '../context.js';
import { openNamedData } from '../data.js';
import { openExitPoints } from '../exit/exit-points.js';
import { CommandError, UsageError } from '../terminal/errors.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, type Styles, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatBytes, formatCount, formatLargeCount, formatPercent } from '../terminal/units.js';

/** What the options parse to. */
export interface TrainExitCommandOptions {
  readonly data?: string;
  readonly maxLoss: number;
  readonly samples?: number;
  readonly seed: number;
  readonly labels?: true;
  readonly remove?: true;
  readonly memory: number;
  readonly backend: BackendPreference;
  readonly json?: true;
}

const BYTES_PER_MIB = 2 ** 20;
/** An exit is the better the more samples it is fitted to; the rest is halved. */
const DESIGN_SHARE = 0.5;

/** Trains an exit for a bundle; it is changed at the end, in one step, or not at all. */
export async function trainExitOfBundle(
  directory: string,
  options: TrainExitCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context;
  if (options.remove) return removeExit(directory, options, terminal);
  if (options.data === undefined) throw new UsageError('--data or --remove expected, got neither');
  const bundle = await readBundle(directory, { verify: ['head', 'tail', 'reduction', 'restoration'] });
  const labels = options.labels ? 'needed' : 'unread';
  const data = await openNamedData(options.data, 'calibration', options.samples, labels);
  const progress = createProgress(terminal);
  try {
    const trained = await trainOn(bundle, data, options, { ...context, progress });
    signal.throwIfAborted();
    if (!trained)
      throw new CommandError(
        `no threshold keeps to a loss of ${options.maxLoss}: the surest answers of the exit lose more; the bundle is as it was`,
      );
    const written = await setExit(bundle.directory, trained.source);
    progress.close();
    if (options.json) printJson(terminal.stdout, recordOf(written, data, trained, options));
    else printExit(written, data, trained, options, terminal);
  } finally {
    progress.close();
  }
}

async function removeExit(
  directory: string,
  { json }: TrainExitCommandOptions,
  { stdout }: Terminal,
): Promise<void> {
  const before = await readBundle(directory, { verify: [] });
  if (!before.manifest.exit) throw new CommandError('bundle expected one with an exit, got one without');
  const { digest } = await setExit(directory, null);
  if (json) printJson(stdout, { bundle: { name: before.manifest.model.name, digest }, exit: null });
  else printLines(stdout, `bundle ${digest.slice(0, 12)} has no exit any more`);
}

async function trainOn(
  bundle: NodeBundle,
  data: DataSet,
  options: TrainExitCommandOptions,
  { progress, signal }: CommandContext & { readonly progress: Progress },
): Promise<TrainedExit | null> {
  const backend = await loadBackend(options.backend);
  return withSplitSource(bundle, { kind: 'data', data }, progress, async (source) => {
    const samples = await openSamples({
      source: { ...source, truth: options.labels ? 'labels' : 'agreement' },
      backend,
      sampleCount: Math.min(data.length, options.samples ?? data.length),
      designShare: DESIGN_SHARE,
      seed: options.seed,
      memoryBytes: options.memory * BYTES_PER_MIB,
      progress,
      signal,
    });
    try {
      const { points, close } = await openExitPoints(bundle);
      try {
        const { manifest } = bundle;
        const { maxLoss, seed } = options;
        return await trainExit({ manifest, samples, points, maxLoss, seed, progress });
      } finally {
        await close();
      }
    } finally {
      await samples.close();
    }
  });
}

function recordOf(
  { manifest, digest }: NodeBundle,
  data: DataSet,
  { source: { model, ...source }, ...trained }: TrainedExit,
  { maxLoss, seed }: TrainExitCommandOptions,
): object {
  return {
    bundle: { name: manifest.model.name, digest },
    data: data.description,
    ...{ maxLoss, seed },
    exit: { ...source, bytes: model.length },
    ...trained,
  };
}

function printExit(
  { manifest, digest }: NodeBundle,
  data: DataSet,
  trained: TrainedExit,
  { maxLoss }: TrainExitCommandOptions,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const { source, measured, tensor, grid, featureCount, heldOut, lost, won, answered } = trained;
  const { value, interval, confidence } = measured.loss;
  const [low, high] = interval;
  const means = grid === 1 ? 'means' : `means of ${grid} x ${grid} cells`;
  const pairs = [
    ['bundle', digest.slice(0, 12)],
    ['data', data.description],
    [
      'exit',
      `${formatCount(featureCount)} ${means} of ${tensor}; ${formatBytes(source.model.length)}, ${formatLargeCount(source.macs)} MACs`,
    ],
    [
      'agreement',
      `${formatPercent(heldOut.value)} (95 % ${formatPercent(heldOut.low)} to ${formatPercent(heldOut.high)}) with the network on all samples held out, sure or not`,
    ],
    ['threshold', `${source.threshold.toPrecision(4)}, for a loss of at most ${maxLoss}`],
    [
      'answers here',
      `${formatPercent(measured.answeredShare)}, ${formatCount(answered)} of ${formatCount(measured.sampleCount)} samples that nothing was chosen by`,
    ],
    [
      'loss',
      `${value.toFixed(2)} (${(100 * confidence).toFixed(0)} % ${low.toFixed(2)} to ${high.toFixed(2)}) points of ${measured.metric.name}: ${formatCount(lost)} answers lost, ${formatCount(won)} won`,
    ],
  ] as const;
  printLines(
    stdout,
    styles.bold(`${manifest.model.name}: an exit`),
    ...formatPairs(pairs, styles),
    ...pointTable(trained, styles),
  );
}

function pointTable({ points, measured }: TrainedExit, styles: Styles): string[] {
  if (points.length === 0) return [];
  const right = (header: string) => ({ header, align: 'right' as const });
  const rows = points.map(({ point, bytesPerSample, bytesPerDecision, bytesPerSent, ...effect }) => [
    point,
    bytesPerSample.toFixed(1),
    bytesPerDecision.toFixed(1),
    bytesPerSent?.toFixed(1) ?? '–',
    formatPercent(effect.metricWithout),
    formatPercent(effect.metric),
  ]);
  const columns = [
    { header: 'point' },
    right('bytes'),
    right('with the exit'),
    right('of those sent'),
    right(measured.metric.name),
    right('with the exit'),
  ];
  return ['', ...formatTable(columns, rows, styles)];
}
