/** Where a server writes what happens to it: one line of text at a time. */

/** A sink of log lines; `console` is one. */
export interface ServerLogger {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Drops everything. */
export const silentLogger: ServerLogger = Object.freeze({
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
});
