/** Parts of a manifest that people write themselves: preprocessing and task, as JSON in the manifest's form. */

import type { ImagePreprocessing, Task } from '@featherwire/bundle';
import { readInput } from '../files.js';
import { CommandError } from '../terminal/errors.js';
import type { Terminal } from '../terminal/terminal.js';

/**
 * Reads preprocessing; its fields are checked with the manifest.
 * @throws {CommandError} if it is no JSON object
 */
export async function readPreprocessing(file: string, terminal: Terminal): Promise<ImagePreprocessing> {
  return (await readJsonObject(file, terminal)) as unknown as ImagePreprocessing;
}

/**
 * Reads a task; its fields are checked with the manifest.
 * @param source - `classification`, `segmentation`, or the name of a JSON file, which detection needs
 * @param outputs - of the bundle; a task that names none is about the only one
 * @throws {CommandError} if it is no JSON object, or does not say which of several outputs it is about
 */
export async function readTask(
  source: string,
  outputs: readonly string[],
  terminal: Terminal,
): Promise<Task> {
  const isKind = source === 'classification' || source === 'segmentation';
  const fields = isKind ? { kind: source } : await readJsonObject(source, terminal);
  if ('output' in fields) return fields as unknown as Task;
  if (outputs.length !== 1) {
    throw new CommandError(`task expected an output, one of ${outputs.join(', ')}, got none`);
  }
  return { ...fields, output: outputs[0] } as unknown as Task;
}

async function readJsonObject(file: string, terminal: Terminal): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await readInput(file, terminal));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`${file} expected JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new CommandError(
    `${file} expected a JSON object, got ${Array.isArray(value) ? 'a list' : typeof value}`,
  );
}
