/** Options that choose a quantizer, and how a choice is told. */

import type { QuantizerChoice, RangeChoice } from '@featherwire/codec';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatReal } from '../terminal/units.js';
import { integerIn, positiveNumber } from './arguments.js';

/** Levels taken where no option chooses a quantizer. */
export const DEFAULT_LEVEL_COUNT = 256;
const MAX_LEVEL_COUNT = 65_536;
const MAX_BITS = 16;

/** What the options parse to. */
export interface QuantizerOptions {
  readonly levels?: number;
  readonly bits?: number;
  readonly raw?: true;
  readonly integer?: true;
  readonly lossless?: true;
  /** Step of coefficients. */
  readonly blocks?: number;
  readonly clip?: RangeChoice;
}

/**
 * Adds `--levels`, `--bits`, `--raw`, `--integer`, `--lossless`, `--blocks` and `--clip` to a command.
 * @param conflicts - other options of the command that choose a coding, as attribute names
 */
export function addQuantizerOptions(command: Command, conflicts: readonly string[] = []): Command {
  const option = (flags: string, description: string, ...against: string[]): Option =>
    new Option(flags, description).conflicts([...against, ...conflicts]);
  return command
    .addOption(
      option(
        '--levels <count>',
        `uniform quantizer with 2 to ${MAX_LEVEL_COUNT} levels (default: ${DEFAULT_LEVEL_COUNT})`,
        'bits',
        'raw',
        'integer',
        'lossless',
      ).argParser(integerIn(2, MAX_LEVEL_COUNT)),
    )
    .addOption(
      option(
        '--bits <count>',
        'asymmetric integer quantizer of 1 to 16 bits',
        'raw',
        'integer',
        'lossless',
      ).argParser(integerIn(1, MAX_BITS)),
    )
    .addOption(option('--raw', 'elements as they are, of any type', 'integer', 'lossless'))
    .addOption(option('--integer', 'lossless, for int8 and uint8, as levels', 'lossless'))
    .addOption(option('--lossless', 'lossless, for any type: planes of bits, every bit comes back'))
    .addOption(
      option(
        '--blocks <step>',
        'cosine coefficients of 8 by 8 blocks, levels at this distance; for smooth maps, with --lambda',
        'levels',
        'bits',
        'raw',
        'integer',
        'lossless',
        'clip',
      ).argParser(positiveNumber),
    )
    .addOption(
      option(
        '--clip <range>',
        'what the levels span: minmax, model (designed for the tensor), or LO,HI (default: minmax)',
        'raw',
        'integer',
        'lossless',
      ).argParser(clipArgument),
    );
}

/** The quantizer that the options ask for. */
export function quantizerOf({
  levels,
  bits,
  raw,
  integer,
  lossless,
  blocks,
  clip,
}: QuantizerOptions): QuantizerChoice {
  const range = clip ?? { kind: 'minmax' };
  if (raw) return { kind: 'none' };
  if (integer) return { kind: 'integer' };
  if (lossless) return { kind: 'lossless' };
  if (blocks !== undefined) return { kind: 'blocks', blockSize: 8, step: blocks };
  if (bits !== undefined) return { kind: 'asymmetric', bits, range };
  return { kind: 'uniform', levelCount: levels ?? DEFAULT_LEVEL_COUNT, range };
}

/** A quantizer in a few words. */
export function describeQuantizer(quantizer: QuantizerChoice): string {
  switch (quantizer.kind) {
    case 'none':
      return 'none, elements as they are';
    case 'integer':
      return 'integers as they are';
    case 'lossless':
      return 'none, planes of bits';
    case 'uniform':
      return `uniform, ${quantizer.levelCount} levels over ${describeRange(quantizer.range)}`;
    case 'asymmetric':
      return `asymmetric, ${quantizer.bits} bits over ${describeRange(quantizer.range)}`;
    case 'levels':
      return `${quantizer.levels.length} designed levels`;
    case 'grouped': {
      const range = quantizer.range.kind === 'fixed' ? 'limits of its own' : describeRange(quantizer.range);
      return `uniform, ${quantizer.levelCount} levels over ${range} in each of ${quantizer.groupCount} groups of channels`;
    }
    case 'blocks':
      return `coefficients of ${quantizer.blockSize} by ${quantizer.blockSize} blocks, step ${formatReal(quantizer.step)}`;
    default:
      return quantizer satisfies never;
  }
}

function describeRange(range: RangeChoice): string {
  switch (range.kind) {
    case 'minmax':
      return 'minmax';
    case 'model':
      return range.activation ? `limits designed for ${range.activation}` : 'designed limits';
    case 'fixed':
      return `[${formatReal(range.low)}, ${formatReal(range.high)}]`;
    default:
      return range satisfies never;
  }
}

function clipArgument(text: string): RangeChoice {
  if (text === 'minmax' || text === 'model') return { kind: text };
  const limits = text.split(',').map((limit) => (limit.trim() === '' ? Number.NaN : Number(limit)));
  const [low, high] = limits;
  // The codec rounds the limits to float32, where they still have to differ.
  if (limits.length !== 2 || !limits.every(Number.isFinite) || !(Math.fround(low) < Math.fround(high))) {
    throw new InvalidArgumentError('Expected minmax, model, or LO,HI with LO below HI.');
  }
  return { kind: 'fixed', low, high };
}
