import type { SweepRow } from '@featherwire/eval';
import { describe, expect, test } from 'vitest';
import { drawPng, drawSvg } from './draw.js';
import { reportPage } from './page.js';
import { rateAccuracyChart } from './rate-accuracy-chart.js';
import { curvesOfSubject, familiesAtLoss } from './subject-summary.js';
import type { ReportSubject, SweepReport } from './sweep-report.js';

function row(family: string, bytes: number, value: number): SweepRow {
  const loss = 0.9 - value;
  return {
    subject: 'net at <cut>',
    family,
    method: `${family} at ${bytes}`,
    sampleCount: 100,
    metric: { name: 'top-1 accuracy', value, low: value - 0.02, high: value + 0.02 },
    loss: { value: loss, low: loss - 0.01, high: loss + 0.01 },
    bytesPerSample: { mean: bytes, p50: bytes, p95: bytes },
    bitsPerElement: bytes / 100,
    encodeMs: 1.5,
    decodeMs: null,
    programs: { encodeMs: 20, decodeMs: 10.25 },
    headMacs: 1e6,
  };
}

const SUBJECT: ReportSubject = {
  name: 'net at <cut>',
  data: '100 pictures & labels',
  metric: { name: 'top-1 accuracy', better: 'higher', unsplit: 0.9 },
  rows: [
    ...[row('theirs', 400, 0.9), row('theirs', 200, 0.85), row('theirs', 300, 0.84)],
    ...[
      row('ours, levels', 200, 0.9),
      row('ours, levels', 100, 0.85),
      row('plain', 5000, 0.9),
      row('bad', 10, 0.1),
    ],
  ],
  skipped: [
    { subject: 'net at <cut>', family: 'tiled x265', method: 'qp 10', reason: 'ffmpeg: not installed' },
  ],
};

const REPORT: SweepReport = {
  command: 'featherwire eval bundle --data <pictures>',
  commit: 'abc',
  machine: { processor: 'a processor', cores: 2, node: 'v20' },
  seed: 7,
  maxLoss: 0.01,
  deviceSlowdown: 4,
  subjects: [SUBJECT],
};

describe('curves', () => {
  test('are the families by rate, without the points that cheaper ones beat', () => {
    const [theirs] = curvesOfSubject(SUBJECT);
    expect(theirs.family).toBe('theirs');
    expect(theirs.rows.map(({ bytesPerSample }) => bytesPerSample.mean)).toEqual([200, 300, 400]);
    expect(theirs.envelope.map(({ bytesPerSample }) => bytesPerSample.mean)).toEqual([200, 400]);
  });

  test('at a loss: the cheapest point, cheapest family first, and how the reference compares', () => {
    const found = familiesAtLoss(SUBJECT, 0.01, 'ours, levels');
    expect(found.map(({ family, best }) => [family, best?.bytesPerSample.mean])).toEqual([
      ['ours, levels', 200],
      ['theirs', 400],
      ['plain', 5000],
      ['bad', undefined],
    ]);
    expect(found[0].bjontegaardRate).toBeNull();
    expect(found[1].bjontegaardRate).toBeCloseTo(-50, 9); // half the bytes at every accuracy
    expect(found[2].bjontegaardRate).toBeNull(); // a single point
  });

  test('fewer errors are better where the metric says so', () => {
    const errors: ReportSubject = {
      ...SUBJECT,
      metric: { name: 'errors', better: 'lower', unsplit: 0.1 },
      rows: SUBJECT.rows.map((each) => ({
        ...each,
        metric: { ...each.metric, value: 1 - each.metric.value },
      })),
    };
    expect(curvesOfSubject(errors)[0].envelope.map(({ bytesPerSample }) => bytesPerSample.mean)).toEqual([
      200, 400,
    ]);
    expect(familiesAtLoss(errors, 0.01, 'ours, levels')[1].bjontegaardRate).toBeCloseTo(-50, 9);
  });
});

describe('drawing', () => {
  test('a chart names its families and its data, and is a picture', async () => {
    const chart = rateAccuracyChart(SUBJECT, { highlight: 'ours, levels' });
    const svg = await drawSvg(chart);
    for (const text of ['ours', 'theirs', 'plain', '100 pictures &amp; labels', 'bytes per sample'])
      expect(svg).toContain(text);
    expect(svg).not.toContain('NaN');
    const png = await drawPng(chart);
    expect([...png.subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    const size = new DataView(png.buffer, png.byteOffset);
    expect(size.getUint32(16)).toBeGreaterThan(1200);
  });
});

test.each(['higher', 'lower'] as const)(
  'a chart of a metric where %s is better ends at its best point',
  (better) => {
    const sign = better === 'higher' ? 1 : -1;
    const endOf = (...values: number[]): number => {
      const rows = values.map((value, i) => row('ours', 100 + i, value));
      const chart = rateAccuracyChart({
        ...SUBJECT,
        metric: { ...SUBJECT.metric, better, unsplit: 0.5 },
        rows,
      });
      const [, , , { encoding }] = (chart as unknown as { layer: { encoding: Encoding }[] }).layer;
      const [low, high] = encoding.y.scale.domain;
      return better === 'higher' ? high : low;
    };
    expect(endOf(0.5, 0.5 - 0.4 * sign)).toBeCloseTo(0.5 + 0.05 * sign, 9);
    expect(endOf(0.5, 0.5 + 0.13 * sign)).toBeCloseTo(0.5 + 0.13 * sign, 9);
  },
);

interface Encoding {
  readonly y: { readonly scale: { readonly domain: readonly number[] } };
}

describe('page', () => {
  const figure = {
    kind: 'rate-accuracy',
    of: SUBJECT.name,
    svg: '<?xml version="1.0"?><svg id="chart"></svg>',
  } as const;
  const page = reportPage(REPORT, { title: 'A & B', figures: [figure] });

  test('holds the charts, the tables, and how it was made', () => {
    expect(page).toContain('<svg id="chart">');
    expect(page).not.toContain('<?xml');
    expect(page).toContain('<td class="number">200.0</td>');
    expect(page).toContain('-50.00 %');
    expect(page).toContain('20.0 + 10.3');
    expect(page).toContain('never within the loss');
    expect(page).toContain('tiled x265: ffmpeg: not installed');
    expect(page).toContain('a processor, 2 cores, Node v20');
  });

  test('escapes what comes from outside and refers to nothing outside', () => {
    expect(page).toContain('<title>A &amp; B</title>');
    expect(page).toContain('net at &lt;cut&gt;');
    expect(page).toContain('--data &lt;pictures&gt;');
    expect(page).not.toMatch(/(src|href)=/);
    expect(page).not.toContain('<script');
  });
});
