/** What `featherwire bench` does: measures, with a line of progress for each row, and prints a table. */

import { availableParallelism, cpus } from 'node:os';
import { type BackendPreference, loadBackend } from '@featherwire/codec';
import { measureCodecSpeed, type Rate, type SpeedRow } from '@featherwire/eval';
import type { CommandContext } from '../context.js';
import { createProgress } from '../terminal/progress.js';
import { type Column, formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf } from '../terminal/terminal.js';

/** What the options parse to. */
export interface BenchOptions {
  readonly levels?: readonly number[];
  readonly quick?: true;
  readonly backend: BackendPreference;
  readonly json?: true;
}

const QUICK = { batchMs: 10, batchCount: 3 } as const;

const COLUMNS: readonly Column[] = [
  { header: 'levels', align: 'right' },
  { header: 'what' },
  { header: 'bits per element', align: 'right' },
  { header: 'encode', align: 'right' },
  { header: 'range', align: 'right' },
  { header: 'decode', align: 'right' },
  { header: 'range', align: 'right' },
];

/** Measures the codec and prints a row for each thing measured. */
export async function bench(options: BenchOptions, { terminal, signal }: CommandContext): Promise<void> {
  const backend = await loadBackend(options.backend);
  const progress = createProgress(terminal);
  try {
    progress.stage(`measure the ${backend.name} backend`);
    const rows = measureCodecSpeed({
      ...{
        backend,
        signal,
        ...(options.quick && QUICK),
        ...(options.levels && { levelCounts: options.levels }),
      },
      onRow: ({ levelCount, name }) =>
        progress.stage(levelCount === 0 ? name : `${levelCount} levels: ${name}`),
    });
    progress.close();
    const machine = {
      processor: cpus()[0]?.model.trim(),
      cores: availableParallelism(),
      node: process.version,
    };
    if (options.json) {
      printJson(terminal.stdout, {
        backend: backend.name,
        machine,
        unit: 'million elements per second',
        rows,
      });
      return;
    }
    const title = `${backend.name} backend, ${machine.processor}, Node ${machine.node}; million elements a second of processor time`;
    const table = formatTable(COLUMNS, rows.map(cellsOf), stylesOf(terminal.stdout, terminal.env));
    printLines(terminal.stdout, [title, '', ...table].join('\n'));
  } finally {
    progress.close();
  }
}

function cellsOf({ levelCount, name, bitsPerElement, encode, decode }: SpeedRow): string[] {
  return [
    levelCount === 0 ? '' : String(levelCount),
    name,
    bitsPerElement === null ? '' : bitsPerElement.toFixed(3),
    ...rateCells(encode),
    ...rateCells(decode),
  ];
}

function rateCells(rate: Rate | null): [string, string] {
  if (!rate) return ['', ''];
  const text = (value: number): string => value.toFixed(value < 100 ? 1 : 0);
  return [text(rate.median), `${text(rate.low)} - ${text(rate.high)}`];
}
