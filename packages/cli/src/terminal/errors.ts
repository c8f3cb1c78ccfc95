/** Errors as one line on standard error, and the exit statuses. */

import { CommanderError } from 'commander';
import { InterruptedError } from '../context.js';
import { stylesOf, type Terminal } from './terminal.js';

/** Exit statuses of the command. */
export const EXIT = Object.freeze({ success: 0, failure: 1, usage: 2 });

/** The command was used wrongly: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was asked for failed, and the message says it all: exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Errors whose message is written for people; they come from the packages by name. */
const TOLD_ERRORS: ReadonlySet<string> = new Set([
  'UsageError',
  'CommandError',
  'InterruptedError',
  'RangeError',
  'TypeError',
  'NpyError',
  'BitstreamError',
  'BackendUnavailableError',
  'OnnxError',
  'InferenceError',
  'BundleError',
  'DataSetError',
  'JournalError',
  'SuiteError',
  'ToolError',
  'TrainError',
  'TransportError',
  'SplitUnavailableError',
  'RemoteError',
  'ServerStartError',
  'FleetError',
]);

const SYSTEM_REASONS: Readonly<Record<string, string>> = Object.freeze({
  ENOENT: 'no such file or directory',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EISDIR: 'a directory',
  ENOTDIR: 'a path through something that is no directory',
  ENOSPC: 'no space left on the device',
  EROFS: 'a read-only file system',
  EMFILE: 'too many open files',
  EEXIST: 'a path that is taken',
});

/**
 * Prints an error as one line, with its stack under `FEATHERWIRE_DEBUG`.
 * @returns the exit status that it stands for
 */
export function reportError(error: unknown, { stderr, env }: Terminal): number {
  if (error instanceof CommanderError) return statusOfCommander(error);
  const { red } = stylesOf(stderr, env);
  stderr.write(`${red('error:')} ${describeError(error)}\n`);
  if (env.FEATHERWIRE_DEBUG && error instanceof Error) stderr.write(`${stackOf(error)}\n`);
  if (error instanceof InterruptedError) return error.exitStatus;
  return error instanceof UsageError ? EXIT.usage : EXIT.failure;
}

/** What went wrong, in one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(`unexpected: ${String(error)}`);
  if (isSystemError(error)) return oneLine(describeSystemError(error));
  if (TOLD_ERRORS.has(error.name)) return oneLine(error.message);
  return oneLine(`unexpected ${error.name}: ${error.message}`);
}

/** Text without line breaks or other control characters, which a message may carry over from a file. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** Help and version were asked for (status 0), or parsing failed and commander has printed why. */
function statusOfCommander({ exitCode, code }: CommanderError): number {
  const asked = exitCode === 0 && code !== 'commander.help';
  return asked ? EXIT.success : EXIT.usage;
}

function isSystemError(error: Error): error is NodeJS.ErrnoException {
  return 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

function describeSystemError(error: NodeJS.ErrnoException): string {
  const { code = '', path, message } = error;
  return path && code in SYSTEM_REASONS
    ? `${path} expected a path that can be read, got ${reasonOf(error)}`
    : message;
}

/** Why the operating system refused, in a few words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const reason = isSystemError(error) ? SYSTEM_REASONS[error.code ?? ''] : undefined;
  return reason ?? oneLine(error.message);
}

function stackOf(error: Error): string {
  const { cause } = error;
  const own = error.stack ?? String(error);
  return cause instanceof Error ? `${own}\ncaused by ${stackOf(cause)}` : own;
}
