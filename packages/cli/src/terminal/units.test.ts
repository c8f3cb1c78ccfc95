import { expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatExactBytes,
  formatLargeCount,
  formatMs,
  formatNumberOf,
  formatReal,
  formatShape,
  formatShare,
} from './units.js';

test('bytes have three digits and change their unit before four', () => {
  expect([0, 812, 1023, 1024, 76_800, 1_048_064, 1_048_576, 2 ** 31].map(formatBytes)).toEqual([
    '0 B',
    '812 B',
    '1023 B',
    '1.00 KiB',
    '75.0 KiB',
    '1.00 MiB',
    '1.00 MiB',
    '2.00 GiB',
  ]);
  expect(formatBytes(null)).toBe('?');
});

test('large counts have three digits', () => {
  expect([999, 1000, 12_345, 999_499, 999_500, 1.23e9].map(formatLargeCount)).toEqual([
    '999',
    '1.00 k',
    '12.3 k',
    '999 k',
    '1.00 M',
    '1.23 G',
  ]);
});

test('exact numbers have commas between thousands', () => {
  expect(formatCount(19_200)).toBe('19,200');
  expect(formatExactBytes(1)).toBe('1 byte');
  expect(formatExactBytes(1234)).toBe('1,234 bytes');
  expect(formatNumberOf(1, 'run')).toBe('1 run');
  expect(formatNumberOf(2, 'run')).toBe('2 runs');
});

test('small and large reals are written with an exponent', () => {
  expect([0, 0.007975, 1.5, 123_456, 0.000002549, 1e-5, -3.2e9, Number.NaN].map(formatReal)).toEqual([
    '0',
    '0.007975',
    '1.5',
    '123500',
    '2.55e-6',
    '1e-5',
    '-3.2e9',
    'NaN',
  ]);
});

test('milliseconds keep two to three digits', () => {
  expect([0.034, 2.345, 24.31, 187.6].map(formatMs)).toEqual(['0.03', '2.35', '24.3', '188']);
});

test('a share of nothing and an unknown shape have their signs', () => {
  expect(formatShare(1, 8)).toBe('12.5 %');
  expect(formatShare(0, 0)).toBe('-');
  expect(formatShape(null)).toBe('?');
  expect(formatShape([])).toBe('[]');
  expect(formatShape(['N', 3, 48])).toBe('[N, 3, 48]');
});

test('times to wait', () => {
  expect([400, 48_000, 125_400, 4_800_000].map(formatDuration)).toEqual([
    '0 s',
    '48 s',
    '2:05 min',
    '1:20 h',
  ]);
});
