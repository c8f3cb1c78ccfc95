/** What `featherwire encode` does. */

import {
  type Backend,
  type BackendPreference,
  bytesOfRate,
  type CoderChoice,
  type CodingProfile,
  decodeFrame,
  encodeBundledFrame,
  encodeFrame,
  encodeWithinBytes,
  inspectFrame,
  type LayoutChoice,
  loadBackend,
  type QuantizerChoice,
} from '@featherwire/codec';
import { elementCount, readNpy, type Tensor } from '@featherwire/tensor';
import { describeQuantizer, type QuantizerOptions, quantizerOf } from '../commands/quantizer-options.js';
import type { CommandContext } from '../context.js';
import { inFile, inputName, readInput, STANDARD_STREAM, writeOutput } from '../files.js';
import { measureDistance } from '../measure.js';
import { readProfiles } from '../profiles.js';
import { formatExactBytes, formatReal } from '../terminal/units.js';
import { type CodedTensor, printCodedTensor, reportStream } from './coded-tensor.js';

/** What the options parse to. */
export interface EncodeOptions extends QuantizerOptions {
  readonly backend: BackendPreference;
  readonly coder: CoderChoice;
  readonly layout: LayoutChoice;
  readonly maxBytes?: number;
  readonly targetRate?: number;
  readonly lambda?: number;
  /** File of the profile. */
  readonly profile?: string;
  readonly point: number;
  readonly sequence: number;
  readonly chunks: number;
  readonly maxMs?: number;
  readonly digest: boolean;
  readonly json?: true;
}

/** Codes the tensor, decodes the frame to measure its error, writes it, prints the report. */
export async function encode(
  input: string,
  output: string,
  options: EncodeOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const stream = reportStream(output, options.json, terminal);
  const backend = await loadBackend(options.backend);
  const profiles = await readProfiles(
    options.profile === undefined ? undefined : new Map([[options.point, options.profile]]),
    terminal,
  );
  const bytes = await readInput(input, terminal);
  const { feature, frame, quantizer } = await inFile(input, () => {
    const tensor = readNpy(bytes);
    return { feature: tensor, ...code(tensor, options, profiles.get(options.point), backend) };
  });
  const limits = { maxElements: Math.max(1, elementCount(feature.shape)) };
  const { coder, layout } = inspectFrame(frame, { limits, profiles });
  const distance = measureDistance(feature, decodeFrame(frame, { backend, limits, profiles }));
  signal.throwIfAborted();
  await writeOutput(output, frame, terminal);
  const coded: CodedTensor = { dtype: feature.dtype, shape: feature.shape, frameBytes: frame.length };
  printCodedTensor(coded, {
    stream,
    env: terminal.env,
    json: options.json,
    title: `${inputName(input)} → ${output === STANDARD_STREAM ? 'standard output' : output}`,
    before: [
      ['input', formatExactBytes(bytes.length)],
      ['quantizer', typeof quantizer === 'string' ? quantizer : describeQuantizer(quantizer)],
      ['entropy coder', coder],
      ['layout', layout],
    ],
    after: [
      ['largest error', formatReal(distance.maxAbsoluteError)],
      ['RMS error', formatReal(distance.rmsError)],
    ],
    record: { inputBytes: bytes.length, quantizer, coder, layout, backend: backend.name, ...distance },
  });
}

/** The frame, and the quantizer that was asked for or fits the budget, or what stands in its place. */
function code(
  feature: Tensor,
  options: EncodeOptions,
  profile: CodingProfile | undefined,
  backend: Backend,
): { frame: Uint8Array; quantizer: QuantizerChoice | 'constant' | 'of the profile' } {
  const { coder, layout, clip: range, lambda = 0, targetRate } = options;
  const maxBytes = targetRate === undefined ? options.maxBytes : bytesOfRate(feature.shape, targetRate);
  const time = options.maxMs === undefined ? {} : { maxMs: options.maxMs };
  const extras = { chunkCount: options.chunks, digest: options.digest, ...time };
  if (profile) {
    const { point, sequence: sequenceNumber } = options;
    // The static table is what a profile is for; another coder has to be asked for.
    const asked = coder === 'auto' ? {} : { coder, layout };
    const bundled = { profile, point, sequenceNumber, lambda, ...asked, ...extras, backend };
    return { frame: encodeBundledFrame([feature], bundled), quantizer: 'of the profile' };
  }
  if (maxBytes === undefined) {
    const quantizer = quantizerOf(options);
    return {
      frame: encodeFrame(feature, { quantizer, coder, layout, lambda, ...extras, backend }),
      quantizer,
    };
  }
  const found = encodeWithinBytes(feature, {
    maxBytes,
    ...(range && { range }),
    ...time,
    coder,
    layout,
    backend,
  });
  return { frame: found.frame, quantizer: found.quantizer ?? 'constant' };
}
