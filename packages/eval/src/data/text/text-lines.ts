/** The data set of rendered text lines: real prose, drawn small, blurred and noisy, the text as label. */

import { createRandom } from '@featherwire/tensor';
import { checkSampleIndex, type DataSet } from '../data-set.js';
import { drawLinePicture, registerLineFonts, type TextDifficulty } from './line-picture.js';
import { readProseLines, type TextSplit } from './prose.js';

/** Difficulty at which the unsplit PP-OCRv4 recogniser errs 4.4 % of characters (400 test lines, 95 %: 3.6 to 5.2). */
export const DEFAULT_TEXT_DIFFICULTY: TextDifficulty = Object.freeze({
  fontSize: { low: 18, high: 26 },
  blurSigma: { low: 0.7, high: 1.3 },
  noiseSigma: { low: 3, high: 7 },
  paperLevel: { low: 180, high: 240 },
  inkContrast: { low: 80, high: 160 },
  maxSlantDegrees: 0.6,
});

/** Options of `createTextLines`. */
export interface TextLinesOptions {
  /** Part of the prose; the two have no text in common. */
  readonly split: TextSplit;
  /** Number of lines, at least 1. */
  readonly count: number;
  /** Chooses lines and their looks; 1 by default. A larger count with the same seed starts with the same lines. */
  readonly seed?: number;
  readonly difficulty?: TextDifficulty;
}

/**
 * Prepares the data set; pictures are drawn when they are asked for.
 * @throws {RangeError} if `count` is not between 1 and the number of lines in the split
 * @throws {DataSetError} if the text or the fonts are not installed as expected
 */
export async function createTextLines(options: TextLinesOptions): Promise<DataSet<string>> {
  const { split, count, seed = 1, difficulty = DEFAULT_TEXT_DIFFICULTY } = options;
  const lines = await readProseLines(split);
  if (!Number.isInteger(count) || count < 1 || count > lines.length) {
    throw new RangeError(`count expected an integer from 1 to ${lines.length}, got ${count}`);
  }
  registerLineFonts();
  const texts = drawWithoutReplacement(lines, count, seed);
  return {
    name: `text lines (${split})`,
    length: count,
    description: `${count} rendered ${split} lines of Moby-Dick, seed ${seed}, ${describeDifficulty(difficulty)}`,
    sample: async (index) => {
      checkSampleIndex(index, count);
      const pixels = drawLinePicture(texts[index], difficulty, createRandom(sampleSeed(split, seed, index)));
      return { id: `${split}-${seed}-${index}`, input: { kind: 'pixels', pixels }, label: texts[index] };
    },
  };
}

/** The first `count` entries of a seeded shuffle (Fisher and Yates). */
function drawWithoutReplacement(lines: readonly string[], count: number, seed: number): string[] {
  const random = createRandom(seed);
  const pool = [...lines];
  for (let i = 0; i < count; i++) {
    const from = i + random.nextInteger(pool.length - i);
    [pool[i], pool[from]] = [pool[from], pool[i]];
  }
  return pool.slice(0, count);
}

/** Each line of each split has a stream of its own, so that samples can be read in any order. */
function sampleSeed(split: TextSplit, seed: number, index: number): number {
  const streamsPerIndex = 2; // one for each split
  const stream = streamsPerIndex * (index + 1) + (split === 'test' ? 1 : 0);
  return (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b)) >>> 0;
}

function describeDifficulty(difficulty: TextDifficulty): string {
  const range = ({ low, high }: { low: number; high: number }): string => `${low}-${high}`;
  const { fontSize, blurSigma, noiseSigma } = difficulty;
  return `size ${range(fontSize)} px, blur ${range(blurSigma)} px, noise ${range(noiseSigma)} levels`;
}
