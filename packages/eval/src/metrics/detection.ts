/** Detection: boxes of two detectors, or of one and the truth, matched by how far they overlap. */

import type { Ratio } from './ratio.js';

/** A box in any unit, sides parallel to the axes; `right` and `bottom` are not below `left` and `top`. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A box that a detector found. */
export interface Detection extends Box {
  /** Number or name of the class; boxes of different classes never match. */
  readonly label: number | string;
  /** More is surer. */
  readonly score: number;
}

/** A box that should be found. */
export interface ExpectedBox extends Box {
  readonly label: number | string;
}

/** Overlap from which boxes match, as is usual in detection. */
export const DEFAULT_OVERLAP = 0.5;

/** Area of the intersection over that of the union, 0 to 1; 0 if both are empty. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (!(width > 0 && height > 0)) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
}

function areaOf({ left, top, right, bottom }: Box): number {
  return (right - left) * (bottom - top);
}

/**
 * The detections that none of higher score and equal label overlaps: greedy non-maximum suppression.
 * @param overlap - intersection over union above which the weaker box goes
 * @returns by descending score; equal scores in the order given
 */
export function suppressOverlaps<T extends Detection>(detections: readonly T[], overlap: number): T[] {
  const kept: T[] = [];
  for (const detection of byScore(detections)) {
    const covered = kept.some(
      (stronger) =>
        stronger.label === detection.label && intersectionOverUnion(stronger, detection) > overlap,
    );
    if (!covered) kept.push(detection);
  }
  return kept;
}

/**
 * One picture's share of the F1 score: twice the matches over all boxes of both sides, so that the pooled ratio of many
 * pictures is their F1. A picture without boxes on either side counts nothing.
 * @param overlap - intersection over union from which a pair may match
 */
export function detectionMatches(
  expected: readonly ExpectedBox[],
  found: readonly Detection[],
  overlap = DEFAULT_OVERLAP,
): Ratio {
  const matched = matchBoxes(expected, found, overlap).filter(({ isMatch }) => isMatch).length;
  return { numerator: 2 * matched, denominator: expected.length + found.length };
}

/** Boxes of one picture. */
export interface PictureBoxes {
  readonly expected: readonly ExpectedBox[];
  readonly found: readonly Detection[];
}

/** Overlaps of the mean average precision of COCO: 0.5, 0.55 … 0.95. */
export const COCO_OVERLAPS: readonly number[] = Array.from({ length: 10 }, (_, i) => (10 + i) / 20);

/** Recalls at which COCO reads the precision: 0, 0.01 … 1. */
const RECALL_STEPS = 100;

/**
 * Mean average precision as COCO defines it, without its limit of detections: the mean over labels and overlaps of the
 * precision, read at 101 recalls, where precision is that of the best threshold of at least that recall.
 * @returns 0 to 1, NaN if nothing is expected. Labels that no picture expects are left out
 */
export function meanAveragePrecision(
  pictures: readonly PictureBoxes[],
  overlaps: readonly number[] = COCO_OVERLAPS,
): number {
  const labels = new Set(pictures.flatMap(({ expected }) => expected.map(({ label }) => label)));
  let sum = 0;
  for (const label of labels) {
    const ofLabel = pictures.map(({ expected, found }) => ({
      expected: expected.filter((box) => box.label === label),
      found: found.filter((box) => box.label === label),
    }));
    for (const overlap of overlaps) sum += averagePrecision(ofLabel, overlap);
  }
  return sum / (labels.size * overlaps.length);
}

function averagePrecision(pictures: readonly PictureBoxes[], overlap: number): number {
  const expectedCount = pictures.reduce((count, { expected }) => count + expected.length, 0);
  const judged = pictures.flatMap(({ expected, found }) => matchBoxes(expected, found, overlap));
  let matches = 0;
  const curve = byScore(judged).map(({ isMatch }, i) => {
    if (isMatch) matches++;
    return { recall: matches / expectedCount, precision: matches / (i + 1) };
  });
  for (let i = curve.length - 2; i >= 0; i--)
    curve[i].precision = Math.max(curve[i].precision, curve[i + 1].precision);
  let sum = 0;
  for (let step = 0; step <= RECALL_STEPS; step++)
    sum += curve.find(({ recall }) => recall >= step / RECALL_STEPS)?.precision ?? 0;
  return sum / (RECALL_STEPS + 1);
}

/** Whether each detection has an expected box of its own: the surest first takes the free one that it overlaps most. */
function matchBoxes(
  expected: readonly ExpectedBox[],
  found: readonly Detection[],
  overlap: number,
): { readonly score: number; readonly isMatch: boolean }[] {
  const free = new Set(expected);
  return byScore(found).map((detection) => {
    let best: ExpectedBox | undefined;
    let most = overlap;
    for (const box of free) {
      const shared = box.label === detection.label ? intersectionOverUnion(box, detection) : 0;
      if (shared >= most && (!best || shared > most)) {
        best = box;
        most = shared;
      }
    }
    if (best) free.delete(best);
    return { score: detection.score, isMatch: best !== undefined };
  });
}

function byScore<T extends { readonly score: number }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => b.score - a.score);
}
