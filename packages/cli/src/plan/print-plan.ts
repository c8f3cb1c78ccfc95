/** A plan as text: the verdict, the ways with what was measured, bars, bandwidths, and how cuts were chosen. */

import { describeLink } from '@featherwire/link';
import {
  BAR_SIGNS,
  type BandwidthRange,
  type Choice,
  drawBars,
  type ModelPlan,
  type Plan,
  type RatedWay,
  shownWays,
} from '@featherwire/planner';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printLines, type Styles, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatBytes, formatLargeCount, formatMs, formatNumberOf, formatPercent } from '../terminal/units.js';

/** A plan with the name of what it is for. */
export interface NamedPlan {
  readonly name: string;
  readonly plan: Plan | ModelPlan;
}

const BAR_WIDTH = 48;
const right = (header: string) => ({ header, align: 'right' as const });

/** Prints a plan. @param svg - file that it was drawn into */
export function printPlan(
  { name, plan }: NamedPlan,
  svg: string | undefined,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const { choice } = plan;
  const shown = shownWays(choice);
  const listed = choice.ways.filter((rated) => shown.includes(rated) || (rated.onFront && rated.keepsLoss));
  const pairs = [
    ['link', describeLink(choice.link)],
    ['data', plan.data],
    ['metric', `${plan.metricName}; at most ${formatPoints(choice.wishes.maxLossPoints)} points lost`],
    ['machine', plan.machine.processor],
    ...('ends' in plan
      ? ([
          ['device', plan.ends.device],
          ['server', plan.ends.server],
        ] as const)
      : []),
    ['exchange', `${formatMs(plan.overhead.exchangeMs.p50)} ms beside stages and link, measured on loopback`],
    ['drawn in', svg],
  ] as const;
  printLines(
    stdout,
    styles.bold(name),
    ...formatPairs(pairs, styles),
    '',
    styles.green(verdict(choice)),
    '',
    ...formatTable(
      WAY_COLUMNS,
      listed.map((rated) => wayRow(rated, choice)),
      styles,
    ),
    styles.dim(
      'totals computed from measured stages and bytes; → fastest that keeps the limits, * on the Pareto front',
    ),
    '',
    ...exitLines(listed, styles),
    ...barLines(shown, styles),
    '',
    styles.bold('fastest by bandwidth of the uplink'),
    ...rangeLines(choice, styles),
    ...('shortlist' in plan ? ['', ...shortlistLines(plan, styles)] : []),
  );
}

function verdict(choice: Choice): string {
  const winner = choice.ways.find(({ way }) => way.id === choice.winnerId);
  const { budgetMs } = choice.wishes;
  if (!winner) {
    const [fastest] = choice.ways.filter(({ keepsLoss }) => keepsLoss);
    const text = fastest
      ? `; the fastest is ${nameOf(fastest)} with ${formatMs(fastest.totalMs.p95)} ms at 95 %`
      : '';
    return `nothing keeps ${formatMs(budgetMs ?? 0)} ms and the loss${text}`;
  }
  const time = `${formatMs(winner.totalMs.p50)} ms`;
  const others = choice.ways.filter(
    ({ way, keepsLoss }) => keepsLoss && isSplit(way.kind) !== isSplit(winner.way.kind),
  );
  const other = others[0] ? `; ${nameOf(others[0])} takes ${formatMs(others[0].totalMs.p50)} ms` : '';
  return isSplit(winner.way.kind)
    ? `${nameOf(winner)}: ${time}${other}`
    : `do not split: ${nameOf(winner)} takes ${time}${other}`;
}

const isSplit = (kind: RatedWay['way']['kind']): boolean => kind === 'split';

const WAY_COLUMNS = [
  ...[{ header: '' }, { header: 'way' }, { header: 'coding' }, right('p50 ms'), right('p95 ms')],
  ...[right('device'), right('server'), right('bytes up'), right('device MACs')],
  ...[right('metric'), right('points lost'), right('95 % interval')],
];

function wayRow({ way, totalMs, onFront, keepsLoss }: RatedWay, { winnerId }: Choice): string[] {
  const { interval, points } = way.loss;
  const isReference = way.kind === 'device';
  return [
    (way.id === winnerId ? '→' : ' ') + (onFront ? '*' : ' '),
    way.label,
    way.setting,
    formatMs(totalMs.p50),
    formatMs(totalMs.p95),
    formatMs(way.deviceMs.p50),
    formatMs(way.serverMs.p50),
    formatBytes(Math.round(way.uplinkBytes.p50)),
    formatLargeCount(way.deviceMacs),
    formatPercent(way.metric),
    isReference ? '' : `${formatPoints(points)}${keepsLoss ? '' : ' !'}`,
    isReference || !interval ? '' : interval.map(formatPoints).join(' … '),
  ];
}

const DECISION_COLUMNS = [
  ...[{ header: 'way' }, { header: 'coding' }, right('answered here'), right('mean bytes up')],
  ...[right('mean ms'), right('p95 ms'), right('metric'), right('points lost'), right('95 % interval')],
];

/** What the exit of the bundle makes of the splits among the ways; nothing where there is none. */
function exitLines(ways: readonly RatedWay[], styles: Styles): string[] {
  const rows = ways.flatMap(({ way: { label, setting, exit }, decisionMs }) =>
    exit && decisionMs
      ? [
          [
            ...[label, setting, formatPercent(exit.answeredShare)],
            ...[formatBytes(Math.round(exit.bytesPerDecision)), formatMs(decisionMs.mean)],
            ...[formatMs(decisionMs.p95), formatPercent(exit.metric), formatPoints(exit.loss.points)],
            exit.loss.interval?.map(formatPoints).join(' … ') ?? '',
          ],
        ]
      : [],
  );
  if (rows.length === 0) return [];
  return [
    styles.bold('with the exit of the bundle, per decision'),
    ...formatTable(DECISION_COLUMNS, rows, styles),
    styles.dim(
      'shares, bytes and metric measured on these samples, times computed: the mean is over what is answered here and what is sent,',
    ),
    styles.dim(
      'each at its median; the 95th percentile is that of what is sent, which none of all is above. The choice is made without.',
    ),
    '',
  ];
}

function barLines(shown: readonly RatedWay[], styles: Styles): string[] {
  const bars = drawBars(shown, BAR_WIDTH);
  const { device, link, server } = BAR_SIGNS;
  const columns = [{ header: `${device} device ${link} link ${server} server` }, right('ms'), { header: '' }];
  return formatTable(
    columns,
    shown.map((rated, i) => [nameOf(rated), formatMs(rated.totalMs.p50), bars[i]]),
    styles,
  );
}

function rangeLines({ ranges, ways }: Choice, styles: Styles): string[] {
  const named = ({ wayId }: BandwidthRange): string => nameOf(ways.find(({ way }) => way.id === wayId)!);
  return formatPairs(
    ranges.map((range) => [describeRange(range), named(range)] as const),
    styles,
  );
}

function describeRange({ fromMbps, toMbps }: BandwidthRange): string {
  if (toMbps === null) return fromMbps === 0 ? 'always' : `from ${formatRate(fromMbps)}`;
  return fromMbps === 0 ? `up to ${formatRate(toMbps)}` : `${formatRate(fromMbps)} to ${formatRate(toMbps)}`;
}

function shortlistLines({ shortlist, cutCount, timesCheck }: ModelPlan, styles: Styles): string[] {
  const rows = shortlist.map(({ tensors, estimatedTotalMs, estimatedBytes }) => {
    const check = timesCheck.find(({ cut }) => cut.join() === tensors.join());
    const cells = check
      ? [check.predictedMs.head, check.measuredMs.head, check.predictedMs.tail, check.measuredMs.tail].map(
          formatMs,
        )
      : ['', '', '', ''];
    return [tensors.join(' + '), formatMs(estimatedTotalMs), formatBytes(estimatedBytes), ...cells];
  });
  const columns = [
    ...[{ header: 'cut' }, right('estimated ms'), right('estimated bytes')],
    ...[right('head, by profile'), right('measured'), right('tail, by profile'), right('measured')],
  ];
  const title = `${formatNumberOf(shortlist.length, 'cut')} measured of ${cutCount}, chosen by estimates`;
  return [styles.bold(title), ...formatTable(columns, rows, styles)];
}

function nameOf({ way }: RatedWay): string {
  return way.setting === '' ? way.label : `${way.label}, ${way.setting}`;
}

function formatPoints(points: number): string {
  return points.toFixed(2);
}

function formatRate(mbps: number): string {
  return `${Number(mbps.toPrecision(3))} Mbit/s`;
}
