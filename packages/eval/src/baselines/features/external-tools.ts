/** Coders that are programs of their own: finding them, running them on files of a temporary directory. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A program is missing or failed. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  /** As it was called. */
  readonly tool: string;

  constructor(tool: string, message: string, options?: ErrorOptions) {
    super(`${tool}: ${message}`, options);
    this.tool = tool;
  }
}

/** What a program may print before it is stopped. */
const MAX_OUTPUT_BYTES = 1 << 24;
const TIMEOUT_MS = 600_000;

/**
 * Runs a program to its end.
 * @returns what it wrote on standard output and standard error
 * @throws {ToolError} if there is no such program, it fails, or it takes over ten minutes
 */
export async function runTool(tool: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(tool, [...args], {
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: TIMEOUT_MS,
    });
    return stdout + stderr;
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string };
    const reason = code === 'ENOENT' ? 'not installed' : (stderr?.trim().split('\n').at(-1) ?? String(cause));
    throw new ToolError(tool, reason, { cause });
  }
}

/** Wall time of programs outside, milliseconds: their start, reading and writing their files are part of it. */
export interface ProgramTimes {
  readonly encodeMs: number;
  readonly decodeMs: number;
}

/** Runs a program to its end. @returns its wall time, milliseconds @throws {ToolError} as `runTool` */
export async function timeTool(tool: string, args: readonly string[]): Promise<number> {
  const start = performance.now();
  await runTool(tool, args);
  return performance.now() - start;
}

/** Sum over several runs, possibly side by side. */
export function sumOfPrograms(times: readonly ProgramTimes[]): ProgramTimes {
  return {
    encodeMs: times.reduce((sum, { encodeMs }) => sum + encodeMs, 0),
    decodeMs: times.reduce((sum, { decodeMs }) => sum + decodeMs, 0),
  };
}

/** Why a program cannot be used, null if it can. @param wanted - must be in what it prints */
export async function missingTool(
  tool: string,
  args: readonly string[],
  wanted?: RegExp,
): Promise<string | null> {
  try {
    const printed = await runTool(tool, args);
    return !wanted || wanted.test(printed) ? null : `${tool} has no ${wanted.source}`;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return error.message;
  }
}

/** Runs `work` with an empty directory that is removed afterwards. */
export async function withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'featherwire-baseline-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
