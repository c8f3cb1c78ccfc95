/** Ours against sending the input, on each subject at the loss that is allowed: the question that a report answers first. */

import { OWN_FAMILY, type SweepRow, sendsInput } from '@featherwire/eval';
import { curvesOfSubject, type FamilyCurve } from './subject-summary.js';
import type { ReportSubject } from './sweep-report.js';

/** The cheapest rows within a loss. */
export interface Contenders {
  readonly subject: ReportSubject;
  /** Of this project's families; null if none stays within the loss. */
  readonly ours: SweepRow | null;
  /** Of the ways to send the input, as a picture file or an array; null if none stays within the loss. */
  readonly input: SweepRow | null;
  /** Of all other ways of coding the feature. */
  readonly baseline: SweepRow | null;
  /**
   * `'loses'`: the input takes fewer bytes, or ours never stays within the loss while the input does. `'wins'`: the other way
   * round. `'open'`: neither stays within it. `'unopposed'`: nothing sends the input.
   */
  readonly verdict: 'wins' | 'loses' | 'open' | 'unopposed';
}

/** The contenders of a subject. @param maxLoss - in the unit of the metric */
export function contendersOf(subject: ReportSubject, maxLoss: number): Contenders {
  const cheapest = (belongs: (row: SweepRow) => boolean): SweepRow | null =>
    subject.rows
      .filter((row) => belongs(row) && row.loss.value <= maxLoss)
      .reduce<SweepRow | null>((best, row) => (best && bytesOf(best) <= bytesOf(row) ? best : row), null);
  const isOurs = ({ family }: SweepRow): boolean => family.startsWith(OWN_FAMILY);
  const isInput = ({ family }: SweepRow): boolean => sendsInput(family);
  const ours = cheapest(isOurs);
  const input = cheapest(isInput);
  const baseline = cheapest((row) => !isOurs(row) && !isInput(row));
  const verdict = subject.rows.some(isInput) ? verdictOf(ours, input) : 'unopposed';
  return { subject, ours, input, baseline, verdict };
}

function verdictOf(ours: SweepRow | null, input: SweepRow | null): Contenders['verdict'] {
  if (!ours) return input ? 'loses' : 'open';
  return input && bytesOf(input) < bytesOf(ours) ? 'loses' : 'wins';
}

/** Mean bytes of a sample. */
export function bytesOf({ bytesPerSample }: SweepRow): number {
  return bytesPerSample.mean;
}

/** Of the families of a prefix the chart has room for so many, cheapest first. */
const SHOWN_OF = { inputs: 2, others: 5 } as const;

/**
 * The families that a chart can show and still be read: all of ours, the cheapest of the others within the loss, the cheapest
 * ways to send the input. Tables have all.
 */
export function shownFamilies(subject: ReportSubject, maxLoss: number): string[] {
  const curves = curvesOfSubject(subject);
  const bytes = ({ rows }: FamilyCurve): number =>
    rows.find(({ loss }) => loss.value <= maxLoss)?.bytesPerSample.mean ?? Number.POSITIVE_INFINITY;
  const cheapest = (list: readonly FamilyCurve[], count: number): FamilyCurve[] =>
    [...list].sort((a, b) => (bytes(a) === bytes(b) ? 0 : bytes(a) - bytes(b))).slice(0, count);
  const ours = curves.filter(({ family }) => family.startsWith(OWN_FAMILY));
  const inputs = curves.filter(({ family }) => sendsInput(family));
  const others = curves.filter((curve) => !ours.includes(curve) && !inputs.includes(curve));
  return [
    ...cheapest(ours, ours.length),
    ...cheapest(others, SHOWN_OF.others),
    ...cheapest(inputs, SHOWN_OF.inputs),
  ].map(({ family }) => family);
}
