/**
 * Draws one line of text as a small gray picture, like a crop from a poor scan: a DejaVu face, gray ink on a
 * gray ground, a slight slant, blur and noise, all drawn from one random source.
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Pixels } from '@featherwire/bundle';
import type { RandomSource } from '@featherwire/tensor';
import { createCanvas, GlobalFonts } from '@napi-rs/canvas';
import { DataSetError } from '../data-set.js';
import { addNoise, bytesOfValues, gaussianBlur } from './degradation.js';

/** Height of every picture in pixels, the height that the recogniser takes. */
export const LINE_HEIGHT = 48;
/** Width of every picture in pixels. */
export const LINE_WIDTH = 320;

/** An interval that a parameter is drawn from, uniformly. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How hard the pictures are to read. */
export interface TextDifficulty {
  /** Font size in pixels before the text is scaled down to fit the width. */
  readonly fontSize: Interval;
  /** Standard deviation of the blur in pixels. */
  readonly blurSigma: Interval;
  /** Standard deviation of the noise in gray levels of 0 … 255. */
  readonly noiseSigma: Interval;
  /** Gray level of the paper. */
  readonly paperLevel: Interval;
  /** Gray levels by which the ink is darker than the paper. */
  readonly inkContrast: Interval;
  /** Slant of the base line in degrees, either way. */
  readonly maxSlantDegrees: number;
}

/** A font file under the name that this package draws with. */
interface FontFace {
  readonly family: string;
  readonly file: string;
}

/** Registered under names of their own, so that fonts of the system never take their place. */
const FONT_FACES: readonly FontFace[] = [
  'DejaVuSans',
  'DejaVuSans-Bold',
  'DejaVuSans-Oblique',
  'DejaVuSansCondensed',
  'DejaVuSansMono',
  'DejaVuSerif',
  'DejaVuSerif-Bold',
  'DejaVuSerif-Italic',
  'DejaVuSerifCondensed',
].map((name) => ({ family: `Featherwire ${name}`, file: `${name}.ttf` }));

/** Free pixels at the left and right edge. */
const SIDE_MARGIN = 6;

/**
 * Makes the fonts known to the drawing library; may be called again.
 * @throws {DataSetError} if a font file is missing
 */
export function registerLineFonts(): void {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve('dejavu-fonts-ttf/package.json')), 'ttf');
  for (const { family, file } of FONT_FACES) {
    if (GlobalFonts.has(family)) continue;
    if (!GlobalFonts.registerFromPath(join(folder, file), family)) {
      throw new DataSetError('not-found', `font expected ${join(folder, file)}, got no readable font`);
    }
  }
}

/**
 * Draws a line. The same text, difficulty and random stream give the same bytes on one machine.
 * @param text - printable ASCII
 * @param random - advanced by a number of draws that does not depend on the text
 * @returns one channel, `LINE_WIDTH` x `LINE_HEIGHT`
 */
export function drawLinePicture(text: string, difficulty: TextDifficulty, random: RandomSource): Pixels {
  const draw = ({ low, high }: Interval): number => low + (high - low) * random.nextUniform();
  const paper = draw(difficulty.paperLevel);
  const ink = Math.max(0, paper - draw(difficulty.inkContrast));
  const blurSigma = draw(difficulty.blurSigma);
  const noiseSigma = draw(difficulty.noiseSigma);
  const coverage = drawCoverage(text, {
    family: FONT_FACES[random.nextInteger(FONT_FACES.length)].family,
    fontSize: draw(difficulty.fontSize),
    slantDegrees: draw({ low: -difficulty.maxSlantDegrees, high: difficulty.maxSlantDegrees }),
    horizontal: random.nextUniform(),
    vertical: random.nextUniform(),
  });
  const values = coverage.map((share) => paper + (ink - paper) * share);
  const blurred = gaussianBlur(values, LINE_WIDTH, LINE_HEIGHT, blurSigma);
  addNoise(blurred, noiseSigma, random);
  return { data: bytesOfValues(blurred), width: LINE_WIDTH, height: LINE_HEIGHT, channels: 1 };
}

interface Placement {
  readonly family: string;
  readonly fontSize: number;
  readonly slantDegrees: number;
  /** Where the text lies in the free width, 0 … 1. */
  readonly horizontal: number;
  /** Where the text lies in the free height, 0 … 1. */
  readonly vertical: number;
}

/** How much of each pixel is ink, 0 … 1, before any degradation. */
function drawCoverage(text: string, placement: Placement): Float32Array {
  const canvas = createCanvas(LINE_WIDTH, LINE_HEIGHT);
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, LINE_WIDTH, LINE_HEIGHT);
  context.fillStyle = 'black';
  context.textBaseline = 'alphabetic';
  const availableWidth = LINE_WIDTH - 2 * SIDE_MARGIN;
  const font = (size: number): string => `${size}px "${placement.family}"`;
  context.font = font(placement.fontSize);
  const size = Math.min(1, availableWidth / context.measureText(text).width) * placement.fontSize;
  context.font = font(size);
  const { width } = context.measureText(text);
  const slack = Math.max(0, availableWidth - width);
  const freeHeight = Math.max(0, LINE_HEIGHT - 1.4 * size); // DejaVu: ascent and descent stay within 1.2 of the size
  context.translate(LINE_WIDTH / 2, LINE_HEIGHT / 2);
  context.rotate((placement.slantDegrees * Math.PI) / 180);
  const x = -width / 2 + (placement.horizontal - 0.5) * slack;
  const y = 0.35 * size + (placement.vertical - 0.5) * freeHeight;
  context.fillText(text, x, y);
  const { data } = context.getImageData(0, 0, LINE_WIDTH, LINE_HEIGHT);
  return Float32Array.from({ length: LINE_WIDTH * LINE_HEIGHT }, (_, i) => 1 - data[4 * i] / 255);
}
