/** Charts of the choice: rate against the depth of the cut, and total time against bandwidth. */

import { OWN_FAMILY, PICTURE_FAMILY, sendsInput } from '@featherwire/eval';
import type { TopLevelSpec } from 'vega-lite';
import { CHART_BASE, CHART_COLORS, CHART_WIDTH, logAxis } from './chart-style.js';
import { bytesOf, type Contenders } from './contenders.js';
import type { ReportSubject, SweepReport } from './sweep-report.js';

const HEIGHT = 320;
/** Room for the names of cuts, as a factor above the largest number of bytes. */
const LABEL_ROOM = 4;
/** Units from one row of names to the next. */
const LABEL_ROW = 14;
/** Names of shallower cuts stand on the right of their line. */
const LABELS_RIGHT_OF = 0.15;
const BYTES_OF_FLOAT = 'float32, uncoded';
const BEST_INPUT = 'best way to send the input';

/** Round trip of the links drawn, milliseconds; the same for every way that sends. */
const ROUND_TRIP_MS = 20;
/** Megabits per second, from end to end of the axis. */
const BANDWIDTHS = { from: 0.1, to: 1000, steps: 81 };

/**
 * Bytes at the allowed loss over the share of the network's work that the device does, one chart for all cuts of a network.
 * @returns null if fewer than two cuts have a known depth
 */
export function depthChart(
  network: string,
  list: readonly Contenders[],
  maxLoss: number,
): TopLevelSpec | null {
  const known = list.filter(({ subject: { detail } }) => detail?.network === network && depthOf(detail));
  if (known.length < 2) return null;
  const values = known.flatMap((contenders) => {
    const depth = depthOf(contenders.subject.detail)!;
    const cut = contenders.subject.detail!.cut.join(' + ');
    const float32 = contenders.subject.rows.find(({ method }) => method === 'float32');
    const series = [
      ['ours', contenders.ours],
      ['best other coder of the feature', contenders.baseline],
      [BEST_INPUT, contenders.input],
      [BYTES_OF_FLOAT, float32 ?? null],
    ] as const;
    return series.flatMap(([name, row]) => (row ? [{ series: name, depth, cut, bytes: bytesOf(row) }] : []));
  });
  const bytes = values.map((value) => value.bytes);
  // Names of cuts stand above all marks.
  const bytesAxis = bytesAxisOf([...bytes, LABEL_ROOM * Math.max(...bytes)]);
  const names = ['ours', 'best other coder of the feature', BEST_INPUT, BYTES_OF_FLOAT];
  return {
    ...CHART_BASE,
    title: {
      text: `${network}: rate against depth of the cut`,
      subtitle: `fewest bytes at a loss of at most ${(100 * maxLoss).toFixed(1)} points; a series has no mark where it never stays within it`,
    },
    width: CHART_WIDTH,
    height: HEIGHT,
    data: { values },
    layer: [
      ...cutLabels(known.map(({ subject: { detail } }) => detail!)),
      {
        mark: { type: 'line', point: { size: 60, filled: true } },
        encoding: { x: depthAxis, y: bytesAxis, color: colorOf(names) },
      },
    ],
  };
}

/** The name of each cut at the top of a line through its depth, in two rows since cuts may be close. */
function cutLabels(details: readonly NonNullable<ReportSubject['detail']>[]) {
  const cuts = details
    .map((detail) => ({ cut: detail.cut.join(' + '), depth: depthOf(detail)! }))
    .sort((a, b) => a.depth - b.depth);
  return cuts.flatMap((each, i) => {
    const isLeft = each.depth < LABELS_RIGHT_OF;
    return [
      {
        data: { values: [each] },
        mark: { type: 'rule' as const, color: '#bbbbbb', strokeDash: [2, 3] },
        encoding: { x: depthAxis },
      },
      {
        data: { values: [each] },
        mark: {
          type: 'text' as const,
          align: isLeft ? ('left' as const) : ('right' as const),
          dx: isLeft ? 5 : -5,
          fontSize: 11,
        },
        encoding: { x: depthAxis, y: { value: LABEL_ROW * (1 + (i % 2)) - 4 }, text: { field: 'cut' } },
      },
    ];
  });
}

function depthOf(detail: ReportSubject['detail']): number | null {
  return detail?.headMacs && detail.wholeMacs ? detail.headMacs / detail.wholeMacs : null;
}

const depthAxis = {
  field: 'depth',
  type: 'quantitative',
  scale: { domainMin: 0, domainMax: 1 },
  axis: {
    title: 'multiply-accumulate operations before the cut, share of the network',
    format: '.0%',
    tickCount: 6,
  },
} as const;

function bytesAxisOf(bytes: readonly number[]) {
  const { domain, values } = logAxis(bytes);
  return {
    field: 'bytes',
    type: 'quantitative',
    scale: { type: 'log', nice: false, domain },
    axis: { title: 'bytes per sample (logarithmic)', format: '~s', values },
  } as const;
}

function colorOf(names: readonly string[]) {
  return {
    field: 'series',
    type: 'nominal',
    scale: { domain: [...names], range: names.map((_, i) => CHART_COLORS[i]) },
    legend: { title: null, orient: 'bottom', columns: 2 },
  } as const;
}

/** One way with the sum of its stages and what it sends. */
interface Way {
  readonly stagesMs: number;
  /** Null if nothing is sent. */
  readonly bytes: number | null;
}

/** Ways that a chart shows as one: at each bandwidth the fastest of them. */
interface Line {
  readonly series: string;
  readonly ways: readonly Way[];
}

/**
 * Totals of the ways to an answer within the loss, computed from measured stages and bytes: stages on the device
 * `deviceSlowdown` times as long as here, a round trip, and the bytes over the uplink. Coders without a measured time are
 * left out.
 * @returns null if there is nothing to compare
 */
export function totalTimeChart(
  { subject }: Contenders,
  { maxLoss, deviceSlowdown }: Pick<SweepReport, 'maxLoss' | 'deviceSlowdown'>,
): TopLevelSpec | null {
  const lines = linesOf(subject, maxLoss, deviceSlowdown);
  if (lines.length < 2) return null;
  const { from, to, steps } = BANDWIDTHS;
  const values = lines.flatMap(({ series, ways }) =>
    Array.from({ length: steps }, (_, i) => {
      const mbps = from * (to / from) ** (i / (steps - 1));
      return { series, mbps, totalMs: Math.min(...ways.map((way) => totalMs(way, mbps))) };
    }),
  );
  const { domain, values: ticks } = logAxis(values.map((value) => value.totalMs));
  return {
    ...CHART_BASE,
    title: {
      text: `${subject.name}: total time against bandwidth`,
      subtitle: [
        `the fastest point within a loss of ${(100 * maxLoss).toFixed(1)} points at each bandwidth; computed from measured stages and bytes;`,
        `device ${deviceSlowdown} times as slow as this machine, server as fast, round trip ${ROUND_TRIP_MS} ms`,
      ],
    },
    width: CHART_WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: 'line', strokeWidth: 2 },
    encoding: {
      x: {
        field: 'mbps',
        type: 'quantitative',
        scale: { type: 'log', nice: false, domain: [from, to] },
        axis: { title: 'uplink, Mbit/s (logarithmic)', values: [0.1, 1, 10, 100, 1000], format: '~g' },
      },
      y: {
        field: 'totalMs',
        type: 'quantitative',
        scale: { type: 'log', nice: false, domain },
        axis: { title: 'total, ms (logarithmic)', format: '~g', values: ticks },
      },
      color: colorOf(lines.map(({ series }) => series)),
    },
  };
}

function totalMs({ stagesMs, bytes }: Way, mbps: number): number {
  return stagesMs + (bytes === null ? 0 : ROUND_TRIP_MS + (8 * bytes) / (1000 * mbps));
}

function linesOf({ detail, rows }: ReportSubject, maxLoss: number, slowdown: number): Line[] {
  if (!detail) return [];
  const { headMs, tailMs, wholeMs } = detail.times;
  const waysOf = (belongs: (family: string) => boolean, device: number, server: number): Way[] =>
    rows.flatMap((row) => {
      const { family, loss, encodeMs, decodeMs } = row;
      if (!belongs(family) || loss.value > maxLoss || encodeMs === null || decodeMs === null) return [];
      return [{ stagesMs: slowdown * (device + encodeMs) + decodeMs + server, bytes: bytesOf(row) }];
    });
  const lines = [
    { series: 'split, ours', ways: waysOf((family) => family.startsWith(OWN_FAMILY), headMs, tailMs) },
    {
      series: 'send the input',
      ways: waysOf(sendsInput, 0, wholeMs),
    },
    {
      series: 'send the input as png',
      ways: waysOf((family) => family === `${PICTURE_FAMILY}png`, 0, wholeMs),
    },
    { series: 'all on the device', ways: [{ stagesMs: slowdown * wholeMs, bytes: null }] },
  ];
  return lines.filter(({ ways }) => ways.length > 0);
}
