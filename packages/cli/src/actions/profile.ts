/** What `featherwire profile` does. */

import {
  type BackendPreference,
  type ChannelBasis,
  type ContextPreference,
  channelMomentsOf,
  createCodingProfile,
  designChannelBasis,
  designTensorProfile,
  encodeBundledFrame,
  loadBackend,
  type StaticCoder,
  writeProfile,
} from '@featherwire/codec';
import { elementCount, readNpy, type Tensor } from '@featherwire/tensor';
import { describeQuantizer, type QuantizerOptions, quantizerOf } from '../commands/quantizer-options.js';
import type { CommandContext } from '../context.js';
import { inFile, readInput, STANDARD_STREAM, writeOutput } from '../files.js';
import { UsageError } from '../terminal/errors.js';
import { formatPairs } from '../terminal/table.js';
import { printJson, printLines, stylesOf } from '../terminal/terminal.js';
import { formatCount, formatExactBytes, formatShape } from '../terminal/units.js';
import { reportStream } from './coded-tensor.js';

/** What the options parse to. */
export interface ProfileOptions extends QuantizerOptions {
  readonly output: string;
  readonly vary: readonly number[];
  readonly coder?: StaticCoder['kind'] | 'none';
  /** Blocks of components of the channels. */
  readonly components?: true;
  readonly contexts: ContextPreference;
  readonly backend: BackendPreference;
  readonly json?: true;
}

/** Levels of coefficients in a profile: 511 steps to either side, beyond which they saturate. */
const BLOCK_LEVELS = 1023;

/** Designs the profile, codes the samples under it to tell the rate, writes it, prints the report. */
export async function profile(
  paths: readonly string[],
  options: ProfileOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const stream = reportStream(options.output, options.json, terminal);
  const choice = quantizerOf(options);
  if (options.components && choice.kind !== 'blocks')
    throw new UsageError('--components expected --blocks beside it, got none');
  if (choice.kind === 'none' || choice.kind === 'integer' || choice.kind === 'lossless')
    throw new UsageError('a profile expected --levels or --bits, got a quantizer that every tensor has anew');
  const backend = await loadBackend(options.backend);
  const samples: Tensor[] = [];
  for (const path of paths) {
    const bytes = await readInput(path, terminal);
    samples.push(await inFile(path, () => readNpy(bytes)));
    signal.throwIfAborted();
  }
  const { vary: varyingAxes, coder, contexts: contextPreference } = options;
  const basis = options.components ? { basis: basisOfSamples(samples) } : {};
  const tensor = designTensorProfile(samples, {
    quantizer: choice.kind === 'blocks' ? { ...choice, levelCount: BLOCK_LEVELS, ...basis } : choice,
    varyingAxes,
    ...(coder ? { coder } : {}),
    contextPreference,
    backend,
  });
  const designed = createCodingProfile([tensor]);
  const bytes = writeProfile(designed);
  const frameBytes = samples.reduce((sum, sample, sequenceNumber) => {
    const frame = encodeBundledFrame([sample], { profile: designed, point: 0, sequenceNumber, backend });
    return sum + frame.length;
  }, 0);
  const elements = samples.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  await writeOutput(options.output, bytes, terminal);
  const bitsPerElement = (8 * frameBytes) / elements;
  const { dtype, shape } = tensor;
  if (options.json) {
    const record = { dtype, shape, quantizer: choice, samples: samples.length, elements };
    printJson(stream, {
      ...record,
      profileBytes: bytes.length,
      sampleFrameBytes: frameBytes,
      bitsPerElement,
    });
    return;
  }
  const styles = stylesOf(stream, terminal.env);
  const pairs: [string, string][] = [
    ['tensor', `${dtype} ${formatShape(shape.map((dimension) => dimension ?? '*'))}`],
    ['samples', `${formatCount(samples.length)}, ${formatCount(elements)} elements`],
    ['quantizer', describeQuantizer(choice)],
    ['profile', formatExactBytes(bytes.length)],
    [
      'frames of the samples',
      `${formatExactBytes(frameBytes)}, ${bitsPerElement.toFixed(3)} bits per element`,
    ],
  ];
  const title = options.output === STANDARD_STREAM ? 'profile' : options.output;
  printLines(stream, styles.bold(title), ...formatPairs(pairs, styles));
}

/** @throws {UsageError} for samples without channels or of other elements */
function basisOfSamples(samples: readonly Tensor[]): ChannelBasis {
  const other = samples.find(({ dtype }) => dtype !== 'float32');
  if (other) throw new UsageError(`--components expected float32 samples, got ${other.dtype}`);
  return designChannelBasis(channelMomentsOf(samples));
}
