/**
 * What a search has done so far, in a directory: the number of its steps, the results of finished runs, the checkpoint of
 * the run at hand. Every file is written beside its final name and renamed, so that a search that is killed at any moment
 * goes on from a whole state.
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bytesOfData } from '@featherwire/tensor';
import { TrainError } from '../../errors.js';

const FORMAT = 'featherwire-search-1';
const FILE = 'search.json';

/** A finished run. */
export interface FinishedRun {
  readonly loss: number;
  readonly parameters: Float32Array;
}

/** The state of a search. */
export interface SearchJournal {
  /** Steps of the whole search. */
  readonly steps: number;
  /** True if the search had begun before. */
  readonly isResumed: boolean;
  /** @throws {TrainError} `bad-checkpoint` if the run's parameters are not what was written */
  finished(id: string): Promise<FinishedRun | undefined>;
  finish(id: string, run: FinishedRun): Promise<void>;
  /** File for the checkpoints of a run. */
  checkpointFile(id: string): string;
  /** Removes the directory. */
  discard(): Promise<void>;
}

interface Content {
  readonly format: typeof FORMAT;
  readonly search: string;
  readonly steps: number;
  readonly runs: Readonly<Record<string, { readonly loss: number; readonly sha256: string }>>;
}

/**
 * Opens the journal in a directory, or begins one.
 * @param search - what the search follows from; a journal of another is refused
 * @param chooseSteps - called where a search begins
 * @throws {TrainError} `bad-checkpoint` if what is there is no journal, or one of another search
 */
export async function openJournal(
  directory: string,
  search: string,
  chooseSteps: () => Promise<number>,
): Promise<SearchJournal> {
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, FILE);
  const found = await readContent(file);
  if (found && found.search !== search)
    throw new TrainError('bad-checkpoint', `'${file}' is of a search with other data or settings`);
  let content: Content = found ?? { format: FORMAT, search, steps: await chooseSteps(), runs: {} };
  if (!found) await replaceFile(file, `${JSON.stringify(content)}\n`);
  const parametersFile = (id: string): string => path.join(directory, `${id}.parameters`);
  const checkpointFile = (id: string): string => path.join(directory, `${id}.checkpoint`);
  return {
    steps: content.steps,
    isResumed: found !== undefined,
    checkpointFile,
    async finished(id) {
      const run = content.runs[id];
      if (!run) return undefined;
      const bytes = Uint8Array.from(await readFile(parametersFile(id)));
      if (sha256Of(bytes) !== run.sha256)
        throw new TrainError('bad-checkpoint', `'${parametersFile(id)}' is damaged`);
      return { loss: run.loss, parameters: new Float32Array(bytes.buffer) };
    },
    async finish(id, { loss, parameters }) {
      const bytes = bytesOfData(parameters);
      await replaceFile(parametersFile(id), bytes);
      content = { ...content, runs: { ...content.runs, [id]: { loss, sha256: sha256Of(bytes) } } };
      await replaceFile(file, `${JSON.stringify(content)}\n`);
      await rm(checkpointFile(id), { force: true });
    },
    discard: () => rm(directory, { recursive: true, force: true }),
  };
}

async function readContent(file: string): Promise<Content | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const content = JSON.parse(text) as Content;
    if (content.format === FORMAT) return content;
  } catch (cause) {
    throw new TrainError('bad-checkpoint', `'${file}' is no journal of a search`, { cause });
  }
  throw new TrainError('bad-checkpoint', `'${file}' is no journal of this version`);
}

async function replaceFile(file: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${file}.unfinished`;
  await writeFile(unfinished, content);
  await rename(unfinished, file);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
