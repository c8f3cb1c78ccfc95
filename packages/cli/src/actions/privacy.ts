/** What `featherwire privacy` does: features of pictures, an inversion for each way of coding, a table and a sheet. */

import { readBundle } from '@featherwire/bundle/node';
import { type BackendPreference, loadBackend } from '@featherwire/codec';
import {
  type DataPart,
  encodePicture,
  measurePrivacy,
  type PicturedFeature,
  type PrivacyReport,
  picturedFeatures,
  pictureSheet,
  privacyMethods,
  type RebuiltQuality,
} from '@featherwire/eval';
import { drawSamples } from '@featherwire/study';
import type { CommandContext } from '../context.js';
import { isSameData, openNamedData } from '../data.js';
import { writeOutput } from '../files.js';
import { createProgress } from '../terminal/progress.js';
import { formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';

/** What the options parse to. */
export interface PrivacyCommandOptions {
  readonly data: string;
  readonly known?: string;
  readonly samples: number;
  readonly seed: number;
  readonly sheet?: string;
  readonly backend: BackendPreference;
  readonly json?: true;
}

const LEVEL_COUNTS = [16, 4, 2];
const SHOWN_PICTURES = 8;
/** Small pictures are shown at about this width. */
const SHOWN_WIDTH = 96;

/** Measures and prints. */
export async function privacy(
  directory: string,
  options: PrivacyCommandOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const bundle = await readBundle(directory, { verify: ['head', 'tail'] });
  const progress = createProgress(terminal);
  try {
    progress.stage('run the head');
    const parts = await openParts(options);
    const known = await picturedFeatures(bundle, parts.known, signal);
    const test = await picturedFeatures(bundle, parts.test, signal);
    const backend = await loadBackend(options.backend);
    progress.stage('fit inversions');
    const methods = await privacyMethods(bundle, known, { levelCounts: LEVEL_COUNTS, backend });
    const report = await measurePrivacy({
      ...{ methods, known, test, seed: options.seed, signal },
      onMethod: (done, total) => progress.progress(done, total),
    });
    if (options.sheet !== undefined) await writeOutput(options.sheet, await sheetOf(test, report), terminal);
    progress.close();
    const counts = { knownPictures: known.length, testPictures: test.length };
    if (options.json) printJson(terminal.stdout, recordOf(report, counts));
    else printReport(report, counts, terminal);
  } finally {
    progress.close();
  }
}

/** Pictures to fit to and pictures to rebuild, never the same. */
async function openParts({
  data: name,
  known: knownName,
  samples,
  seed,
}: PrivacyCommandOptions): Promise<{ readonly known: DataPart; readonly test: DataPart }> {
  const data = await openNamedData(name, 'test', 2 * samples, 'unread');
  const isOne = knownName === undefined || isSameData(name, knownName);
  const known = isOne ? data : await openNamedData(knownName, 'calibration', samples, 'unread');
  const sampleCount = isOne ? Math.min(samples, Math.floor(data.length / 2)) : samples;
  const drawn = drawSamples({ data, calibrationData: known, sampleCount }, samples, seed);
  return { test: { data, numbers: drawn.test }, known: { data: known, numbers: drawn.seen } };
}

async function sheetOf(test: readonly PicturedFeature[], { rows }: PrivacyReport): Promise<Uint8Array> {
  const pictures = [test.map(({ picture }) => picture), ...rows.map(({ rebuilt }) => rebuilt)];
  const scale = Math.max(1, Math.round(SHOWN_WIDTH / pictures[0][0].width));
  const sheet = pictureSheet(
    pictures.map((row) => row.slice(0, SHOWN_PICTURES)),
    scale,
  );
  return (await encodePicture(sheet, { codec: 'png' })).bytes;
}

interface Counts {
  readonly knownPictures: number;
  readonly testPictures: number;
}

function recordOf({ meanPicture, rows }: PrivacyReport, counts: Counts): object {
  return { ...counts, meanPicture, rows: rows.map(({ rebuilt: _, ...row }) => row) };
}

function printReport({ meanPicture, rows }: PrivacyReport, counts: Counts, { stdout, env }: Terminal): void {
  const right = (header: string) => ({ header, align: 'right' as const });
  const columns = [{ header: 'what is seen' }, ...['bytes', 'PSNR, dB', 'SSIM'].map(right)];
  const cells = (name: string, bytes: string, { psnr, ssim }: RebuiltQuality): string[] => [
    name,
    bytes,
    `${psnr.value.toFixed(2)} (${psnr.low.toFixed(2)} to ${psnr.high.toFixed(2)})`,
    `${ssim.value.toFixed(3)} (${ssim.low.toFixed(3)} to ${ssim.high.toFixed(3)})`,
  ];
  const { knownPictures, testPictures } = counts;
  printLines(
    stdout,
    `${testPictures} pictures rebuilt by a linear convolution fitted to ${knownPictures} others; more training rebuilds more.`,
    '',
    ...formatTable(
      columns,
      [
        cells('nothing: the mean picture', '0', meanPicture),
        ...rows.map((row) => cells(row.method, row.bytes.toFixed(1), row)),
      ],
      stylesOf(stdout, env),
    ),
  );
}
