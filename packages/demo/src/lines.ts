/** Text lines as the demo uses them: drawn once, with input tensor and truth; and how answers are scored. */

import { decodeCtcIndices, type ImagePreprocessing, type Pixels } from '@featherwire/bundle';
import {
  characterErrors,
  createTextLines,
  type Ratio,
  type TextSplit,
  tensorOfInput,
} from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import type { Recognizer } from './recognizer.js';

/** One rendered line. */
export interface TextLine {
  readonly pixels: Pixels;
  /** By the name of the network's input, float32 [1, 3, 48, W]. */
  readonly inputs: TensorMap;
  readonly text: string;
}

/** Rendered lines and the words that describe them. */
export interface TextLines {
  readonly lines: readonly TextLine[];
  readonly description: string;
}

/** Draws the lines of one split. */
export async function drawLines(
  split: TextSplit,
  count: number,
  preprocessing: ImagePreprocessing,
): Promise<TextLines> {
  const dataSet = await createTextLines({ split, count });
  const lines: TextLine[] = [];
  for (let index = 0; index < count; index++) {
    const { input, label } = await dataSet.sample(index);
    if (input.kind !== 'pixels') throw new TypeError(`input expected pixels, got ${input.kind}`);
    const tensor = await tensorOfInput(input, preprocessing);
    lines.push({ pixels: input.pixels, inputs: { [preprocessing.input]: tensor }, text: label });
  }
  return { lines, description: dataSet.description };
}

/** Character errors of an answer of the recognizer, spaces left out on both sides. */
export function errorsOfAnswer(line: TextLine, answer: TensorMap, recognizer: Recognizer): Ratio {
  const steps = answer[recognizer.output];
  if (steps?.dtype !== 'int32')
    throw new TypeError(`${recognizer.output} expected int32, got ${steps?.dtype}`);
  return characterErrors(line.text, decodeCtcIndices(steps.data, recognizer.alphabet));
}
