/** What `featherwire demo` does: runs the main job with a server of its own and prints the table. */

import { fileURLToPath } from 'node:url';
import { formatDemoTable, runDemo } from '@featherwire/demo';
import type { CommandContext } from '../context.js';
import { createProgress } from '../terminal/progress.js';
import { printJson, printLines } from '../terminal/terminal.js';

/** What the options parse to. */
export interface DemoOptions {
  readonly quick?: true;
  readonly json?: true;
}

/** Starts this very command as a server, on a port of its own choice. */
const SERVER_COMMAND = [
  process.execPath,
  fileURLToPath(new URL('../main.js', import.meta.url)),
  'serve',
  '--port',
  '0',
] as const;

/** Runs the demo. */
export async function demo(options: DemoOptions, { terminal, signal }: CommandContext): Promise<void> {
  const reporter = createProgress(terminal);
  const { quick = false, json = false } = options;
  try {
    const result = await runDemo({ quick, serverCommand: SERVER_COMMAND, reporter, signal });
    reporter.close();
    if (json) printJson(terminal.stdout, result);
    else printLines(terminal.stdout, formatDemoTable(result).trimEnd());
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    reporter.close();
  }
}
