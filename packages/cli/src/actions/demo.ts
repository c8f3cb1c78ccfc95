/** What `featherwire demo` does: runs the main job with a server of its own and prints the table. */

import { fileURLToPath } from 'node:url';
import { type DemoResult, formatDemoTable, runDemo } from '@featherwire/demo';
import { aborted, type CommandContext } from '../context.js';
import { createProgress } from '../terminal/progress.js';
import { printJson, printLines } from '../terminal/terminal.js';

/** What the options parse to. */
export interface DemoOptions {
  readonly quick?: true;
  readonly json?: true;
  readonly studio?: true;
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
  const { quick = false, json = false, studio = false } = options;
  const serverCommand = studio ? [...SERVER_COMMAND, '--studio'] : SERVER_COMMAND;
  const beforeEnd = async (result: DemoResult, serverUrl: string): Promise<void> => {
    reporter.close();
    if (json) printJson(terminal.stdout, result);
    else printLines(terminal.stdout, formatDemoTable(result).trimEnd());
    if (!studio) return;
    printLines(terminal.stderr, `studio at ${serverUrl}/ until this is interrupted`);
    await aborted(signal);
  };
  try {
    await runDemo({ quick, serverCommand, reporter, signal, beforeEnd });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    reporter.close();
  }
}
