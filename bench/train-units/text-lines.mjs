/**
 * The text recognizer of the demo with the demo's rendered lines: calibration lines for training, the last of them held
 * out, test lines for the test. Texts of the two have nothing in common. Texts are for scoring alone.
 */
import { decodeCtcOutput } from '@featherwire/bundle';
import {
  characterErrors,
  createTextLines,
  findPpOcrFiles,
  LINE_WIDTH,
  ppOcrPreprocessing,
  readPpOcrAlphabet,
  tensorOfInput,
} from '@featherwire/eval';
import { itemsOf } from './classes.mjs';

const TRAINING = 400;
const HELD_OUT = 100;
const TEST = 200;
/** Copies of lines are moved by at most so many pixels, and have at least this share of the contrast. */
const MAX_SHIFT_X = 7;
const MAX_SHIFT_Y = 2;
const LEAST_CONTRAST = 0.7;

/** How a copy of a line differs; the first is the line itself. */
function variation(item, count) {
  if (item < count) return { dx: 0, dy: 0, contrast: 1 };
  const hash = Math.imul(item ^ 0x9e3779b1, 0x85ebca6b) >>> 8;
  return {
    dx: (hash % (2 * MAX_SHIFT_X + 1)) - MAX_SHIFT_X,
    dy: ((hash >> 5) % (2 * MAX_SHIFT_Y + 1)) - MAX_SHIFT_Y,
    contrast: LEAST_CONTRAST + (1 - LEAST_CONTRAST) * (((hash >> 9) % 64) / 63),
  };
}

/** A line moved, its edges repeated, and paler. */
function placeVariation(picture, { dx, dy, contrast }, data, at) {
  const height = picture.length / (3 * LINE_WIDTH);
  const held = (value, length) => Math.min(Math.max(value, 0), length - 1);
  for (let i = 0; i < picture.length; i++) {
    const [x, y] = [i % LINE_WIDTH, Math.floor(i / LINE_WIDTH) % height];
    const from = i - x - y * LINE_WIDTH + held(y + dy, height) * LINE_WIDTH + held(x + dx, LINE_WIDTH);
    data[at + i] = contrast * picture[from];
  }
}

/** The recognizer with its lines. */
export async function openTextLines() {
  const files = findPpOcrFiles();
  const alphabet = await readPpOcrAlphabet(files.dictionary);
  const preprocessing = ppOcrPreprocessing(LINE_WIDTH);
  const calibration = await createTextLines({ split: 'calibration', count: TRAINING + HELD_OUT });
  const test = await createTextLines({ split: 'test', count: TEST });
  const splits = {
    train: { lines: calibration, from: 0, count: TRAINING },
    heldOut: { lines: calibration, from: TRAINING, count: HELD_OUT },
    test: { lines: test, from: 0, count: TEST },
  };
  const sample = (split, item) => splits[split].lines.sample(splits[split].from + item);
  return {
    model: files.recognizer,
    input: preprocessing.input,
    inputShape: [3, preprocessing.height, LINE_WIDTH],
    output: 'softmax_11.tmp_0',
    metric: 'character errors %',
    isError: true,
    counts: Object.fromEntries(Object.entries(splits).map(([name, { count }]) => [name, count])),
    async inputs(split, items) {
      const size = 3 * preprocessing.height * LINE_WIDTH;
      const data = new Float32Array(items.length * size);
      for (const [row, item] of items.entries()) {
        const line = await sample(split, item % splits[split].count);
        const picture = await tensorOfInput(line.input, preprocessing);
        placeVariation(picture.data, variation(item, splits[split].count), data, row * size);
      }
      return { dtype: 'float32', shape: [items.length, 3, preprocessing.height, LINE_WIDTH], data };
    },
    async score(split, item, output, row) {
      const [text] = decodeCtcOutput(itemsOf(output, row), alphabet);
      const { label } = await sample(split, item);
      const { numerator, denominator } = characterErrors(label, text);
      return { numerator: 100 * numerator, denominator };
    },
  };
}
