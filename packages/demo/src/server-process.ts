/** The tail server as a process of its own, started by the command that the caller gives. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A running server. */
export interface ServerProcess {
  readonly url: string;
  /** Asks the server to finish and waits until it has; ends it after a grace period. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const KEPT_ERROR_CHARACTERS = 2_000;

/**
 * Starts a server and waits until it prints its URL.
 * @param command - program and arguments; it must print a line that holds `http://…` when it is ready
 * @throws if it ends first or does not get ready within a minute; the message holds what it wrote to standard error
 */
export async function startServerProcess(command: readonly string[]): Promise<ServerProcess> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-KEPT_ERROR_CHARACTERS);
  });
  try {
    const url = await urlFromOutput(child);
    return { url, stop: () => stop(child) };
  } catch (cause) {
    child.kill('SIGKILL');
    throw new Error(`the server did not start: ${errors.trim() || String(cause)}`, { cause });
  }
}

async function urlFromOutput(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (!stdout) throw new TypeError('stdout expected a pipe, got none');
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no URL within ${START_TIMEOUT_MS} ms`)),
      START_TIMEOUT_MS,
    );
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      action();
    };
    let printed = '';
    stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const url = /https?:\/\/[^\s,]+(?=\s)/.exec(printed);
      if (url) settle(() => resolve(url[0].replace(/\/$/, '')));
    });
    child.once('exit', (code, signal) => settle(() => reject(new Error(`it ended with ${signal ?? code}`))));
    child.once('error', (error) => settle(() => reject(error)));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
