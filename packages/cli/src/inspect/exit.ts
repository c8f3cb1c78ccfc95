/** The exit of a bundle: what it costs, when it answers, what was measured of it, and whether its file is whole. */

import type { BundleError, BundleManifest } from '@featherwire/bundle';
import { formatBytes, formatCount, formatLargeCount, formatPercent } from '../terminal/units.js';
import { type InspectReport, numberColumn } from './report.js';

/** A table with one row; none if there is no exit. */
export function exitTables(
  { exit }: BundleManifest,
  damage: BundleError | undefined,
): InspectReport['tables'] {
  if (!exit) return [];
  const { measured } = exit;
  const { metric, loss, answeredShare, sampleCount } = measured ?? {};
  const described =
    loss && `${loss.value.toFixed(2)} (${loss.interval.map((end) => end.toFixed(2)).join(' to ')})`;
  const row = [
    exit.file,
    formatBytes(exit.bytes),
    formatLargeCount(exit.parameters),
    formatLargeCount(exit.macs),
    exit.threshold.toPrecision(4),
    answeredShare === undefined ? '' : formatPercent(answeredShare),
    metric ? `${metric.name} ${formatPercent(metric.value)}` : '',
    described ?? '',
    sampleCount === undefined ? '' : formatCount(sampleCount),
    damage ? 'damaged' : 'ok',
  ];
  const numbers = ['size', 'weights', 'MACs', 'threshold', 'answers here', 'measured', 'loss', 'samples'];
  return [{ columns: [{ header: 'exit' }, ...numbers.map(numberColumn), { header: 'check' }], rows: [row] }];
}
