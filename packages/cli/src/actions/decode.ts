/** What `featherwire decode` does. */

import { type BackendPreference, decodeFrame, loadBackend } from '@featherwire/codec';
import { writeNpy } from '@featherwire/tensor';
import type { CommandContext } from '../context.js';
import { inFile, inputName, readInput, STANDARD_STREAM, writeOutput } from '../files.js';
import { readProfiles } from '../profiles.js';
import { formatExactBytes } from '../terminal/units.js';
import { printCodedTensor, reportStream } from './coded-tensor.js';

/** What the options parse to. */
export interface DecodeOptions {
  readonly backend: BackendPreference;
  readonly maxElements: number;
  /** Files by operating point. */
  readonly profile?: ReadonlyMap<number, string>;
  readonly json?: true;
}

/** Decodes the frame, writes the tensor, prints the report. */
export async function decode(
  input: string,
  output: string,
  options: DecodeOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const stream = reportStream(output, options.json, terminal);
  const backend = await loadBackend(options.backend);
  const frame = await readInput(input, terminal);
  const profiles = await readProfiles(options.profile, terminal);
  const limits = { maxElements: options.maxElements };
  const tensor = await inFile(input, () => decodeFrame(frame, { backend, limits, profiles }));
  const bytes = writeNpy(tensor);
  signal.throwIfAborted();
  await writeOutput(output, bytes, terminal);
  printCodedTensor(
    { dtype: tensor.dtype, shape: tensor.shape, frameBytes: frame.length },
    {
      stream,
      env: terminal.env,
      json: options.json,
      title: `${inputName(input)} → ${output === STANDARD_STREAM ? 'standard output' : output}`,
      after: [['output', formatExactBytes(bytes.length)]],
      record: { outputBytes: bytes.length, backend: backend.name },
    },
  );
}
