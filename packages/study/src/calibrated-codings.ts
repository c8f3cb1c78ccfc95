/** Operating points of a target: those of its bundle, or of a calibration whose outcome is kept beside the journal. */

import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Task } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { type CalibrationOptions, calibrate } from '@featherwire/calibration';
import { type Backend, readProfile, writeProfile } from '@featherwire/codec';
import { type DataSet, type NamedCoding, openParts } from '@featherwire/eval';
import type { StudySettings } from './study-settings.js';
import type { StudyTarget } from './target.js';

/** Profiled points of a bundle. Described ones are quantizers that methods of their own measure. */
export function codingsOfBundle({ manifest, profiles }: NodeBundle): NamedCoding[] {
  return manifest.operatingPoints.flatMap((point) =>
    point.kind === 'profiled'
      ? [{ name: point.id, profile: profiles.get(point.id)!, lambda: point.lambda ?? 0 }]
      : [],
  );
}

/** What a calibration needs. */
export interface CalibrationContext extends Pick<CalibrationOptions, 'progress' | 'signal'> {
  readonly backend: Backend;
  readonly seed: number;
  /** In hundredths of the metric. */
  readonly maxLossPoints: number;
  /** Samples that may be used, those that are measured left out. */
  readonly data: DataSet;
}

interface KeptCoding {
  readonly name: string;
  readonly lambda: number;
  /** Base64. */
  readonly profile: string;
}

/**
 * Calibrates, or reads what an earlier call has written.
 * @param file - where the outcome is kept
 */
export async function calibratedCodings(
  bundle: NodeBundle,
  { against }: Pick<StudyTarget, 'against'>,
  { calibrationSamples, calibrationPoints }: StudySettings,
  file: string,
  context: CalibrationContext,
): Promise<NamedCoding[]> {
  const { data, backend, seed, maxLossPoints, progress, signal } = context;
  const kept = await readKept(file);
  if (kept) return kept;
  const parts = await openParts(bundle);
  try {
    const { points } = await calibrate({
      source: { ...parts, manifest: bundle.manifest, data, truth: truthOf(against, bundle.manifest.task) },
      backend,
      maxLoss: maxLossPoints,
      pointCount: calibrationPoints,
      sampleCount: Math.min(calibrationSamples, data.length),
      seed,
      ...(progress && { progress }),
      ...(signal && { signal }),
    });
    const codings = points.map(({ id, coding }) => ({ name: id, ...coding }));
    await writeFile(`${file}.partial`, `${JSON.stringify(codings.map(keptOf), null, 1)}\n`);
    await rename(`${file}.partial`, file);
    return codings;
  } finally {
    await parts.close();
  }
}

function truthOf(against: StudyTarget['against'], task: Task | undefined): 'labels' | 'agreement' {
  return against === 'labels' && task ? 'labels' : 'agreement';
}

function keptOf({ name, lambda, profile }: NamedCoding): KeptCoding {
  return { name, lambda, profile: Buffer.from(writeProfile(profile)).toString('base64') };
}

async function readKept(file: string): Promise<NamedCoding[] | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  return (JSON.parse(text) as readonly KeptCoding[]).map(({ name, lambda, profile }) => ({
    name,
    lambda,
    profile: readProfile(new Uint8Array(Buffer.from(profile, 'base64'))),
  }));
}
