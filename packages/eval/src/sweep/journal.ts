/**
 * A sweep's rows on disk, one line of JSON each, so that an interrupted sweep goes on where it stopped. A line that was
 * not written to its end is dropped.
 */

import { type FileHandle, open, readFile, truncate } from 'node:fs/promises';

/** Rows by key. */
export interface Journal<Row> {
  /** The row written under a key before; undefined if there is none. */
  get(key: string): Row | undefined;
  /** Writes a row; it is on disk when this resolves. */
  put(key: string, row: Row): Promise<void>;
  close(): Promise<void>;
}

/** A journal cannot be used. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

interface Line<Row> {
  readonly key: string;
  readonly row: Row;
}

/**
 * Opens a journal or begins one.
 * @param settings - whatever the rows depend on; a journal of other settings is refused
 * @throws {JournalError} if the file is no journal, or one of other settings; {Error} of the file system
 */
export async function openJournal<Row>(file: string, settings: unknown): Promise<Journal<Row>> {
  const header = JSON.stringify({ journal: 2, settings });
  const { lines, validBytes } = await readLines(file);
  const rows = new Map<string, Row>();
  if (lines.length > 0) {
    const [first, ...rest] = lines;
    if (first !== header)
      throw new JournalError(`journal ${file} expected settings ${header}, got ${first.slice(0, 1000)}`);
    for (const line of rest) {
      const { key, row } = parseLine<Row>(line, file);
      rows.set(key, row);
    }
    await truncate(file, validBytes);
  }
  const handle = await open(file, 'a');
  if (lines.length === 0) await writeLine(handle, header);
  return {
    get: (key) => rows.get(key),
    async put(key, row) {
      await writeLine(handle, JSON.stringify({ key, row } satisfies Line<Row>));
      rows.set(key, row);
    },
    close: () => handle.close(),
  };
}

/** Whole lines of a file, none if it is not there, and how many bytes they take. */
async function readLines(file: string): Promise<{ lines: string[]; validBytes: number }> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const end = text.lastIndexOf('\n') + 1;
  const whole = text.slice(0, end);
  if (end === 0 && text !== '') throw new JournalError(`journal ${file} expected lines, got none`);
  return { lines: whole === '' ? [] : whole.slice(0, -1).split('\n'), validBytes: Buffer.byteLength(whole) };
}

function parseLine<Row>(line: string, file: string): Line<Row> {
  try {
    const parsed = JSON.parse(line) as Partial<Line<Row>>;
    if (typeof parsed.key === 'string' && parsed.row !== undefined)
      return { key: parsed.key, row: parsed.row };
  } catch (cause) {
    throw new JournalError(`journal ${file} expected a line of JSON, got ${line.slice(0, 100)}`, { cause });
  }
  throw new JournalError(`journal ${file} expected a key and a row, got ${line.slice(0, 100)}`);
}

async function writeLine(handle: FileHandle, line: string): Promise<void> {
  await handle.write(`${line}\n`);
  await handle.sync();
}
