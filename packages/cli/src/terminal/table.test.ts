import { expect, test } from 'vitest';
import { formatPairs, formatTable } from './table.js';
import { stylesOf } from './terminal.js';

const plain = stylesOf(process.stdout, { NO_COLOR: '1' });

test('columns are as wide as their widest cell, numbers stand to the right, lines end without spaces', () => {
  const columns = [{ header: 'name' }, { header: 'bytes', align: 'right' as const }, { header: 'note' }];
  expect(
    formatTable(
      columns,
      [
        ['long name', '7', ''],
        ['a', '12,345', 'x'],
      ],
      plain,
    ),
  ).toEqual(['name        bytes  note', 'long name       7', 'a          12,345  x']);
});

test('pairs without a value are left out', () => {
  const pairs = [
    ['a', '1'],
    ['long', undefined],
    ['bb', '2'],
  ] as const;
  expect(formatPairs(pairs, plain)).toEqual(['a   1', 'bb  2']);
});

test('letters outside the basic plane count as one column', () => {
  expect(formatTable([{ header: 'h' }, { header: 'i' }], [['𝒳', 'y']], plain)).toEqual(['h  i', '𝒳  y']);
});
