import type { SweepRow } from '@featherwire/eval';
import { describe, expect, test } from 'vitest';
import { contendersOf, shownFamilies } from './contenders.js';
import type { ReportSubject } from './sweep-report.js';

function row(family: string, bytes: number, loss: number): SweepRow {
  return {
    subject: 'net',
    family,
    method: `${family} at ${bytes}`,
    sampleCount: 10,
    metric: { name: 'top-1 accuracy', value: 0.9 - loss, low: 0, high: 1 },
    loss: { value: loss, low: loss, high: loss },
    bytesPerSample: { mean: bytes, p50: bytes, p95: bytes },
    bitsPerElement: 1,
    encodeMs: 1,
    decodeMs: 1,
    programs: null,
    headMacs: 1,
  };
}

function subjectOf(...rows: SweepRow[]): ReportSubject {
  const metric = { name: 'top-1 accuracy', better: 'higher', unsplit: 0.9 } as const;
  return { name: 'net', data: 'data', metric, rows, skipped: [] };
}

const OURS = row('ours, levels', 100, 0.005);
const PLAIN = row('plain', 50, 0);

describe('contenders', () => {
  test('the fewest bytes within the loss decide, other coders of the feature do not', () => {
    const dear = contendersOf(subjectOf(OURS, PLAIN, row('picture as jpeg', 80, 0.01)), 0.01);
    expect(dear.verdict).toBe('loses');
    expect(dear.input?.bytesPerSample.mean).toBe(80);
    expect(dear.baseline).toBe(PLAIN);
    const array = contendersOf(subjectOf(OURS, row('input as array', 70, 0)), 0.01);
    expect(array).toMatchObject({ verdict: 'loses', input: { family: 'input as array' }, baseline: null });
    const damaged = contendersOf(subjectOf(OURS, row('picture as jpeg', 80, 0.011)), 0.01);
    expect(damaged).toMatchObject({ verdict: 'wins', input: null });
  });

  test('where ours never stays within the loss the input wins, and nobody where that does not either', () => {
    expect(
      contendersOf(subjectOf(row('ours, levels', 10, 0.2), row('picture as png', 500, 0)), 0.01),
    ).toMatchObject({
      ours: null,
      verdict: 'loses',
    });
    const [far, bad] = [row('ours, levels', 10, 0.2), row('picture as jpeg', 80, 0.2)];
    expect(contendersOf(subjectOf(far, bad), 0.01).verdict).toBe('open');
  });

  test('without any picture nothing wins or loses', () => {
    for (const ours of [OURS, row('ours, levels', 10, 0.2)])
      expect(contendersOf(subjectOf(ours, PLAIN), 0.01).verdict).toBe('unopposed');
  });

  test('a chart shows all of ours, the cheapest five others and two inputs', () => {
    const others = [70, 10, 30, 20, 60, 50, 40].map((bytes) => row(`coder ${bytes}`, bytes, 0));
    const pictures = [9, 7, 8].map((bytes) => row(`picture as ${bytes}`, bytes, 0));
    const own = [row('ours, b', 90, 0), row('ours, a', 80, 0)];
    expect(shownFamilies(subjectOf(...own, ...others, ...pictures), 0.01)).toEqual([
      ...['ours, a', 'ours, b', 'coder 10', 'coder 20', 'coder 30', 'coder 40', 'coder 50'],
      ...['picture as 7', 'picture as 8'],
    ]);
  });
});
