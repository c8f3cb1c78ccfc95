/** What `featherwire inspect` does: recognizes the content and prints its report. */

import { MANIFEST_FILE } from '@featherwire/bundle';
import type { CodingProfile } from '@featherwire/codec';
import { OnnxError } from '@featherwire/onnx';
import type { CommandContext } from '../context.js';
import { inFile, readInput, STANDARD_STREAM } from '../files.js';
import { inspectNpy, inspectNpz } from '../inspect/arrays.js';
import { inspectBundle } from '../inspect/bundle.js';
import { inspectFrameBytes } from '../inspect/frame.js';
import { inspectModel } from '../inspect/model.js';
import { inspectProfile } from '../inspect/profile.js';
import { hexOf, isDirectory, kindOfBytes } from '../inspect/recognize.js';
import type { InspectReport } from '../inspect/report.js';
import { readProfiles } from '../profiles.js';
import { CommandError } from '../terminal/errors.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';

/** What the options parse to. */
export interface InspectOptions {
  readonly json?: true;
  /** Files of profiles by operating point. */
  readonly profile?: ReadonlyMap<number, string>;
}

/** First bytes of a file that is nothing known, in the error. */
const SHOWN_BYTES = 8;

/** Shows what a path holds. */
export async function inspect(
  path: string,
  options: InspectOptions,
  { terminal }: CommandContext,
): Promise<void> {
  if (path !== STANDARD_STREAM && (await isDirectory(path))) {
    const { report, damage } = await inspectBundle(path);
    printReport(report, options, terminal);
    if (damage) throw damage;
    return;
  }
  const profiles = await readProfiles(options.profile, terminal);
  const bytes = await readInput(path, terminal);
  printReport(await inFile(path, () => inspectBytes(bytes, profiles)), options, terminal);
}

function inspectBytes(bytes: Uint8Array, profiles: ReadonlyMap<number, CodingProfile>): InspectReport {
  const kind = kindOfBytes(bytes);
  switch (kind) {
    case 'frame':
      return inspectFrameBytes(bytes, profiles);
    case 'profile':
      return inspectProfile(bytes);
    case 'npy':
      return inspectNpy(bytes);
    case 'npz':
      return inspectNpz(bytes);
    case 'directory':
    case 'other':
      return inspectOther(bytes);
    default:
      return kind satisfies never;
  }
}

function inspectOther(bytes: Uint8Array): InspectReport {
  try {
    return inspectModel(bytes);
  } catch (cause) {
    if (!(cause instanceof OnnxError)) throw cause;
    const got =
      bytes.length === 0 ? 'no bytes' : `${bytes.length} bytes that begin with ${hexOf(bytes, SHOWN_BYTES)}`;
    throw new CommandError(
      `expected a frame, a profile, an ONNX model, a .npy, a .npz or a directory with ${MANIFEST_FILE}, got ${got}`,
      { cause },
    );
  }
}

function printReport(report: InspectReport, options: InspectOptions, { stdout, env }: Terminal): void {
  if (options.json) {
    printJson(stdout, report.record);
    return;
  }
  const styles = stylesOf(stdout, env);
  printLines(stdout, styles.bold(report.title), ...formatPairs(report.pairs, styles));
  for (const { columns, rows } of report.tables)
    printLines(stdout, '', ...formatTable(columns, rows, styles));
}
