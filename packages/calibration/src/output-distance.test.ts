import { tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { distanceOfTask, isGraded } from './output-distance.js';

const task = { kind: 'classification', output: 'y' } as const;
const scores = (...values: number[]) => ({
  y: tensor('float32', [1, values.length], Float32Array.from(values)),
});

test('scores are as far apart as their probabilities, whatever is added to all', () => {
  const distance = distanceOfTask(task);
  const [p, q] = [0.75, 0.5];
  const expected = p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
  expect(distance(scores(Math.log(3), 0), scores(5, 5))).toBeCloseTo(expected, 6);
  expect(distance(scores(1, 2, 3), scores(11, 12, 13))).toBeCloseTo(0, 9);
});

test('probabilities are taken as they are', () => {
  const expected = 0.75 * Math.log(0.75 / 0.5) + 0.25 * Math.log(0.25 / 0.5);
  expect(distanceOfTask(task)(scores(0.75, 0.25), scores(0.5, 0.5))).toBeCloseTo(expected, 6);
});

test('a lost sure answer counts more than a lost unsure one', () => {
  const distance = distanceOfTask(task);
  expect(distance(scores(20, 0), scores(0, 20))).toBeGreaterThan(10);
  expect(distance(scores(0.1, 0), scores(0, 0.1))).toBeLessThan(0.1);
});

test('letters are classes of steps, the distance is their mean', () => {
  const alphabet = ['', 'a'];
  const sequence = (...values: number[]) => ({ y: tensor('float32', [1, 2, 2], Float32Array.from(values)) });
  const ctc = distanceOfTask({ kind: 'ctc-text', output: 'y', alphabet });
  const one = distanceOfTask(task)(scores(1, 0), scores(0, 2));
  expect(ctc(sequence(1, 0, 5, 0), sequence(0, 2, 5, 0))).toBeCloseTo(one / 2, 6);
});

test('detections are as far apart as the classes of their candidates and their boxes', () => {
  const detection = { kind: 'detection', output: 'y', boxes: 'b', minScore: 0.5, maxOverlap: 0.5 } as const;
  const outputs = (boxes: number[], ...values: number[]) => ({
    y: tensor('float32', [1, 2, 2], Float32Array.from(values)),
    b: tensor('float32', [1, 2, 4], Float32Array.from(boxes)),
  });
  const distance = distanceOfTask(detection);
  const [still, moved] = [
    [0, 0, 1, 1, 0, 0, 1, 1],
    [0, 0, 1, 1, 0, 0, 1, 0],
  ];
  const one = distanceOfTask(task)(scores(1, 0), scores(0, 2));
  expect(distance(outputs(still, 1, 0, 5, 0), outputs(still, 0, 2, 5, 0))).toBeCloseTo(one / 2, 6);
  expect(distance(outputs(still, 1, 0, 5, 0), outputs(moved, 1, 0, 5, 0))).toBeCloseTo(1 / 4, 6);
});

test('integers tell only whether they are equal', () => {
  const indices = (...values: number[]) => ({
    y: tensor('int32', [1, values.length], Int32Array.from(values)),
  });
  expect(distanceOfTask(task)(indices(1, 2, 3, 4), indices(1, 2, 3, 5))).toBe(0.25);
  expect([isGraded(indices(1), task), isGraded(scores(1), task)]).toEqual([false, true]);
});
