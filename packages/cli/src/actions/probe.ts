/** What `featherwire probe` does: loads the model, fits the classifier, writes the model, prints how well it tells classes. */

import { loadModel } from '@featherwire/authoring';
import type { InputShapes } from '@featherwire/onnx';
import { PROBE_OUTPUT, shuffled, trainProbe } from '@featherwire/study';
import type { CommandContext } from '../context.js';
import { openNamedData } from '../data.js';
import { inFile } from '../files.js';
import { readPreprocessing } from '../split/manifest-files.js';
import { createProgress } from '../terminal/progress.js';
import { printJson, printLines } from '../terminal/terminal.js';
import { formatCount, formatPercent } from '../terminal/units.js';

/** What the options parse to. */
export interface ProbeCommandOptions {
  readonly at: string;
  readonly data: string;
  readonly output: string;
  readonly preprocessing?: string;
  readonly samples: number;
  readonly seed: number;
  readonly shape?: InputShapes;
  readonly json?: true;
}

/** Fits, writes and prints. */
export async function probe(
  file: string,
  options: ProbeCommandOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const progress = createProgress(terminal);
  try {
    progress.stage('read the model and the data');
    const loaded = await inFile(file, () => loadModel(file, options.shape));
    const data = await openNamedData(options.data, 'calibration', options.samples);
    const preprocessing =
      options.preprocessing === undefined
        ? undefined
        : await readPreprocessing(options.preprocessing, terminal);
    const numbers = shuffled(data.length, options.seed).slice(0, options.samples);
    progress.stage('run the network');
    const { classCount, featureCount, ridgeShare, heldOut } = await trainProbe(loaded, {
      ...{ tensor: options.at, data, numbers, preprocessing, file: options.output, seed: options.seed },
      onProgress: (done, total) => progress.progress(done, total),
      signal,
    });
    progress.close();
    const output = { file: options.output, output: PROBE_OUTPUT, tensor: options.at, data: data.description };
    if (options.json) {
      const counts = { sampleCount: numbers.length, classCount, featureCount };
      return printJson(terminal.stdout, { ...output, ...counts, ridgeShare, heldOut, seed: options.seed });
    }
    const { value, low, high } = heldOut;
    printLines(
      terminal.stdout,
      `${options.output}: ${formatCount(classCount)} classes told by ${formatCount(featureCount)} means of ${options.at}, fitted to ${formatCount(numbers.length)} of: ${data.description}`,
      `top-1 accuracy ${formatPercent(value)} (95 % ${formatPercent(low)} to ${formatPercent(high)}) on a fifth held out, which chose the price of weights`,
      `output ${PROBE_OUTPUT}: split, calibrate or evaluate it with --task classification`,
    );
  } finally {
    progress.close();
  }
}
