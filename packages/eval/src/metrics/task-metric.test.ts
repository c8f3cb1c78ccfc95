import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import type { Label, Sample } from '../data/data-set.js';
import { agreementOfTask, metricOfTask } from './task-metric.js';

function sampleOf(label: Label): Sample {
  return { id: 's', label, input: { kind: 'tensor', tensor: tensor('float32', [1], Float32Array.of(0)) } };
}

test('a class is scored from scores and from the index of the best one alike', () => {
  const metric = metricOfTask({ kind: 'classification', output: 'y', classes: ['cat', 'dog', 'cow'] });
  const scores = { y: tensor('float32', [1, 3], Float32Array.of(0.1, 0.7, 0.2)) };
  const index = { y: tensor('int32', [1], Int32Array.of(1)) };
  for (const outputs of [scores, index]) {
    expect(metric.score(outputs, sampleOf(1))).toEqual({ numerator: 1, denominator: 1 });
    expect(metric.score(outputs, sampleOf('dog'))).toEqual({ numerator: 1, denominator: 1 });
    expect(metric.score(outputs, sampleOf('cow'))).toEqual({ numerator: 0, denominator: 1 });
    expect(() => metric.score(outputs, sampleOf('bird'))).toThrow(
      "expected a class as its label, got 'bird'",
    );
  }
});

test('text is scored from scores and from indices alike', () => {
  const metric = metricOfTask({ kind: 'ctc-text', output: 'y', alphabet: ['', 'a', 'b'] });
  const indices = [1, 1, 0, 2, 2];
  const scores = Float32Array.from({ length: 15 }, (_, i) => (i % 3 === indices[Math.floor(i / 3)] ? 1 : 0));
  const outputs = [
    { y: tensor('float32', [1, 5, 3], scores) },
    { y: tensor('int32', [1, 5], Int32Array.from(indices)) },
  ];
  for (const output of outputs) {
    expect(metric.score(output, sampleOf('ab'))).toEqual({ numerator: 0, denominator: 2 });
    expect(metric.score(output, sampleOf('aab'))).toEqual({ numerator: 1, denominator: 3 });
    expect(() => metric.score(output, sampleOf(3))).toThrow('expected a text as its label, got 3');
  }
});

test('an output of another form is refused', () => {
  const outputs = { y: tensor('int64', [1, 2], BigInt64Array.of(0n, 1n)) };
  const text = metricOfTask({ kind: 'ctc-text', output: 'y', alphabet: ['', 'a'] });
  expect(() => text.score(outputs, sampleOf('a'))).toThrow('output expected float32 [1, T, K]');
  const classes = metricOfTask({ kind: 'classification', output: 'y' });
  expect(() => classes.score(outputs, sampleOf(0))).toThrow('output expected float32 [1, K]');
});

describe('agreement with the unsplit network', () => {
  const scores = (shape: number[], ...values: number[]) =>
    tensor('float32', shape, Float32Array.from(values));

  test('of classifiers: the same best class', () => {
    const { score, better } = agreementOfTask({ kind: 'classification', output: 'y' });
    expect(better).toBe('higher');
    const reference = { y: scores([1, 3], 0, 2, 1), aside: scores([1, 1], 5) };
    expect(score({ y: scores([1, 3], -1, 9, 8), aside: scores([1, 1], 6) }, reference)).toEqual({
      numerator: 1,
      denominator: 1,
    });
    expect(score({ y: scores([1, 3], 3, 2, 1) }, reference)).toEqual({ numerator: 0, denominator: 1 });
  });

  test('of recognizers: characters that differ', () => {
    const { score, better } = agreementOfTask({ kind: 'ctc-text', output: 'y', alphabet: ['', 'a', 'b'] });
    expect(better).toBe('lower');
    const text = (...indices: number[]) => ({ y: tensor('int32', [1, 3], Int32Array.from(indices)) });
    expect(score(text(1, 0, 2), text(1, 0, 1))).toEqual({ numerator: 1, denominator: 2 });
  });

  test('without a task: all places of all outputs', () => {
    const { score } = agreementOfTask(undefined);
    const reference = {
      map: scores([1, 2, 1, 3], ...[1, 1, 0], ...[0, 0, 1]), // classes 0, 0, 1
      count: tensor('int64', [2], BigInt64Array.of(3n, 4n)),
    };
    const outputs = {
      map: scores([1, 2, 1, 3], ...[1, 0, 0], ...[0, 1, 1]), // classes 0, 1, 1
      count: tensor('int64', [2], BigInt64Array.of(3n, 5n)),
    };
    expect(score(outputs, reference)).toEqual({ numerator: 3, denominator: 5 });
    expect(score(reference, reference)).toEqual({ numerator: 5, denominator: 5 });
  });

  test('outputs of another form are refused', () => {
    const { score } = agreementOfTask(undefined);
    expect(() => score({ y: scores([1, 2], 1, 2) }, { y: scores([1, 3], 1, 2, 3) })).toThrow(
      'got float32 [1, 2]',
    );
    expect(() => score({ y: scores([2], 1, 2) }, { y: scores([2], 1, 2) })).toThrow('[N, K, …]');
  });
});
