/** What `featherwire calibrate` does: opens bundle and data, calibrates, writes the points, prints the ladder. */

import { addOperatingPoints, type NodeBundle, readBundle } from '@featherwire/bundle/node';
import { type CalibratedPoint, type Calibration, calibrate } from '@featherwire/calibration';
import { type BackendPreference, loadBackend, writeProfile } from '@featherwire/codec';
import type { DataSet } from '@featherwire/eval';
import { withSplitSource } from '../calibrate/split-source.js';
import type { CommandContext } from '../context.js';
import { openNamedData } from '../data.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, type Styles, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatPercent } from '../terminal/units.js';

/** What the options parse to. */
export interface CalibrateOptions {
  readonly data: string;
  readonly maxLoss: number;
  readonly points: number;
  readonly samples?: number;
  readonly seed: number;
  readonly agreement?: true;
  readonly contexts: 'size' | 'least';
  readonly keep?: true;
  readonly refresh?: true;
  readonly memory: number;
  readonly backend: BackendPreference;
  readonly json?: true;
}

const BYTES_PER_MIB = 2 ** 20;

/** Calibrates a bundle; it is changed at the end, in one step, or not at all. */
export async function calibrateBundle(
  directory: string,
  options: CalibrateOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context;
  const bundle = await readBundle(directory, { verify: ['head', 'tail'] });
  const data = await openNamedData(
    options.data,
    'calibration',
    options.samples,
    options.agreement ? 'unread' : 'needed',
  );
  const progress = createProgress(terminal);
  try {
    const calibration = await calibrateOn(bundle, data, options, { ...context, progress });
    context.signal.throwIfAborted();
    const written = await addOperatingPoints(bundle.directory, calibration.points.map(sourceOf), {
      replace: options.keep ? 'same-id' : 'all',
    });
    progress.close();
    warnOfSameAnswers(calibration, terminal);
    if (options.json) printJson(terminal.stdout, recordOf(written, data, calibration));
    else printCalibration(written, data, calibration, terminal);
  } finally {
    progress.close();
  }
}

async function calibrateOn(
  bundle: NodeBundle,
  data: DataSet,
  options: CalibrateOptions,
  { progress, signal }: CommandContext & { readonly progress: Progress },
): Promise<Calibration> {
  const backend = await loadBackend(options.backend);
  return withSplitSource(bundle, { kind: 'data', data }, progress, (source) =>
    calibrate({
      source: { ...source, ...(options.agreement ? { truth: 'agreement' } : {}) },
      backend,
      maxLoss: options.maxLoss,
      pointCount: options.points,
      sampleCount: Math.min(data.length, options.samples ?? data.length),
      seed: options.seed,
      contexts: options.contexts,
      memoryBytes: options.memory * BYTES_PER_MIB,
      progress,
      signal,
    }),
  );
}

/** On standard error, so that it is seen with `--json` too. */
function warnOfSameAnswers({ exchangedLoss, maxLoss, metric }: Calibration, { stderr, env }: Terminal): void {
  if (exchangedLoss === null || exchangedLoss > maxLoss) return;
  const styles = stylesOf(stderr, env);
  const loss = exchangedLoss.toFixed(2);
  printLines(
    stderr,
    `${styles.yellow('warning:')} giving each sample the answer to another one loses ${loss} points of ${metric.name}: these data tell no coding from sending nothing`,
  );
}

function sourceOf({ id, coding, measured }: CalibratedPoint) {
  const { lambda } = coding;
  const profile = writeProfile(coding.profile);
  return { id, kind: 'profiled' as const, profile, ...(lambda > 0 ? { lambda } : {}), measured };
}

function recordOf({ manifest, digest }: NodeBundle, data: DataSet, calibration: Calibration): object {
  const { points, ...rest } = calibration;
  return {
    bundle: { name: manifest.model.name, digest },
    data: data.description,
    ...rest,
    points: points.map(({ coding, distance, ...point }) => ({
      ...point,
      outputDistance: distance,
      lambda: coding.lambda,
    })),
  };
}

function printCalibration(
  { manifest, digest }: NodeBundle,
  data: DataSet,
  calibration: Calibration,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const { samples, metric, chosen, points } = calibration;
  const pairs = [
    ['bundle', digest.slice(0, 12)],
    ['data', data.description],
    [
      'samples',
      `${formatCount(samples.design)} for design, ${formatCount(samples.selection)} for choosing, ${formatCount(samples.claim)} for the figures below`,
    ],
    ['unsplit', points[0] ? `${metric.name} ${formatPercent(points[0].measured.reference ?? 0)}` : undefined],
  ] as const;
  printLines(
    stdout,
    styles.bold(`${manifest.model.name}: ${points.length} operating points`),
    ...formatPairs(pairs, styles),
    '',
    ...ladderTable(calibration, styles),
    '',
    ...verdict(calibration),
    ...alternatives(calibration),
  );
  if (chosen === null) printLines(stdout, `no point was found that loses at most ${calibration.maxLoss}`);
}

function ladderTable({ points, metric, chosen }: Calibration, styles: Styles): string[] {
  const right = (header: string) => ({ header, align: 'right' as const });
  const rows = points.map(({ id, family, bitsPerElement, measured }) => [
    id === chosen ? `${id} *` : id,
    measured.bytesPerSample.toFixed(1),
    formatCount(measured.bytes?.p95 ?? 0),
    bitsPerElement.toFixed(3),
    formatPercent(measured.metric.value),
    describeLoss(measured.loss),
    family,
  ]);
  const columns = [
    { header: 'point' },
    right('bytes'),
    right('p95'),
    right('bits/element'),
    right(metric.name),
    right(`loss (${(100 * (points[0]?.measured.loss.confidence ?? 0)).toFixed(0)} % interval)`),
    { header: 'coding' },
  ];
  return formatTable(columns, rows, styles);
}

function describeLoss({ value, interval: [low, high] }: CalibratedPoint['measured']['loss']): string {
  return `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** What the data say about the point that was searched for. */
function verdict({ points, chosen, maxLoss }: Calibration): string[] {
  const point = points.find(({ id }) => id === chosen);
  if (!point) return [];
  const { value, interval } = point.measured.loss;
  const [, high] = interval;
  if (high <= maxLoss)
    return [`* loses at most ${maxLoss}: the whole interval is below it`, ...exactTest(point)];
  const side = value <= maxLoss ? 'within' : 'above';
  return [
    `* lost ${value.toFixed(2)} on samples not chosen by, ${side} ${maxLoss}; more samples would narrow the interval`,
    ...exactTest(point),
  ];
}

function exactTest({ hits }: CalibratedPoint): string[] {
  if (!hits) return [];
  const { lost, won, probability } = hits;
  return [
    `  ${formatCount(lost)} answers lost and ${formatCount(won)} won by coding; as uneven by chance with probability ${probability.toFixed(3)}`,
  ];
}

/** What other ways take for the same. */
function alternatives({ comparisons, pictures, points, chosen }: Calibration): string[] {
  const names = {
    range: 'one range for the tensor',
    coefficients: 'one step for all coefficients, of channels or their components',
    sensitivity: 'steps by sensitivity',
  };
  const lines = comparisons.map(
    ({ kind, bytesPerSample, saved }) =>
      `${names[kind]}: ${bytesPerSample.toFixed(1)} bytes for the same output, ${describeSaving(saved)}`,
  );
  const bytes = points.find(({ id }) => id === chosen)?.bytesPerSample;
  for (const { codec, quality, bytesPerSample, loss } of pictures) {
    const ratio = bytes ? `, ${(bytesPerSample / bytes).toFixed(1)} times the point's` : '';
    lines.push(
      `send the picture instead: ${codec} at quality ${quality}, ${formatCount(Math.round(bytesPerSample))} bytes, loss ${loss.toFixed(2)}${ratio}`,
    );
  }
  return lines;
}

function describeSaving(saved: number): string {
  const percent = `${Math.abs(100 * saved).toFixed(0)} %`;
  return saved >= 0 ? `${percent} saved` : `${percent} less than the point`;
}
