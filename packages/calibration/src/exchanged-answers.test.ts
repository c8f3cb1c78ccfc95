import type { TensorMap } from '@featherwire/inference';
import { expect, test } from 'vitest';
import { lossOfExchange } from './exchanged-answers.js';
import type { MeasuringBench } from './measure.js';

/** Answers as numbers; a hit is an answer that is the reference's. */
function benchOf(answers: readonly number[], width: (sample: number) => number = () => 1): MeasuringBench {
  const answerOf = ({ y }: TensorMap) => Number(y.data[0]);
  return {
    reference: async (samples: readonly number[]) =>
      samples.map((sample) => {
        const data = new Float32Array(width(sample)).fill(answers[sample]);
        return { y: { dtype: 'float32', shape: [1, data.length], data } };
      }),
    score: async (outputs: TensorMap, reference: TensorMap) => ({
      numerator: answerOf(outputs) === answerOf(reference) ? 1 : 0,
      denominator: 1,
    }),
    better: 'higher',
  } as Partial<MeasuringBench> as MeasuringBench;
}

test('samples with one answer lose nothing, the next one with another answer loses', async () => {
  const samples = [0, 1, 2, 3];
  expect((await lossOfExchange(samples, benchOf([7, 7, 7, 7]), 0.95))?.value).toBe(0);
  // 7 → 7, 7 → 8, 8 → 8, 8 → 7: two of four.
  expect((await lossOfExchange(samples, benchOf([7, 7, 8, 8]), 0.95))?.value).toBe(50);
});

test('answers of several shapes are not exchanged', async () => {
  expect(
    await lossOfExchange(
      [0, 1],
      benchOf([7, 7], (sample) => 1 + sample),
      0.95,
    ),
  ).toBeNull();
});
