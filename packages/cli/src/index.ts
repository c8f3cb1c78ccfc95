/** The `featherwire` command as a function of its streams. */

export { type CommandContext, InterruptedError } from './context.js';
export { createProgram } from './program.js';
export { CommandError, describeError, EXIT, reportError, UsageError } from './terminal/errors.js';
export type { OutputStream, Styles, Terminal } from './terminal/terminal.js';
