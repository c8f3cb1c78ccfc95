import { tensor } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { type DetectionTask, detectedBoxes } from './detected-boxes.js';
import { agreementOfTask, metricOfTask } from './task-metric.js';

const TASK: DetectionTask = {
  kind: 'detection',
  output: 'scores',
  boxes: 'boxes',
  minScore: 0.5,
  maxOverlap: 0.3,
  background: 0,
};

/** Candidates of two classes, the first no object: the score of the second, then the corners. */
function outputsOf(...candidates: readonly (readonly number[])[]) {
  const scores = candidates.flatMap(([score]) => [1 - score, score]);
  const corners = candidates.flatMap(([, ...box]) => box);
  return {
    scores: tensor('float32', [1, candidates.length, 2], Float32Array.from(scores)),
    boxes: tensor('float32', [1, candidates.length, 4], Float32Array.from(corners)),
  };
}

const SURE = [0.875, 0, 0, 0.5, 0.5] as const;
const COVERED = [0.75, 0, 0, 0.5, 0.375] as const;
const ASIDE = [0.625, 0.5, 0.5, 1, 1] as const;
const UNSURE = [0.25, 0.5, 0, 1, 0.5] as const;

test('sure candidates that no surer one covers are found, surest first; the background is no object', () => {
  const found = detectedBoxes(outputsOf(ASIDE, COVERED, SURE, UNSURE), TASK);
  expect(found).toEqual([
    { left: 0, top: 0, right: 0.5, bottom: 0.5, label: 1, score: 0.875 },
    { left: 0.5, top: 0.5, right: 1, bottom: 1, label: 1, score: 0.625 },
  ]);
  const { background: _, ...everything } = TASK;
  expect(detectedBoxes(outputsOf(UNSURE), everything)).toMatchObject([{ label: 0, score: 0.75 }]);
});

test('outputs of another form are refused', () => {
  const { scores } = outputsOf(SURE);
  const boxes = tensor('float32', [1, 2, 4], new Float32Array(8));
  expect(() => detectedBoxes({ scores, boxes }, TASK)).toThrow('boxes expected float32 [1, 1, 4]');
  const flat = tensor('float32', [2], new Float32Array(2));
  expect(() => detectedBoxes({ scores: flat, boxes }, TASK)).toThrow('scores expected float32 [1, N, K]');
});

test('agreement is the F1 of the boxes, twice the matches over all boxes', () => {
  const { score, better } = agreementOfTask(TASK);
  expect(better).toBe('higher');
  expect(score(outputsOf(SURE), outputsOf(SURE, ASIDE))).toEqual({ numerator: 2, denominator: 3 });
  expect(score(outputsOf(UNSURE), outputsOf(UNSURE))).toEqual({ numerator: 0, denominator: 0 });
});

test('labels are boxes', () => {
  const { score } = metricOfTask(TASK);
  const label = [{ label: 1, left: 0, top: 0, right: 0.5, bottom: 0.45 }];
  expect(score(outputsOf(SURE, ASIDE), { id: 'a', label })).toEqual({ numerator: 2, denominator: 3 });
  expect(() => score(outputsOf(SURE), { id: 'a', label: 1 })).toThrow('sample a expected boxes as its label');
  const masks = metricOfTask({ kind: 'segmentation', output: 'y' });
  expect(() => masks.score({}, { id: 'a', label })).toThrow(
    'expected a map of classes as its label, got boxes',
  );
});
