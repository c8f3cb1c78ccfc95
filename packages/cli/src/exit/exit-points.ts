/** The profiled points of a bundle with the halves of their units running, to tell what an exit saves at each. */

import { unitOfPoint } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { type ExitPoint, type OpenUnitRuns, openUnitRuns } from '@featherwire/train/node';

/** Open points. */
export interface OpenExitPoints {
  readonly points: readonly ExitPoint[];
  close(): Promise<void>;
}

/** Opens them, each unit once. @throws {InferenceError} `model-rejected`; nothing stays open then */
export async function openExitPoints(bundle: NodeBundle): Promise<OpenExitPoints> {
  const { manifest, profiles } = bundle;
  const units = new Map<string, OpenUnitRuns>();
  const close = async (): Promise<void> => {
    await Promise.all([...units.values()].map((unit) => unit.close()));
  };
  const points: ExitPoint[] = [];
  try {
    for (const point of manifest.operatingPoints) {
      if (point.kind !== 'profiled') continue;
      const coding = { profile: profiles.get(point.id)!, lambda: point.lambda ?? 0 };
      const unit = unitOfPoint(manifest, point);
      if (!unit) {
        points.push({ id: point.id, coding });
        continue;
      }
      const [reduction, restoration] = (['reduction', 'restoration'] as const).map((half) =>
        bundle.unitPath(unit.id, half),
      );
      const names = {
        cut: manifest.cut.map(({ name }) => name),
        latent: unit.latent.map(({ name }) => name),
      };
      const runs = units.get(unit.id) ?? (await openUnitRuns({ reduction, restoration }, names));
      units.set(unit.id, runs);
      points.push({ id: point.id, coding: { ...coding, unit: runs } });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { points, close };
}
