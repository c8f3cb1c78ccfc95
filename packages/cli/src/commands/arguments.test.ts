import { Command } from 'commander';
import { expect, test } from 'vitest';
import {
  copiesArgument,
  integerIn,
  listArgument,
  shapeArgument,
  urlArgument,
  valueArgument,
} from './arguments.js';
import { addQuantizerOptions, type QuantizerOptions, quantizerOf } from './quantizer-options.js';

test('integers outside the range, with fractions or letters are refused', () => {
  const parse = integerIn(2, 16);
  expect([parse('2'), parse('16')]).toEqual([2, 16]);
  for (const text of ['1', '17', '2.5', '4x', '', '1e1', '0x4', '9007199254740993']) {
    expect(() => parse(text), text).toThrow('Expected an integer from 2 to 16.');
  }
});

test('shapes add up, and names may hold an equals sign', () => {
  expect(shapeArgument('x=1,3,48,320')).toEqual({ x: [1, 3, 48, 320] });
  expect(shapeArgument('a=b=2', { x: [1] })).toEqual({ x: [1], 'a=b': [2] });
  for (const text of ['x', 'x=', '=1', 'x=1,', 'x=1,a', 'x=-1'])
    expect(() => shapeArgument(text), text).toThrow('Expected');
  expect(() => shapeArgument('x=1', { x: [2] })).toThrow('once');
});

test('copies add up, each a list of changes', () => {
  const [mirrored, moved] = [
    { isMirrored: true, maxShift: 0 },
    { isMirrored: false, maxShift: 4 },
  ];
  expect(copiesArgument('mirror, shift:4')).toEqual([mirrored, moved]);
  expect(copiesArgument('shift:12+mirror', [moved])).toEqual([moved, { isMirrored: true, maxShift: 12 }]);
  for (const text of [
    '',
    'turn',
    'shift',
    'shift:0',
    'shift:-1',
    'mirror+mirror',
    'shift:1+shift:2',
    'mirror,',
  ])
    expect(() => copiesArgument(text), text).toThrow('Expected');
});

test('values add up, and are numbers', () => {
  expect(valueArgument('sr=16000')).toEqual({ sr: [16_000] });
  expect(valueArgument('a=b=-1.5,2e3', { sr: [1] })).toEqual({ sr: [1], 'a=b': [-1.5, 2000] });
  for (const text of ['x', 'x=', '=1', 'x=1,', 'x=a', 'x=Infinity'])
    expect(() => valueArgument(text), text).toThrow('Expected');
  expect(() => valueArgument('x=1', { x: [2] })).toThrow('once');
});

test('lists add up and have no empty names', () => {
  expect(listArgument('a,b', ['c'])).toEqual(['c', 'a', 'b']);
  expect(() => listArgument('a,')).toThrow('Expected names');
});

test('addresses have one of the schemes', () => {
  const parse = urlArgument('http:', 'ws:');
  expect(parse('http://127.0.0.1:80').host).toBe('127.0.0.1');
  expect(() => parse('ftp://a')).toThrow('Expected an address');
  expect(() => parse('localhost')).toThrow('Expected an address');
});

function parseQuantizer(...args: string[]): ReturnType<typeof quantizerOf> {
  const command = addQuantizerOptions(
    new Command('x').exitOverride().configureOutput({ writeErr: () => undefined }),
  );
  command.parse(args, { from: 'user' });
  return quantizerOf(command.opts<QuantizerOptions>());
}

test('options choose one quantizer', () => {
  const minmax = { kind: 'minmax' };
  expect(parseQuantizer()).toEqual({ kind: 'uniform', levelCount: 256, range: minmax });
  expect(parseQuantizer('--levels', '7', '--clip', '-1.5,2e1')).toEqual({
    kind: 'uniform',
    levelCount: 7,
    range: { kind: 'fixed', low: -1.5, high: 20 },
  });
  expect(parseQuantizer('--bits', '4', '--clip', 'minmax')).toEqual({
    kind: 'asymmetric',
    bits: 4,
    range: minmax,
  });
  expect(parseQuantizer('--levels', '4', '--clip', 'model')).toEqual({
    kind: 'uniform',
    levelCount: 4,
    range: { kind: 'model' },
  });
  expect(parseQuantizer('--raw')).toEqual({ kind: 'none' });
  expect(parseQuantizer('--integer')).toEqual({ kind: 'integer' });
  expect(parseQuantizer('--lossless')).toEqual({ kind: 'lossless' });
});

test('options that contradict each other are refused', () => {
  for (const args of [
    ['--levels', '4', '--bits', '2'],
    ['--raw', '--integer'],
    ['--raw', '--clip', '0,1'],
    ['--integer', '--levels', '4'],
    ['--lossless', '--levels', '4'],
    ['--lossless', '--bits', '4'],
    ['--lossless', '--raw'],
    ['--lossless', '--integer'],
    ['--lossless', '--clip', 'model'],
  ]) {
    expect(() => parseQuantizer(...args), args.join(' ')).toThrow('cannot be used with');
  }
});

test('clip limits have to be two numbers in order, also as float32', () => {
  for (const range of ['1', '1,1', '2,1', 'a,b', '0,1,2', '0,', '0,Infinity', '1,1.00000000001']) {
    expect(() => parseQuantizer('--clip', range), range).toThrow('Expected minmax');
  }
});
