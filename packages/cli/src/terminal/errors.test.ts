import { readFileSync } from 'node:fs';
import { BitstreamError } from '@featherwire/codec';
import { expect, test } from 'vitest';
import { createMemoryTerminal } from '../../test/memory-terminal.js';
import { InterruptedError } from '../context.js';
import { CommandError, describeError, reportError, UsageError } from './errors.js';

function report(error: unknown, env: Record<string, string> = {}): { status: number; printed: string } {
  const { terminal, errors } = createMemoryTerminal(env);
  const status = reportError(error, terminal);
  return { status, printed: errors() };
}

test('a failure is one line and status 1, a wrong use 2, a signal 128 and its number', () => {
  expect(report(new CommandError('a expected b,\n got\tc\u0007'))).toEqual({
    status: 1,
    printed: 'error: a expected b, got c\n',
  });
  expect(report(new UsageError('x')).status).toBe(2);
  expect(report(new InterruptedError('SIGTERM', 15)).status).toBe(143);
});

test('errors of the packages say what they say', () => {
  const error = new BitstreamError('wrong-magic', 'preamble', 0, 'the bytes F5 46 57 expected');
  expect(describeError(error)).toBe('preamble at byte 0: the bytes F5 46 57 expected');
});

test('what nobody foresaw is called unexpected', () => {
  expect(describeError(new Error('x'))).toBe('unexpected Error: x');
  expect(describeError('x')).toBe('unexpected: x');
});

test('errors of the file system name the path and the reason', () => {
  try {
    readFileSync('/no/such/file');
  } catch (error) {
    expect(describeError(error)).toBe(
      '/no/such/file expected a path that can be read, got no such file or directory',
    );
  }
  expect.assertions(1);
});

test('FEATHERWIRE_DEBUG adds the stack and those of the causes', () => {
  const error = new CommandError('outer', { cause: new Error('inner') });
  const { printed } = report(error, { FEATHERWIRE_DEBUG: '1' });
  expect(printed).toMatch(/^error: outer\nCommandError: outer\n[\s\S]*\ncaused by Error: inner\n/);
});
