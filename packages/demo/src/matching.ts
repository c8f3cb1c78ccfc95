/**
 * What is chosen before anything is measured, all on calibration lines and by the same rule: operating points at
 * each cut, and the qualities of pictures, that lose at most so much to the unsplit network.
 */

import { availableParallelism } from 'node:os';
import { addOperatingPoints, type NodeBundle } from '@featherwire/bundle/node';
import { mapOnWorkers, pooledRatio } from '@featherwire/eval';
import type { ModelSession } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { designOperatingPoints } from './calibration.js';
import { errorsOfAnswer, type TextLines } from './lines.js';
import { matchPictureQuality } from './pictures.js';
import { type CutChoice, PICTURE_ALLOWED_LOSS } from './scenario.js';
import type { Stages } from './stages.js';

/** A cut with its bundle. */
export interface PreparedCut {
  readonly choice: CutChoice;
  readonly bundle: NodeBundle;
}

/** Settings at matched accuracy. */
export interface Matched {
  /** With operating points in their bundles. */
  readonly cuts: readonly PreparedCut[];
  readonly jpegQuality: number;
  readonly webpQuality: number;
}

/** What matching works with. */
export interface MatchingOptions extends Stages {
  readonly prepared: readonly PreparedCut[];
  readonly calibration: TextLines;
}

/** Chooses operating points and picture qualities. */
export async function matchSettings(options: MatchingOptions): Promise<Matched> {
  const wholes = await openSessions(options.prepared[0].bundle.partPath('whole'));
  try {
    const unsplitErrorRate = await readWithWhole(options, wholes);
    const cuts: PreparedCut[] = [];
    for (const cut of options.prepared) cuts.push(await designAt(cut, unsplitErrorRate, options));
    const jpegQuality = await matchQuality('jpeg', unsplitErrorRate, options, wholes);
    const webpQuality = await matchQuality('webp', unsplitErrorRate, options, wholes);
    return { cuts, jpegQuality, webpQuality };
  } finally {
    await closeAll(wholes);
  }
}

/** Character error rate of the unsplit network on the calibration lines. */
async function readWithWhole(options: MatchingOptions, wholes: readonly ModelSession[]): Promise<number> {
  const { recognizer, calibration, begin, onProgress } = options;
  const { lines } = calibration;
  begin('reading calibration lines with the whole network');
  const errors = await mapOnWorkers(
    wholes,
    lines,
    async (whole, line) => errorsOfAnswer(line, (await whole.run(line.inputs)).outputs, recognizer),
    (done) => onProgress(done, lines.length),
  );
  return pooledRatio(errors);
}

async function designAt(
  { choice, bundle }: PreparedCut,
  unsplitErrorRate: number,
  options: MatchingOptions,
): Promise<PreparedCut> {
  const { recognizer, calibration, size, backend, onProgress } = options;
  const { lines, description } = calibration;
  options.begin(`designing operating points at the ${choice.label} cut`);
  const heads = await openSessions(bundle.partPath('head'));
  const tails = await openSessions(bundle.partPath('tail'));
  try {
    const points = await designOperatingPoints({
      ...{ bundle, recognizer, lines, description, heads, tails },
      ...{ unsplitErrorRate, size, backend, onProgress },
    });
    return { choice, bundle: await addOperatingPoints(bundle.directory, points) };
  } finally {
    await closeAll([...heads, ...tails]);
  }
}

async function matchQuality(
  codec: 'jpeg' | 'webp',
  unsplitErrorRate: number,
  { recognizer, calibration, size, begin }: MatchingOptions,
  wholes: readonly ModelSession[],
): Promise<number> {
  begin(`matching ${codec === 'jpeg' ? 'JPEG' : 'WebP'} quality to the same accuracy`);
  const { quality } = await matchPictureQuality({
    ...{ codec, recognizer, wholes, lines: calibration.lines },
    targetErrorRate: unsplitErrorRate + PICTURE_ALLOWED_LOSS,
    qualities: size.pictureQualities,
  });
  return quality;
}

/** One session for each core. */
async function openSessions(path: string): Promise<ModelSession[]> {
  return Promise.all(Array.from({ length: availableParallelism() }, () => createWorkerSession(path)));
}

async function closeAll(sessions: readonly ModelSession[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.close()));
}
