/** Operating points of a bundle: how each codes the cut, what was measured of it, and whether its profile is whole. */

import {
  BundleError,
  loadProfiles,
  type MeasuredLoss,
  type Measurement,
  type OperatingPoint,
  type ShareBand,
} from '@featherwire/bundle';
import { type NodeBundle, readFileOfBundle } from '@featherwire/bundle/node';
import type { CodingProfile } from '@featherwire/codec';
import { describeQuantizer } from '../commands/quantizer-options.js';
import { formatCount, formatMs, formatPercent, formatReal, UNKNOWN } from '../terminal/units.js';
import { describeCoder, levelCountOf } from './profile.js';
import { type InspectReport, numberColumn } from './report.js';

/** A point with what became of its profile. */
export interface LoadedPoint {
  readonly point: OperatingPoint;
  /** Undefined for a described point and for a damaged profile. */
  readonly profile: CodingProfile | undefined;
  readonly damage: BundleError | undefined;
}

/** Loads the profile of each point by itself, so that one that is damaged does not hide the others. */
export async function loadPoints({ directory, manifest }: NodeBundle): Promise<LoadedPoint[]> {
  const loaded: LoadedPoint[] = [];
  for (const point of manifest.operatingPoints) {
    const alone = { ...manifest, operatingPoints: [point] };
    try {
      const profiles = await loadProfiles(alone, (entry) => readFileOfBundle(directory, entry));
      loaded.push({ point, profile: profiles.get(point.id), damage: undefined });
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      loaded.push({ point, profile: undefined, damage: error });
    }
  }
  return loaded;
}

/** The outcome for each file of a profile. */
export function checksOfPoints(
  points: readonly LoadedPoint[],
): [file: string, damage: BundleError | undefined][] {
  return points.flatMap(({ point, damage }) =>
    point.kind === 'profiled' ? [[point.profile.file, damage] as [string, BundleError | undefined]] : [],
  );
}

/** A table of the points, one of what was measured, and one of the bands of drift, each where there is anything. */
export function pointTables(points: readonly LoadedPoint[]): InspectReport['tables'] {
  const measured = points.flatMap(({ point: { id, measured } }) => (measured ? [{ id, measured }] : []));
  return [codingTable(points), measuredTable(measured), bandTable(measured)].filter(
    ({ rows }) => rows.length > 0,
  );
}

type Table = InspectReport['tables'][number];
type MeasuredPoint = { readonly id: string; readonly measured: Measurement };

function codingTable(points: readonly LoadedPoint[]): Table {
  const columns = [{ header: 'point' }, { header: 'kind' }, { header: 'coding' }, { header: 'check' }];
  const rows = points.map(({ point, profile, damage }) => [
    point.id,
    point.kind === 'profiled' && point.unit !== undefined ? `unit ${point.unit}` : point.kind,
    describeCoding(point, profile),
    damage ? 'damaged' : 'ok',
  ]);
  return { columns, rows };
}

function describeCoding(point: OperatingPoint, profile: CodingProfile | undefined): string {
  if (point.kind === 'described') {
    return point.coding.map(({ quantizer }) => describeQuantizer(quantizer)).join('; ');
  }
  if (!profile) return point.profile.file;
  const tensors = profile.tensors.map(
    (tensor) => `${tensor.quantizer.kind}, ${levelCountOf(tensor)} levels, ${describeCoder(tensor.coder)}`,
  );
  const frames = profile.shortFrames ? ', short frames' : '';
  return `${tensors.join('; ')}${frames} (${point.profile.file})`;
}

function measuredTable(points: readonly MeasuredPoint[]): Table {
  const columns = [
    { header: 'measured' },
    ...['bytes', 'p50', 'p95', 'max'].map(numberColumn),
    { header: 'metric' },
    ...['value', 'unsplit', 'loss in points', 'encode ms', 'decode ms', 'samples'].map(numberColumn),
    { header: 'data' },
  ];
  const rows = points.map(({ id, measured }) => [
    id,
    ...[measured.bytesPerSample, measured.bytes?.p50, measured.bytes?.p95, measured.bytes?.max].map(
      known((bytes) => formatCount(Math.round(bytes))),
    ),
    measured.metric.name,
    formatReal(measured.metric.value),
    known(formatReal)(measured.reference),
    known(describeLoss)(measured.loss),
    known(formatMs)(measured.encodeMs),
    known(formatMs)(measured.decodeMs),
    formatCount(measured.sampleCount),
    measured.data,
  ]);
  return { columns, rows };
}

function bandTable(points: readonly MeasuredPoint[]): Table {
  const columns = [
    { header: 'drift of' },
    { header: 'tensor' },
    ...['saturated', 'within', 'background', 'within'].map(numberColumn),
  ];
  const rows = points.flatMap(({ id, measured }) =>
    (measured.bands ?? []).map(({ tensor, saturated, background }) => [
      id,
      tensor,
      ...[saturated, background].flatMap((band) => [formatPercent(band.mean), describeLimits(band)]),
    ]),
  );
  return { columns, rows };
}

function describeLoss({ value, interval: [low, high], confidence }: MeasuredLoss): string {
  const certainty = `${formatReal(100 * confidence)} %`;
  return `${value.toFixed(2)} (${certainty}: ${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function describeLimits({ low, high }: ShareBand): string {
  return `${formatPercent(low)} to ${formatPercent(high)}`;
}

/** A formatter for what may not have been measured. */
function known<T>(format: (value: T) => string): (value: T | undefined) => string {
  return (value) => (value === undefined ? UNKNOWN : format(value));
}
