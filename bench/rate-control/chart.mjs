/**
 * Draws results/rate-control.json as results/rate-control.svg: two minutes of the recorded trace, the points that the
 * controller and the oracle chose, and the time of each frame beside the budget.
 *
 * Usage: node bench/rate-control/chart.mjs [FROM_SECONDS] [OUT.svg | OUT.png]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseLinkTrace } from '@featherwire/link';
import { drawPng, drawSvg } from '@featherwire/report';

const SHOWN_SECONDS = 120;
const from = Number(process.argv[2] ?? 0);
const out = process.argv[3] ?? 'results/rate-control.svg';
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const [run] = JSON.parse(read('results/rate-control.json')).simulated;
const { trace, frames } = run.recorded;
const { rates } = parseLinkTrace(read(trace), trace);
const isShown = ({ second }) => second >= from && second < from + SHOWN_SECONDS;
const rate = rates.uplinkMbps
  .map((mbps, i) => ({ second: (i * rates.stepMs) / 1000, mbps: Math.max(mbps, 0.1) }))
  .filter(isShown);
const rows = frames.point
  .map((point, i) => ({
    second: (i * run.intervalMs) / 1000,
    chosen: run.points[point]?.bytes ?? null,
    oracle: run.points[frames.oracle[i]]?.bytes ?? null,
    totalMs: frames.totalMs[i] < 0 ? null : Math.min(frames.totalMs[i], 400),
    late: frames.totalMs[i] > run.budgetMs,
  }))
  .filter(isShown);

const x = {
  field: 'second',
  type: 'quantitative',
  scale: { domain: [from, from + SHOWN_SECONDS], nice: false },
  axis: { title: null },
};
const panel = (title, layer) => ({
  width: 760,
  height: 130,
  title: { text: title, anchor: 'start', fontSize: 11 },
  layer,
});
const points = (field, color, size) => ({
  transform: [{ filter: `datum.${field} !== null` }],
  mark: { type: 'point', filled: true, size, color, opacity: 0.9 },
  encoding: { x, y: { field, type: 'quantitative', scale: { zero: false }, axis: { title: 'bytes' } } },
});
const chart = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  config: { font: 'DejaVu Sans, Helvetica, Arial, sans-serif' },
  title: {
    text: `${run.ladder}: a budget of ${run.budgetMs} ms`,
    subtitle: 'simulated clock; seconds of the recorded trace',
    anchor: 'start',
  },
  vconcat: [
    panel('uplink, Mbit/s (outages at the bottom)', [
      {
        data: { values: rate },
        mark: { type: 'line', color: '#0072b2', strokeWidth: 1.2 },
        encoding: {
          x,
          y: { field: 'mbps', type: 'quantitative', scale: { type: 'log' }, axis: { title: 'Mbit/s' } },
        },
      },
    ]),
    {
      ...panel('operating point: oracle gray, controller black', [
        points('oracle', '#bbbbbb', 26),
        points('chosen', '#111111', 7),
      ]),
      data: { values: rows },
    },
    {
      ...panel('time of each frame (late ones orange, cut at 400 ms)', [
        {
          transform: [{ filter: 'datum.totalMs !== null' }],
          mark: { type: 'point', filled: true, size: 9 },
          encoding: {
            x: { ...x, axis: { title: 'seconds' } },
            y: { field: 'totalMs', type: 'quantitative', axis: { title: 'ms' } },
            color: { condition: { test: 'datum.late', value: '#d55e00' }, value: '#009e73' },
          },
        },
        {
          data: { values: [{ totalMs: run.budgetMs }] },
          mark: { type: 'rule', strokeDash: [5, 4] },
          encoding: { y: { field: 'totalMs', type: 'quantitative' } },
        },
      ]),
      data: { values: rows },
    },
  ],
};
writeFileSync(out, out.endsWith('.png') ? await drawPng(chart) : await drawSvg(chart));
