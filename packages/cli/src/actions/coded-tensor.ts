/** The report that `encode` and `decode` share: a tensor and the frame that holds it. */

import { type DType, elementCount, type Shape } from '@featherwire/tensor';
import { STANDARD_STREAM } from '../files.js';
import { UsageError } from '../terminal/errors.js';
import { formatPairs } from '../terminal/table.js';
import { type OutputStream, printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatExactBytes, formatShape } from '../terminal/units.js';

/** A tensor and the length of its frame. */
export interface CodedTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly frameBytes: number;
}

/** How the report is made. */
export interface CodedTensorReport {
  readonly stream: OutputStream;
  readonly env: Terminal['env'];
  readonly json: true | undefined;
  readonly title: string;
  /** Names and values between those of the tensor and those of the frame. */
  readonly before?: readonly (readonly [string, string])[];
  /** Names and values at the end. */
  readonly after: readonly (readonly [string, string])[];
  /** The same for JSON. */
  readonly record: object;
}

/**
 * Where the report goes: standard error when the coded bytes take standard output.
 * @throws {UsageError} if both want standard output
 */
export function reportStream(output: string, json: true | undefined, terminal: Terminal): OutputStream {
  if (output !== STANDARD_STREAM) return terminal.stdout;
  if (json)
    throw new UsageError('--json expected an output file, got - (both would write to standard output)');
  return terminal.stderr;
}

/** Prints what was coded. */
export function printCodedTensor(coded: CodedTensor, report: CodedTensorReport): void {
  const { stream, env, json, title, before = [], after, record } = report;
  const elements = elementCount(coded.shape);
  const bitsPerElement = elements === 0 ? null : (8 * coded.frameBytes) / elements;
  if (json) {
    printJson(stream, { ...coded, elements, bitsPerElement, ...record });
    return;
  }
  const styles = stylesOf(stream, env);
  printLines(
    stream,
    styles.bold(title),
    ...formatPairs(
      [
        ['tensor', `${coded.dtype} ${formatShape(coded.shape)}, ${formatCount(elements)} elements`],
        ...before,
        ['frame', formatExactBytes(coded.frameBytes)],
        ['bits per element', bitsPerElement === null ? '-' : bitsPerElement.toFixed(3)],
        ...after,
      ],
      styles,
    ),
  );
}
