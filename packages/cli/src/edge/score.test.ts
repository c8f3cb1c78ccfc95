import type { Label, Sample } from '@featherwire/eval';
import { tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { metricOfTask } from './score.js';

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
