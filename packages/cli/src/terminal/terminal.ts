/** The three streams and the environment that the command talks through; passed in, so that tests can stand in. */

/** A stream to write to; `process.stdout` is one. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Where a command reads, prints results (`stdout`), and prints progress and errors (`stderr`). */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Text styles of one stream; each gives its text back unchanged where color is off. */
export interface Styles {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

/** Styles of a stream: color on a terminal alone, and not with `NO_COLOR` (no-color.org) or `TERM=dumb`. */
export function stylesOf(stream: OutputStream, env: Terminal['env']): Styles {
  const colored = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const style =
    (on: number, off: number) =>
    (text: string): string =>
      colored ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
  };
}

/** Writes lines to a stream. */
export function printLines(stream: OutputStream, ...lines: readonly string[]): void {
  stream.write(`${lines.join('\n')}\n`);
}

/** Longest list that stands on one line of a JSON document. */
const SHORT_LIST_LENGTH = 100;

/** Writes one JSON document, indented, with short lists of plain values on one line each. */
export function printJson(stream: OutputStream, value: unknown): void {
  // A line break in JSON is never part of a text, so what matches is a list and not a text that looks like one.
  const text = JSON.stringify(value, null, 2).replaceAll(
    /\[\n\s+([^[\]{}]*?)\n\s*\]/g,
    (list, items: string) => {
      const line = `[${items.replaceAll(/\n\s+/g, ' ')}]`;
      return line.length <= SHORT_LIST_LENGTH ? line : list;
    },
  );
  printLines(stream, text);
}
