/** What `featherwire cuts` does: infers shapes, lists the cuts, prints those asked for. */

import { type LoadedModel, loadModel } from '@featherwire/authoring';
import {
  type ControlFlow,
  type Cost,
  type CutSet,
  type CutSetList,
  type CutTensor,
  controlFlowOf,
  declaredInputs,
  HEAD_WORK_AND_BYTES,
  type InputShapes,
  type InputValues,
  indexGraph,
  lastOfEqualSets,
  listCutSets,
  type RefusedTensor,
  unbeatenSets,
  WORK_AND_BYTES,
} from '@featherwire/onnx';
import type { CommandContext } from '../context.js';
import { inFile } from '../files.js';
import { CommandError } from '../terminal/errors.js';
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
  readonly value?: InputValues;
  readonly maxTensors: number;
  readonly under?: number;
  readonly with?: string;
  readonly front?: true;
  readonly all?: true;
  readonly sort: 'computation' | 'bytes' | 'tensors';
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
    const loaded = await inFile(file, () => loadModel(file, options.shape, options.value));
    signal.throwIfAborted();
    if (terminal.stderr.isTTY) progress.stage('find cuts');
    const { model, shapes, sizes } = loaded;
    const found = listCutSets(model, { shapes, sizes, maxTensors: options.maxTensors });
    progress.close();
    const chosen = { sets: choose(found, options), refused: found.refused };
    if (options.json) printJson(terminal.stdout, recordOf(loaded, chosen));
    else printCuts(loaded, chosen, terminal);
  } finally {
    progress.close();
  }
}

/** The sets that the options ask for. */
function choose({ sets, refused }: CutSetList, options: CutsOptions): CutSet[] {
  const { under, with: tensor } = options;
  let chosen = sets.filter(({ bytes }) => under === undefined || (bytes !== null && bytes < under));
  if (tensor === undefined) chosen = unbeaten(chosen, options);
  else {
    checkListed(tensor, { sets, refused });
    chosen = chosen.filter(({ tensors }) => tensors.some(({ name }) => name === tensor));
  }
  const known = (bytes: number | null): number => bytes ?? Number.POSITIVE_INFINITY;
  if (options.sort === 'bytes') chosen.sort((a, b) => (known(a.bytes) < known(b.bytes) ? -1 : 1));
  if (options.sort === 'tensors') chosen.sort((a, b) => a.tensors.length - b.tensors.length);
  return chosen;
}

/** Single tensors are always told; of larger sets those that are of use. */
function unbeaten(sets: CutSet[], { front, all }: CutsOptions): CutSet[] {
  if (all) return sets;
  if (front) return lastOfEqualSets(unbeatenSets(sets, HEAD_WORK_AND_BYTES), HEAD_WORK_AND_BYTES);
  const kept = new Set(unbeatenSets(sets, WORK_AND_BYTES));
  return sets.filter((set) => kept.has(set) || set.tensors.length === 1);
}

function checkListed(tensor: string, { sets, refused }: CutSetList): void {
  if (sets.some(({ tensors }) => tensors.some(({ name }) => name === tensor))) return;
  const refusal = refused.find(({ name }) => name === tensor);
  const reason = refusal ? reasonOf(refusal) : 'the model holds no such tensor that data passes through';
  throw new CommandError(`--with expected a tensor to cut at, got ${tensor}: ${reason}`);
}

function reasonOf({ node, reason, tensors }: RefusedTensor): string {
  switch (reason) {
    case 'too-many-tensors':
      return `made by ${node}, it takes ${tensors.length} tensors to cut there: ${tensors.join(', ')}`;
    case 'no-tensor':
      return `made by ${node}, it crosses together with ${tensors.join(', ')}, which is no numeric tensor`;
    case 'random-value':
      return `made by ${node}, it crosses where both sides read one random value`;
    default:
      return reason satisfies never;
  }
}

function recordOf({ file, model, shapes }: LoadedModel, { sets, refused }: CutSetList): object {
  const inputs = indexGraph(model).inputs.map((name) => shapes.get(name) ?? { name });
  const tensorRecord = ({ name, content, tensor, elements, bytes }: CutTensor): object => ({
    name,
    content,
    dtype: tensor?.dtype ?? null,
    shape: tensor?.shape ?? null,
    elements,
    bytes,
  });
  return {
    model: file,
    inputs,
    cuts: sets.map(({ tensors, ...rest }) => ({ tensors: tensors.map(tensorRecord), ...rest })),
    refused,
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

function printCuts(loaded: LoadedModel, { sets, refused }: CutSetList, { stdout, env }: Terminal): void {
  const styles = stylesOf(stdout, env);
  const described = declaredInputs(loaded.model)
    .map(({ name, dtype, shape }) => `${name} ${dtype} ${formatShape(shape)}`)
    .join(', ');
  printLines(stdout, `${formatNumberOf(sets.length, 'cut')} of ${loaded.file}, input ${described}`);
  if (sets.length > 0) printLines(stdout, '', ...formatTable(COLUMNS, sets.flatMap(rowsOf), styles));
  if (sets.some(({ elements }) => elements === null)) {
    printLines(stdout, '', `${UNKNOWN} depends on dimensions of the input that --shape can fix`);
  }
  const notes = [...summaryOf(refused), ...controlFlowOf(loaded.model).map(describeControlFlow)];
  if (notes.length > 0) printLines(stdout, '', ...notes);
}

function describeControlFlow({ node, conditionInputs }: ControlFlow): string {
  if (conditionInputs.length === 0) return `no cut goes through ${node}, which is one node`;
  const inputs = conditionInputs.join(', ');
  return `no cut goes through ${node}: its condition follows from ${inputs}, which --value or --shape may fix`;
}

/** One line for each tensor of the set; where there are several, the first line is for all of them. */
function rowsOf({ tensors, elements, bytes, head, tail }: CutSet): string[][] {
  const costs = [
    formatLargeCount(head.macs),
    shareOf(head, tail, 'macs'),
    formatLargeCount(tail.macs),
    formatLargeCount(head.parameters),
    shareOf(head, tail, 'parameters'),
    formatLargeCount(tail.parameters),
  ];
  if (tensors.length === 1) return [[...tensorCells(tensors[0]), ...costs]];
  const total = [formatNumberOf(tensors.length, 'tensor'), '', '', formatCount(elements), formatBytes(bytes)];
  const blank = costs.map(() => '');
  return [[...total, ...costs], ...tensors.map((tensor) => [...tensorCells(tensor, '  '), ...blank])];
}

function tensorCells({ name, content, tensor, elements, bytes }: CutTensor, indent = ''): string[] {
  const mark = content === 'shape' ? ' (shape)' : '';
  return [
    `${indent}${name}${mark}`,
    tensor?.dtype ?? UNKNOWN,
    formatShape(tensor?.shape ?? null),
    formatCount(elements),
    formatBytes(bytes),
  ];
}

/** How many tensors are in no set, and why; an example for each reason. */
function summaryOf(refused: readonly RefusedTensor[]): string[] {
  const reasons = [...new Set(refused.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const group = refused.filter((entry) => entry.reason === reason);
    return `no cut at ${formatNumberOf(group.length, 'tensor')}, such as ${group[0].name}: ${reasonOf(group[0])}`;
  });
}

function shareOf(head: Cost, tail: Cost, key: keyof Cost): string {
  const before = head[key];
  const after = tail[key];
  return before === null || after === null ? UNKNOWN : formatShare(before, before + after);
}
