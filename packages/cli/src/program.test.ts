import { expect, test } from 'vitest';
import { createMemoryTerminal } from '../test/memory-terminal.js';
import { createProgram } from './program.js';
import { reportError } from './terminal/errors.js';

async function parse(...args: string[]): Promise<{ status: number; output: string; errors: string }> {
  const { terminal, output, errors } = createMemoryTerminal();
  const program = createProgram({
    terminal,
    signal: new AbortController().signal,
    onHangup: () => () => undefined,
  });
  const status = await program.parseAsync(args, { from: 'user' }).then(
    () => 0,
    (error: unknown) => reportError(error, terminal),
  );
  return { status, output: output(), errors: errors() };
}

const COMMANDS = createProgram({
  terminal: createMemoryTerminal().terminal,
  signal: new AbortController().signal,
  onHangup: () => () => undefined,
}).commands.map((command) => command.name());

test('help lists every command and goes to standard output', async () => {
  const { status, output, errors } = await parse('--help');
  expect(status).toBe(0);
  expect(errors).toBe('');
  for (const command of COMMANDS) expect(output).toMatch(new RegExp(`^  ${command} `, 'm'));
});

test.each(COMMANDS)('%s has help with examples', async (command) => {
  const { status, output } = await parse(command, '--help');
  expect(status).toBe(0);
  expect(output).toMatch(new RegExp(`^  (.*\\| )?\\$ featherwire ${command}( |$)`, 'm'));
});

test('without a command, help goes to standard error with status 2', async () => {
  const { status, output, errors } = await parse();
  expect([status, output]).toEqual([2, '']);
  expect(errors).toContain('Usage: featherwire');
});

test('the version is that of the package', async () => {
  expect((await parse('--version')).output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [['encod'], "error: unknown command 'encod' (Did you mean encode?)"],
  [['encode', 'a', 'b', '--levles', '4'], "error: unknown option '--levles' (Did you mean --levels?)"],
  [['encode', 'a'], "error: missing required argument 'out.fwf'"],
  [['decode', 'a', 'b', 'c'], "error: too many arguments for 'decode'. Expected 2 arguments but got 3."],
  [['split', 'm.onnx', '-o', 'b'], "error: required option '--at <tensors>' not specified"],
  [
    ['run', 'b', '--server', 'x', '--data', 'd'],
    "error: option '--server <url>' argument 'x' is invalid. Expected",
  ],
  [
    ['run', 'b', '--server', 'http://a', '--data', 'd', '--point', 'p', '--raw'],
    "error: option '--raw' cannot be used with option '--point <id>'",
  ],
  [
    ['serve', 'b', '--port', '65536'],
    "error: option '--port <number>' argument '65536' is invalid. Expected",
  ],
  [['eval', '-o', 'r'], 'error: eval expected a bundle, a model or --suite, got none'],
  [['eval', 'm.onnx', '-o', 'r'], 'error: --data expected with a bundle or a model, got none'],
  [['eval', '--quick', '--full', '-o', 'r'], "error: option '--quick' cannot be used with option '--full'"],
  [['encode', 'a', '-', '--json'], 'error: --json expected an output file, got - (both would write'],
  [
    ['split', 'm.onnx', '--at', 'a', '-o', 'b', '--runs', '0'],
    'error: --runs expected at least 1 without --input',
  ],
])('%j is wrong use: one line, status 2', async (args, message) => {
  const { status, output, errors } = await parse(...args);
  expect([status, output]).toEqual([2, '']);
  expect(errors.startsWith(message), errors).toBe(true);
  expect(errors.indexOf('\n')).toBe(errors.length - 1);
});
