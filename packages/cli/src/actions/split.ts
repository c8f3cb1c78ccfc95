/** What `featherwire split` does: reads what the options name, splits, prints what was written. */

import { existsSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import {
  type LoadedModel,
  loadModel,
  type SplitPlan,
  type SplitResult,
  splitToBundle,
} from '@featherwire/authoring';
import type { TensorMap } from '@featherwire/inference';
import { graphOf, type InputShapes, type InputValues } from '@featherwire/onnx';
import { readNpy } from '@featherwire/tensor';
import type { CommandContext } from '../context.js';
import { inFile, readInput } from '../files.js';
import { type BundleContentOptions, readBundleContent } from '../split/bundle-content.js';
import { CommandError, UsageError } from '../terminal/errors.js';
import { createProgress } from '../terminal/progress.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatBytes, formatLargeCount, formatNumberOf, formatReal, formatShape } from '../terminal/units.js';

/** What the options parse to. */
export interface SplitOptions extends BundleContentOptions {
  readonly at: readonly string[];
  readonly output: string;
  readonly shape?: InputShapes;
  readonly value?: InputValues;
  readonly keepWhole?: true;
  readonly force?: true;
  readonly runs: number;
  readonly input?: readonly string[];
  readonly json?: true;
}

/** Splits a model into a bundle. */
export async function split(
  file: string,
  options: SplitOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  if (options.runs === 0 && !options.input) {
    throw new UsageError('--runs expected at least 1 without --input, got 0');
  }
  if (!options.force && existsSync(options.output)) {
    throw new CommandError(
      `--output expected a free path without --force, got ${options.output}, which exists`,
    );
  }
  const progress = createProgress(terminal);
  try {
    progress.stage('infer shapes');
    const loaded = await inFile(file, () => loadModel(file, options.shape, options.value));
    signal.throwIfAborted();
    const plan: SplitPlan = {
      tensors: options.at,
      directory: options.output,
      ...(await readBundleContent(options, loaded, terminal)),
      keepWhole: options.keepWhole ?? false,
      overwrite: options.force ?? false,
      runs: options.runs,
      inputs: await readInputs(options.input ?? [], loaded, terminal),
    };
    const result = await splitToBundle(loaded, plan, { onStage: (label) => progress.stage(label), signal });
    progress.close();
    if (options.json) printJson(terminal.stdout, recordOf(result));
    else printSplit(options.output, result, terminal);
  } finally {
    progress.close();
  }
}

/** Each text is one input of the model: `file.npy`, or `a=file.npy,b=file.npy` for a model with several. */
async function readInputs(
  texts: readonly string[],
  { model, sizes }: LoadedModel,
  terminal: Terminal,
): Promise<TensorMap[]> {
  const weights = new Set(graphOf(model).initializer.map(({ name }) => name));
  const names = graphOf(model).input.flatMap(({ name }) => (weights.has(name) ? [] : [name]));
  const described = names.map((name) => `${name}=FILE ${formatShape(sizes.get(name)?.shape ?? null)}`);
  const read = async (path: string) => inFile(path, async () => readNpy(await readInput(path, terminal)));
  return Promise.all(
    texts.map(async (text) => {
      const pairs = text.split(',').map((part): readonly [string, string] => {
        const name = names.find((candidate) => part.startsWith(`${candidate}=`));
        return name === undefined ? [names[0], part] : [name, part.slice(name.length + 1)];
      });
      if (pairs.length !== names.length || new Set(pairs.map(([name]) => name)).size !== names.length) {
        throw new UsageError(`--input expected ${described.join(', ')}, got '${text}'`);
      }
      const tensors = await Promise.all(pairs.map(async ([name, path]) => [name, await read(path)] as const));
      return Object.fromEntries(tensors);
    }),
  );
}

function recordOf({ bundle, proof }: SplitResult): object {
  const { manifest, digest, directory } = bundle;
  const { operatingPoints: _, task, ...rest } = manifest;
  return { directory, digest, ...rest, task: task && { kind: task.kind, output: task.output }, proof };
}

function printSplit(target: string, { bundle, proof }: SplitResult, { stdout, env }: Terminal): void {
  const styles = stylesOf(stdout, env);
  const { manifest, digest } = bundle;
  const tensors = (specs: typeof manifest.cut): string =>
    specs.map(({ name, dtype, shape }) => `${name} ${dtype} ${formatShape(shape)}`).join(', ');
  const rows = (['head', 'tail', 'whole'] as const).flatMap((name) => {
    const part = manifest[name];
    if (!part) return [];
    const bytes = [part, ...(part.externalData ?? [])].reduce((sum, entry) => sum + entry.bytes, 0);
    return [
      [name, part.file, formatBytes(bytes), formatLargeCount(part.parameters), formatLargeCount(part.macs)],
    ];
  });
  const right = (header: string) => ({ header, align: 'right' as const });
  const columns = [{ header: 'part' }, { header: 'file' }, right('size'), right('weights'), right('MACs')];
  printLines(
    stdout,
    `${styles.green('✓')} ${styles.bold(manifest.model.name)} is cut in two: ${shortPath(target)}`,
    '',
    ...formatPairs(
      [
        ['input', tensors(manifest.inputs)],
        ['cut', tensors(manifest.cut)],
        ['output', tensors(manifest.outputs)],
        ['proof', describeProof(proof)],
        ['digest', digest],
      ],
      styles,
    ),
    '',
    ...formatTable(columns, rows, styles),
  );
}

function describeProof({ runs, maxRelativeError, tolerance, perOutput }: SplitResult['proof']): string {
  const error = `${formatReal(maxRelativeError)} of the output's range at most, ${formatReal(tolerance)} allowed`;
  const constant = Object.entries(perOutput).filter(([, { range }]) => range === 0);
  const doubt =
    constant.length === 0 ? '' : `; constant in every run: ${constant.map(([name]) => name).join(', ')}`;
  return `head + tail = whole on ${formatNumberOf(runs, 'input')}, off by ${error}${doubt}`;
}

/** Relative to here where that is shorter and stays below. */
function shortPath(target: string): string {
  const below = relative('.', resolve(target));
  return below === '' || below.startsWith(`..${sep}`) || isAbsolute(below) ? resolve(target) : below;
}
