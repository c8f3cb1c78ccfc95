/** What a bundle holds beside head and tail, from the options of a command. */

import type { ArgMax, LoadedModel, SplitPlan } from '@featherwire/authoring';
import { graphOf } from '@featherwire/onnx';
import type { Terminal } from '../terminal/terminal.js';
import { readPreprocessing, readTask } from './manifest-files.js';

/** What the options parse to. */
export interface BundleContentOptions {
  /** `scores` or `scores:1`. */
  readonly argmax?: string;
  /** Name of a JSON file. */
  readonly preprocessing?: string;
  /** `classification`, or the name of a JSON file. */
  readonly task?: string;
}

/**
 * Reads what the options name.
 * @throws {CommandError} as `readPreprocessing` and `readTask`
 */
export async function readBundleContent(
  options: BundleContentOptions,
  loaded: LoadedModel,
  terminal: Terminal,
): Promise<Pick<SplitPlan, 'argMax' | 'preprocessing' | 'task'>> {
  const argMax = options.argmax === undefined ? undefined : argMaxOf(options.argmax, loaded);
  const outputs = graphOf(loaded.model).output.map(({ name }) =>
    name === argMax?.output ? `${name}_argmax` : name,
  );
  return {
    argMax,
    preprocessing: await optional(options.preprocessing, (name) => readPreprocessing(name, terminal)),
    task: await optional(options.task, (source) => readTask(source, outputs, terminal)),
  };
}

function optional<T>(text: string | undefined, read: (text: string) => Promise<T>): Promise<T | undefined> {
  return text === undefined ? Promise.resolve(undefined) : read(text);
}

/** `scores`, or `scores:1`; the whole text if an output has that very name. */
function argMaxOf(text: string, { model }: LoadedModel): ArgMax {
  const names = graphOf(model).output.map(({ name }) => name);
  const [, output, axis] = /^(.+):(-?\d+)$/.exec(text) ?? [];
  if (names.includes(text) || output === undefined) return { output: text, axis: -1 };
  return { output, axis: Number(axis) };
}
