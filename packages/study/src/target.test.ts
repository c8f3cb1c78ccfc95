import type { DataSet } from '@featherwire/eval';
import { describe, expect, test } from 'vitest';
import { drawSamples, type StudyTarget } from './target.js';

function dataOf(length: number): DataSet {
  const sample = () => Promise.reject(new Error('not read'));
  return { name: 'data', description: `${length} samples`, length, sample };
}

function targetOf(data: DataSet, calibrationData: DataSet, sampleCount: number): StudyTarget {
  const open = () => Promise.reject(new Error('not opened'));
  return { network: 'net', cut: ['a'], data, calibrationData, sampleCount, against: 'labels', open };
}

describe('drawn samples', () => {
  test('of one data set are apart and the same again', () => {
    const data = dataOf(100);
    const drawn = drawSamples(targetOf(data, data, 60), 30, 7);
    expect(drawn.test).toHaveLength(60);
    expect(drawn.seen).toHaveLength(30);
    expect(new Set([...drawn.test, ...drawn.seen]).size).toBe(90);
    expect(drawSamples(targetOf(data, data, 60), 30, 7)).toEqual(drawn);
    expect(drawSamples(targetOf(data, data, 60), 30, 8)).not.toEqual(drawn);
  });

  test('of two data sets are as many as there are, at most as asked for', () => {
    const drawn = drawSamples(targetOf(dataOf(5), dataOf(3), 60), 2, 1);
    expect(drawn.test).toEqual([0, 1, 2, 3, 4]);
    expect(drawn.seen).toHaveLength(2);
  });

  test('too few are refused', () => {
    const data = dataOf(3);
    expect(() => drawSamples(targetOf(data, data, 2), 10, 1)).toThrow('2 to design from, got 3');
  });
});
