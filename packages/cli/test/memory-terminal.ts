/** A terminal whose output is kept in memory, for tests in this process. */

import { PassThrough } from 'node:stream';
import type { OutputStream, Terminal } from '../src/terminal/terminal.js';

/** A terminal and what was written to it. */
export interface MemoryTerminal {
  readonly terminal: Terminal;
  output(): string;
  errors(): string;
}

/** @param env - environment; empty by default, so without color */
export function createMemoryTerminal(env: Terminal['env'] = {}, isTTY = false): MemoryTerminal {
  const stdout = createSink(isTTY);
  const stderr = createSink(isTTY);
  return {
    terminal: { stdin: new PassThrough(), stdout: stdout.stream, stderr: stderr.stream, env },
    output: stdout.text,
    errors: stderr.text,
  };
}

function createSink(isTTY: boolean): { readonly stream: OutputStream; readonly text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream: Object.assign(stream, { isTTY }), text: () => Buffer.concat(chunks).toString() };
}
