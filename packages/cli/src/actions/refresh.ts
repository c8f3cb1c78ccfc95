/** What `featherwire calibrate --refresh` does: redesigns the points of a bundle from what was seen, and says what changed. */

import { unitOfPoint } from '@featherwire/bundle';
import { addOperatingPoints, type NodeBundle, readBundle } from '@featherwire/bundle/node';
import { type PointToRefresh, type Refresh, type RefreshedPoint, refresh } from '@featherwire/calibration';
import { loadBackend, writeProfile } from '@featherwire/codec';
import { openUnlabelled, withSplitSource } from '../calibrate/split-source.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../terminal/errors.js';
import { createProgress } from '../terminal/progress.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, type Styles, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatPercent } from '../terminal/units.js';
import type { CalibrateOptions } from './calibrate.js';

const BYTES_PER_MIB = 2 ** 20;

/** Refreshes the points of a bundle; it is changed at the end, in one step, or not at all. */
export async function refreshBundle(
  directory: string,
  options: CalibrateOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context;
  const bundle = await readBundle(directory, { verify: ['head', 'tail'] });
  const points = pointsOf(bundle);
  const origin = await openUnlabelled(options.data, bundle, options.samples, context);
  const { data } = origin;
  const progress = createProgress(terminal);
  try {
    const backend = await loadBackend(options.backend);
    const refreshed = await withSplitSource(bundle, origin, progress, (source) =>
      refresh({
        source,
        points,
        backend,
        sampleCount: Math.min(data.length, options.samples ?? data.length),
        seed: options.seed,
        memoryBytes: options.memory * BYTES_PER_MIB,
        progress,
        signal,
      }),
    );
    signal.throwIfAborted();
    const sources = refreshed.points.map(({ id, coding: { profile, lambda }, measured }) => ({
      id,
      kind: 'profiled' as const,
      profile: writeProfile(profile),
      ...(lambda > 0 ? { lambda } : {}),
      measured,
    }));
    const written = await addOperatingPoints(bundle.directory, sources, { replace: 'same-id' });
    progress.close();
    if (options.json) printJson(terminal.stdout, recordOf(written, data.description, refreshed));
    else printRefresh(written, data.description, refreshed, terminal);
  } finally {
    progress.close();
  }
}

/**
 * Points of bottleneck units are left alone: their latents are what the units were trained for.
 * @throws {CommandError} if there is nothing to redesign
 */
function pointsOf({ manifest, profiles }: NodeBundle): PointToRefresh[] {
  const points = manifest.operatingPoints.flatMap((point) =>
    point.kind === 'profiled' && !unitOfPoint(manifest, point)
      ? [{ id: point.id, coding: { profile: profiles.get(point.id)!, lambda: point.lambda ?? 0 } }]
      : [],
  );
  if (points.length > 0) return points;
  throw new CommandError('bundle expected points with profiles to refresh, got none; calibrate it first');
}

function recordOf({ manifest, digest }: NodeBundle, data: string, { points, ...rest }: Refresh): object {
  return {
    bundle: { name: manifest.model.name, digest },
    data,
    ...rest,
    points: points.map(({ coding, ...point }) => ({ ...point, lambda: coding.lambda })),
  };
}

function printRefresh(
  { manifest, digest }: NodeBundle,
  data: string,
  { points, metric, samples }: Refresh,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const pairs = [
    ['bundle', digest.slice(0, 12)],
    ['data', data],
    [
      'samples',
      `${formatCount(samples.design)} for design, ${formatCount(samples.selection)} for comparing, ${formatCount(samples.claim)} for the figures below`,
    ],
    ['metric', `${metric.name}, without labels`],
  ] as const;
  const redesigned = points.filter(({ change }) => change === 'redesigned').length;
  printLines(
    stdout,
    styles.bold(`${manifest.model.name}: ${redesigned} of ${points.length} operating points redesigned`),
    ...formatPairs(pairs, styles),
    '',
    ...pointTable(points, styles),
    '',
    'Servers and clients take the new points when both have the new bundle.',
  );
}

function pointTable(points: readonly RefreshedPoint[], styles: Styles): string[] {
  const right = (header: string) => ({ header, align: 'right' as const });
  const columns = [
    { header: 'point' },
    ...['bytes before', 'after', 'loss before', 'after', 'saturated', 'background'].map(right),
    { header: 'coding' },
  ];
  const rows = points.map(({ id, before, after, measured, change }) => [
    id,
    before.bytesPerSample.toFixed(1),
    after.bytesPerSample.toFixed(1),
    before.loss.toFixed(2),
    after.loss.toFixed(2),
    ...(['saturated', 'background'] as const).map((share) =>
      (measured.bands ?? []).map((band) => formatPercent(band[share].mean)).join(', '),
    ),
    change,
  ]);
  return formatTable(columns, rows, styles);
}
