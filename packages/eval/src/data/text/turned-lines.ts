/** Rendered text lines of which every second is upside down: orientation of a line as a task of classification. */

import type { DataSet, SampleInput } from '../data-set.js';
import { createTextLines, type TextLinesOptions } from './text-lines.js';

/** Classes of the lines, as PP-OCR's classifier of orientation has them. */
const UPRIGHT = 0;
const TURNED = 1;

/** Prepares the data set; lines are those of `createTextLines`. @throws as `createTextLines` */
export async function createTurnedLines(options: TextLinesOptions): Promise<DataSet<number>> {
  const lines = await createTextLines(options);
  return {
    name: `turned ${lines.name}`,
    length: lines.length,
    description: `${lines.description}, every second upside down`,
    async sample(index) {
      const { id, input } = await lines.sample(index);
      return index % 2 === UPRIGHT
        ? { id, input, label: UPRIGHT }
        : { id, input: turned(input), label: TURNED };
    },
  };
}

/** A picture of one channel by half a turn. */
function turned(input: SampleInput): SampleInput {
  if (input.kind !== 'pixels' || input.pixels.channels !== 1)
    throw new TypeError(`line expected pixels of one channel, got ${input.kind}`);
  return { kind: 'pixels', pixels: { ...input.pixels, data: input.pixels.data.slice().reverse() } };
}
