import { expect, test } from 'vitest';
import { createMemoryTerminal } from '../../test/memory-terminal.js';
import { createProgress } from './progress.js';
import { printJson, stylesOf } from './terminal.js';

test('color is for terminals, and off with NO_COLOR or TERM=dumb', () => {
  const styled = (isTTY: boolean, env: Record<string, string>): string =>
    stylesOf(createMemoryTerminal({}, isTTY).terminal.stdout, env).red('x');
  expect(styled(true, {})).toBe('\u001b[31mx\u001b[39m');
  expect(styled(false, {})).toBe('x');
  expect(styled(true, { NO_COLOR: '1' })).toBe('x');
  expect(styled(true, { TERM: 'dumb' })).toBe('x');
});

test('JSON keeps short lists on one line and changes no value', () => {
  const { terminal, output } = createMemoryTerminal();
  const value = {
    shape: [1, 3],
    none: [],
    text: '[\n  1,\n  2\n]',
    nested: [[1], { a: ['[', ']'] }],
    long: Array(60).fill(100),
  };
  printJson(terminal.stdout, value);
  expect(JSON.parse(output())).toEqual(value);
  expect(output()).toContain('"shape": [1, 3]');
});

test('without a terminal, progress is plain lines', () => {
  const { terminal, output, errors } = createMemoryTerminal();
  const progress = createProgress(terminal);
  progress.stage('read');
  progress.progress(1, 2);
  progress.note('odd');
  progress.close();
  expect(errors()).toBe('read\nodd\n');
  expect(output()).toBe('');
});

test('on a terminal, a stage under a second leaves nothing to see', () => {
  const { terminal, errors } = createMemoryTerminal({}, true);
  const progress = createProgress(terminal);
  progress.stage('read');
  progress.progress(1, 2);
  progress.close();
  expect(errors()).toBe('\r\u001b[K'); // the line is cleared
});
