/** Files as commands take and give them: `-` for the standard streams, sizes looked at first, writes in one step. */

import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CommandError, reasonOf } from './terminal/errors.js';
import type { Terminal } from './terminal/terminal.js';

/** Stands for standard input or output in the place of a file name. */
export const STANDARD_STREAM = '-';

/** Largest file that is read whole: one below 2 GiB, what a buffer and a protobuf message may have. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Reads a file, or standard input for `-`.
 * @throws {CommandError} if it is over 2 GiB or no file; {Error} of the file system
 */
export async function readInput(path: string, { stdin }: Terminal): Promise<Uint8Array> {
  return path === STANDARD_STREAM ? readStream(stdin) : readWholeFile(path);
}

/** Name of an input for messages. */
export function inputName(path: string): string {
  return path === STANDARD_STREAM ? 'standard input' : path;
}

/**
 * Writes a file so that it is there whole or not at all, or to standard output for `-`.
 * @throws {CommandError} if the file system refuses; nothing is left behind then
 */
export async function writeOutput(path: string, bytes: Uint8Array, { stdout }: Terminal): Promise<void> {
  if (path === STANDARD_STREAM) {
    await new Promise<void>((resolve) => stdout.write(bytes, () => resolve()));
    return;
  }
  try {
    // A rename would replace /dev/null or a named pipe by a file.
    if (await isDeviceOrPipe(path)) await writeInto(path, bytes, 'w');
    else await replaceFile(path, bytes);
  } catch (cause) {
    throw new CommandError(`${path} expected a path that can be written, got ${reasonOf(cause)}`, { cause });
  }
}

async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.partial`);
  try {
    await writeInto(temporary, bytes, 'wx');
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Adds the name of a file to the message of an error about its content; the error itself is the cause. */
export async function inFile<T>(path: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof Error) || 'syscall' in cause) throw cause;
    throw new CommandError(`${inputName(path)}: ${cause.message}`, { cause });
  }
}

async function readWholeFile(path: string): Promise<Uint8Array> {
  const status = await stat(path);
  if (status.isDirectory()) throw new CommandError(`${path} expected a file, got a directory`);
  if (status.size > MAX_FILE_BYTES) throw tooLarge(path, status.size);
  return readFile(path);
}

async function readStream(stream: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
    length += bytes.length;
    if (length > MAX_FILE_BYTES) throw tooLarge(inputName(STANDARD_STREAM), length);
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}

function tooLarge(name: string, bytes: number): CommandError {
  return new CommandError(`${name} expected at most ${MAX_FILE_BYTES} bytes, got ${bytes}`);
}

async function isDeviceOrPipe(path: string): Promise<boolean> {
  try {
    const status = await stat(path);
    return !status.isFile() && !status.isDirectory();
  } catch {
    return false;
  }
}

async function writeInto(path: string, bytes: Uint8Array, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
