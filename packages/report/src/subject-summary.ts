/** A subject's rows as curves: what each family of methods reaches, and how far apart the families are. */

import { bjontegaardRate, rateEnvelope, type SweepRow } from '@featherwire/eval';
import type { ReportSubject } from './sweep-report.js';

/** The curve of a family. */
export interface FamilyCurve {
  readonly family: string;
  /** All rows, by rate. */
  readonly rows: readonly SweepRow[];
  /** Rows that no cheaper one of the family is as good as, by rate. */
  readonly envelope: readonly SweepRow[];
}

/** What a family needs at a given loss. */
export interface FamilyAtLoss {
  readonly family: string;
  /** The cheapest row within the loss; null if there is none. */
  readonly best: SweepRow | null;
  /**
   * Bjøntegaard rate of the reference family against this one, percent, below 0 if the reference needs less; null for the
   * reference itself, and where the curves share no accuracy or one has a single point.
   */
  readonly bjontegaardRate: number | null;
}

/** Curves of all families, in the order in which they first occur. */
export function curvesOfSubject({ rows, metric }: ReportSubject): FamilyCurve[] {
  const families = [...new Set(rows.map(({ family }) => family))];
  return families.map((family) => {
    const own = rows.filter((row) => row.family === family);
    const byRate = [...own].sort((a, b) => a.bytesPerSample.mean - b.bytesPerSample.mean);
    return { family, rows: byRate, envelope: envelopeOf(own, metric.better) };
  });
}

/**
 * The cheapest point of each family within a loss, cheapest family first, families that never stay within it last.
 * @param maxLoss - in the unit of the metric
 * @param reference - the family that others are compared with
 */
export function familiesAtLoss(subject: ReportSubject, maxLoss: number, reference: string): FamilyAtLoss[] {
  const curves = curvesOfSubject(subject);
  const { better } = subject.metric;
  const own = curves.find(({ family }) => family === reference);
  const found = curves.map(({ family, rows, envelope }) => ({
    family,
    best: rows.find(({ loss }) => loss.value <= maxLoss) ?? null,
    bjontegaardRate: own && family !== reference ? compare(envelope, own.envelope, better) : null,
  }));
  const bytes = ({ best }: FamilyAtLoss): number => best?.bytesPerSample.mean ?? Number.POSITIVE_INFINITY;
  return found.sort((a, b) => (bytes(a) === bytes(b) ? 0 : bytes(a) - bytes(b)));
}

function envelopeOf(rows: readonly SweepRow[], better: 'higher' | 'lower'): SweepRow[] {
  return rateEnvelope(rows.map((row) => ({ ...ratePoint(row, better), row }))).map(({ row }) => row);
}

function compare(
  anchor: readonly SweepRow[],
  test: readonly SweepRow[],
  better: 'higher' | 'lower',
): number | null {
  if (anchor.length < 2 || test.length < 2) return null;
  const points = (rows: readonly SweepRow[]) => rows.map((row) => ratePoint(row, better));
  return bjontegaardRate(points(anchor), points(test), { method: 'linear' });
}

/** Errors are turned round, so that more is better. */
function ratePoint(row: SweepRow, better: 'higher' | 'lower'): { rate: number; quality: number } {
  const { value } = row.metric;
  return { rate: row.bytesPerSample.mean, quality: better === 'higher' ? value : -value };
}
