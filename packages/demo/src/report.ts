/** The demo's result as text for a terminal: one table of what was measured, one of what follows from it. */

import type { DemoResult } from './result.js';
import type { DemoRow } from './rows.js';
import { DEVICE_SLOWDOWNS, LINKS } from './scenario.js';
import { DEVICE_ID, eligibleRows, type TotalsOfLink } from './totals.js';

type Column = {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly cell: (row: DemoRow) => string;
};

const MEASURED: readonly Column[] = [
  { title: 'way', align: 'left', cell: (row) => row.label },
  { title: 'setting', align: 'left', cell: (row) => row.setting },
  { title: 'B up', align: 'right', cell: (row) => bytes(row.bytesSent) },
  { title: 'B down', align: 'right', cell: (row) => bytes(row.bytesReceived) },
  { title: 'bit/elem', align: 'right', cell: (row) => row.bitsPerElement?.toFixed(3) ?? '-' },
  {
    title: 'CER % (95 %)',
    align: 'right',
    cell: ({ errorRate: { value, low, high } }) => `${percent(value)} (${percent(low)}-${percent(high)})`,
  },
  { title: 'head', align: 'right', cell: (row) => time(row.times.headMs) },
  { title: 'encode', align: 'right', cell: (row) => time(row.times.encodeMs) },
  { title: 'link', align: 'right', cell: (row) => time(row.times.linkMs) },
  { title: 'decode', align: 'right', cell: (row) => time(row.times.decodeMs) },
  { title: 'tail', align: 'right', cell: (row) => time(row.times.tailMs) },
];

/** Both tables, the winners and how to read them. */
export function formatDemoTable(result: DemoResult): string {
  const totals = result.totals
    .filter(({ deviceSlowdown }) => deviceSlowdown === 1)
    .map(
      ({ link, totalMs }): Column => ({
        title: `@${link.uplinkMbps}*`,
        align: 'right',
        cell: (row) => totalMs[row.id].toFixed(0),
      }),
    );
  return [
    `${result.network.name}, ${result.data.test}`,
    `${result.machine.processor}, ${result.machine.cores} cores, Node ${result.machine.node}, codec ${result.backend}`,
    '',
    ...table([...MEASURED, ...totals], result.rows),
    '',
    'B up, B down: mean bytes a line, everything above TCP. Times: medians in ms; link: loopback.',
    '* total ms on a link of so many Mbit/s up, computed from the measured times and bytes:',
    `  ${LINKS.map(describeLink).join('; ')} round trip.`,
    '',
    ...winners(result),
    `${result.quick ? 'quick run; ' : ''}${result.seconds.toFixed(0)} s`,
  ].join('\n');
}

function winners(result: DemoResult): string[] {
  const line = (totals: TotalsOfLink): string => {
    const groups = [
      ['all on device', bestOf(totals, result.rows, (id) => id === DEVICE_ID)],
      ['picture', bestOf(totals, result.rows, (id) => id !== DEVICE_ID && !isSplit(id))],
      ['split', bestOf(totals, result.rows, isSplit)],
    ] as const;
    const winner = result.rows.find(({ id }) => id === totals.winner)?.label ?? totals.winner;
    const entries = groups.map(([name, best]) => {
      if (!best) return `${name} -`;
      return name === best.label ? `${name} ${best.ms}` : `${name} ${best.ms} (${best.label})`;
    });
    return `  ${totals.link.name.padEnd(9)}  ${winner} wins.  ms: ${entries.join(', ')}`;
  };
  const group = (slowdown: number): string[] => [
    slowdown === 1 ? 'A device as fast as this machine:' : `A device ${slowdown} times slower:`,
    ...result.totals.filter(({ deviceSlowdown }) => deviceSlowdown === slowdown).map(line),
  ];
  return [
    'The fastest way on each link, computed as above, among those that lose at most 1 point of character error',
    'rate to the network on the device:',
    ...DEVICE_SLOWDOWNS.flatMap(group),
  ];
}

const isSplit = (id: string): boolean => id.includes('/');

function bestOf(
  totals: TotalsOfLink,
  rows: readonly DemoRow[],
  belongs: (id: string) => boolean,
): { label: string; ms: string } | null {
  const competing = eligibleRows(rows).filter(({ id }) => belongs(id));
  if (competing.length === 0) return null;
  const best = competing.reduce((a, b) => (totals.totalMs[b.id] < totals.totalMs[a.id] ? b : a));
  const label = best.label.replace(/^(send|split) /, '').replace('featherwire ', '');
  return { label, ms: totals.totalMs[best.id].toFixed(0) };
}

function describeLink({ name, downlinkMbps, roundTripMs }: TotalsOfLink['link']): string {
  return `${name} up, ${downlinkMbps} down, ${roundTripMs} ms`;
}

function table(columns: readonly Column[], rows: readonly DemoRow[]): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const lines = cells.map((line) =>
    line
      .map((text, i) => (columns[i].align === 'left' ? text.padEnd(widths[i]) : text.padStart(widths[i])))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return lines;
}

function bytes(value: number): string {
  return value === 0 ? '0' : value.toFixed(0);
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(2);
}

function time(ms: number): string {
  return ms === 0 ? '-' : ms < 10 ? ms.toFixed(2) : ms.toFixed(1);
}
