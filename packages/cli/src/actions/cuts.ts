/** What `featherwire cuts` does: infers shapes, lists the cuts, prints them. */

import { type LoadedModel, loadModel } from '@featherwire/authoring';
import {
  type Cost,
  type Cut,
  declaredShapes,
  type InputShapes,
  indexGraph,
  listCuts,
} from '@featherwire/onnx';
import type { CommandContext } from '../context.js';
import { inFile } from '../files.js';
import { createProgress } from '../terminal/progress.js';
import { type Column, formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import {
  formatBytes,
  formatCount,
  formatLargeCount,
  formatNumberOf,
  formatShape,
  formatShare,
  UNKNOWN,
} from '../terminal/units.js';

/** What the options parse to. */
export interface CutsOptions {
  readonly shape?: InputShapes;
  readonly json?: true;
}

/** Lists the cuts of a model. */
export async function cuts(
  file: string,
  options: CutsOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const progress = createProgress(terminal);
  try {
    if (terminal.stderr.isTTY) progress.stage('infer shapes');
    const loaded = await inFile(file, () => loadModel(file, options.shape));
    signal.throwIfAborted();
    const found = listCuts(loaded.model, { shapes: loaded.shapes, sizes: loaded.sizes });
    progress.close();
    if (options.json) printJson(terminal.stdout, recordOf(loaded, found));
    else printCuts(loaded, found, terminal);
  } finally {
    progress.close();
  }
}

function recordOf({ file, model, shapes }: LoadedModel, found: readonly Cut[]): object {
  const inputs = indexGraph(model).inputs.map((name) => shapes.get(name) ?? { name });
  return {
    model: file,
    inputs,
    cuts: found.map(({ name, tensor, elements, bytes, head, tail }) => ({
      name,
      dtype: tensor?.dtype ?? null,
      shape: tensor?.shape ?? null,
      elements,
      bytes,
      head,
      tail,
    })),
  };
}

const COLUMNS: readonly Column[] = [
  { header: 'tensor' },
  { header: 'type' },
  { header: 'shape' },
  { header: 'elements', align: 'right' },
  { header: 'bytes', align: 'right' },
  { header: 'head MACs', align: 'right' },
  { header: 'share', align: 'right' },
  { header: 'tail MACs', align: 'right' },
  { header: 'head weights', align: 'right' },
  { header: 'share', align: 'right' },
  { header: 'tail weights', align: 'right' },
];

function printCuts(loaded: LoadedModel, found: readonly Cut[], { stdout, env }: Terminal): void {
  const styles = stylesOf(stdout, env);
  const inputs = [...declaredShapes(loaded.model).values()].filter(({ name }) =>
    indexGraph(loaded.model).inputs.includes(name),
  );
  const described = inputs
    .map(({ name, dtype, shape }) => `${name} ${dtype} ${formatShape(shape)}`)
    .join(', ');
  printLines(stdout, `${formatNumberOf(found.length, 'cut')} of ${loaded.file}, input ${described}`);
  if (found.length === 0) return;
  printLines(stdout, '', ...formatTable(COLUMNS, found.map(rowOf), styles));
  if (found.some(({ elements }) => elements === null)) {
    printLines(stdout, '', `${UNKNOWN} depends on dimensions of the input that --shape can fix`);
  }
}

function rowOf({ name, tensor, elements, bytes, head, tail }: Cut): string[] {
  return [
    name,
    tensor?.dtype ?? UNKNOWN,
    formatShape(tensor?.shape ?? null),
    formatCount(elements),
    formatBytes(bytes),
    formatLargeCount(head.macs),
    shareOf(head, tail, 'macs'),
    formatLargeCount(tail.macs),
    formatLargeCount(head.parameters),
    shareOf(head, tail, 'parameters'),
    formatLargeCount(tail.parameters),
  ];
}

function shareOf(head: Cost, tail: Cost, key: keyof Cost): string {
  const before = head[key];
  const after = tail[key];
  return before === null || after === null ? UNKNOWN : formatShare(before, before + after);
}
