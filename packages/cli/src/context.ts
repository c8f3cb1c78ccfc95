/** What every command gets beside its arguments. */

import type { Terminal } from './terminal/terminal.js';

/** Streams, environment, and the wish to stop. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Raised by SIGINT and SIGTERM; its reason is an `InterruptedError`. */
  readonly signal: AbortSignal;
  /**
   * Calls the listener at each SIGHUP, which ends the process as long as there is none.
   * @returns a function that takes the listener away
   */
  readonly onHangup: (listener: () => void) => () => void;
}

/** A signal asked the command to stop; exit status 128 + the signal's number, as shells expect. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitStatus: number;

  constructor(signal: string, signalNumber: number) {
    super(`interrupted by ${signal}`);
    this.exitStatus = 128 + signalNumber;
  }
}

/** Resolves once a signal is raised. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
