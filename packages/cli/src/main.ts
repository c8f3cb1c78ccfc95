#!/usr/bin/env node
/** Entry of the `featherwire` command: streams, signals, exit status. */

import { constants } from 'node:os';
import { InterruptedError } from './context.js';
import { createProgram } from './program.js';
import { EXIT, reportError } from './terminal/errors.js';
import type { Terminal } from './terminal/terminal.js';

const { stdin, stdout, stderr, env } = process;
const terminal: Terminal = { stdin, stdout, stderr, env };

// Whoever read the output has gone: there is nobody to tell.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.success : EXIT.failure);
  });
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    const reason = new InterruptedError(name, constants.signals[name]);
    if (stopping.signal.aborted) process.exit(reason.exitStatus);
    stopping.abort(reason);
  });
}

const onHangup = (listener: () => void): (() => void) => {
  process.on('SIGHUP', listener);
  return () => process.off('SIGHUP', listener);
};

try {
  await createProgram({ terminal, signal: stopping.signal, onHangup }).parseAsync();
} catch (error) {
  process.exitCode = reportError(error, terminal);
}
