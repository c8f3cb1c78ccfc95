/**
 * A plan as one SVG picture: bars of the totals on the planned link, and totals over the bandwidth of the uplink with the
 * ranges in which each way is the fastest. Written as text, without a browser.
 */

import { describeLink } from '@featherwire/link';
import type { BandwidthRange } from '../choice/break-even.js';
import type { Choice, RatedWay } from '../choice/choose.js';
import { totalLine } from '../choice/total.js';
import { longestBarMs, partsOf } from './bars.js';
import { shownWays } from './shown-ways.js';

const WIDTH = 960;
const MARGIN = 24;
const LABEL_WIDTH = 330;
const FIGURE_WIDTH = 90;
const ROW_HEIGHT = 26;
const TITLE_HEIGHT = 64;
const CURVES_HEIGHT = 330;
const AXIS_WIDTH = 56;

/** Colors that stay apart for color-blind readers (Okabe and Ito, 2008), and grays. */
const WAY_COLORS = [
  '#0072B2',
  '#D55E00',
  '#009E73',
  '#CC79A7',
  '#E69F00',
  '#56B4E9',
  '#000000',
  '#8C510A',
  '#7570B3',
  '#999999',
];
const PART_COLORS = { device: '#33627d', link: '#c9d6de', server: '#7fa9c0' };
const INK = '#1b1f23';
const FAINT = '#8a9299';

/** Between break-even figures, so that they do not touch. */
const MIN_LABEL_DISTANCE = 38;

/** Bandwidths of the curves, as factors on the planned one. */
const SPAN = 32;

/**
 * Draws a plan.
 * @param title - first line, such as the model's name; any text
 * @returns a whole SVG document
 */
export function drawPlan(choice: Choice, title: string): string {
  const shown = shownWays(choice);
  const barsHeight = shown.length * ROW_HEIGHT + 40;
  const height = TITLE_HEIGHT + barsHeight + CURVES_HEIGHT + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="13" fill="${INK}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(MARGIN, 30, title, { size: 17, weight: 600 }),
    text(MARGIN, 50, describeLink(choice.link), { color: FAINT }),
    group(0, TITLE_HEIGHT, bars(shown, choice)),
    group(0, TITLE_HEIGHT + barsHeight, curves(shown, choice)),
    '</svg>',
    '',
  ].join('\n');
}

function bars(shown: readonly RatedWay[], { winnerId }: Choice): string[] {
  const left = MARGIN + LABEL_WIDTH;
  const width = WIDTH - left - FIGURE_WIDTH - MARGIN;
  const longest = longestBarMs(shown);
  const rows = shown.flatMap((rated, i) => {
    const y = 18 + i * ROW_HEIGHT;
    const { deviceMs, linkMs, serverMs } = partsOf(rated);
    let x = left;
    const part = (ms: number, color: string): string => {
      const end = Math.min(left + width, x + (width * ms) / longest);
      const drawn = rect(x, y, end - x, 16, color);
      x = end;
      return drawn;
    };
    const isWinner = rated.way.id === winnerId;
    const weight = isWinner ? 600 : 400;
    const color = rated.keepsLoss && rated.keepsBudget ? INK : FAINT;
    return [
      rect(MARGIN, y + 3, 10, 10, colorOf(i)),
      text(MARGIN + 18, y + 13, shorten(nameOf(rated), 40), { weight, color }),
      part(deviceMs, PART_COLORS.device),
      part(linkMs, PART_COLORS.link),
      part(serverMs, PART_COLORS.server),
      ...(rated.totalMs.p50 > longest ? [breakOfBar(left + width, y)] : []),
      text(x + 8, y + 13, `${formatMs(rated.totalMs.p50)} ms`, { weight, color }),
    ];
  });
  const legend = (['device', 'link', 'server'] as const).flatMap((name, i) => [
    rect(left + i * 90, 0, 10, 10, PART_COLORS[name]),
    text(left + i * 90 + 15, 10, name, { color: FAINT, size: 12 }),
  ]);
  return [...legend, ...rows];
}

/** Two strokes across a bar that is longer than drawn. */
function breakOfBar(right: number, y: number): string {
  const strokes = [right - 26, right - 18].map((x) => `M${x} ${y + 18}l8 -20`);
  return `<path d="${strokes.join('')}" stroke="#fff" stroke-width="3"/>`;
}

interface Scales {
  readonly lowMbps: number;
  readonly highMbps: number;
  readonly x: (mbps: number) => number;
  readonly y: (ms: number) => number;
}

function curves(shown: readonly RatedWay[], choice: Choice): string[] {
  const { link, ranges } = choice;
  const lines = shown.map(({ way }) => totalLine(way, link));
  const lowMbps = link.uplinkMbps / SPAN;
  const highMbps = link.uplinkMbps * SPAN;
  const all = lines.flatMap(({ fixedMs, kilobits }) => [
    fixedMs + kilobits / highMbps,
    fixedMs + kilobits / lowMbps,
  ]);
  const lowMs = Math.max(Math.min(...all), 1e-3) / 1.15;
  // What is far slower than the best at the left edge would squeeze everything else.
  const highMs = Math.max(lowMs * 4, Math.min(Math.max(...all), lowMs * 300)) * 1.15;
  const left = MARGIN + AXIS_WIDTH;
  const right = WIDTH - MARGIN;
  const top = 30;
  const bottom = CURVES_HEIGHT - 64;
  const scale = (value: number, low: number, high: number): number =>
    Math.log(value / low) / Math.log(high / low);
  const scales: Scales = {
    lowMbps,
    highMbps,
    x: (mbps) => left + scale(mbps, lowMbps, highMbps) * (right - left),
    y: (ms) => bottom - Math.min(1.02, scale(ms, lowMs, highMs)) * (bottom - top),
  };
  const drawn = lines.map(({ fixedMs, kilobits }, i) => {
    const points = Array.from({ length: 97 }, (_, step) => {
      const mbps = lowMbps * (highMbps / lowMbps) ** (step / 96);
      return `${round(scales.x(mbps))},${round(scales.y(fixedMs + kilobits / mbps))}`;
    });
    const width = shown[i].way.id === choice.winnerId ? 3 : 1.6;
    const dash = shown[i].keepsLoss ? '' : ' stroke-dasharray="4 4"';
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colorOf(i)}" stroke-width="${width}"${dash}/>`;
  });
  const planned = round(scales.x(link.uplinkMbps));
  return [
    text(MARGIN, 14, 'total in ms by bandwidth of the uplink; below, the fastest way that keeps the loss', {
      color: FAINT,
      size: 12,
    }),
    `<clipPath id="plot"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath>`,
    ...grid(scales, { left, right, top, bottom, lowMs, highMs }),
    `<line x1="${planned}" y1="${top}" x2="${planned}" y2="${bottom}" stroke="${FAINT}" stroke-dasharray="2 3"/>`,
    `<g clip-path="url(#plot)">`,
    ...drawn,
    '</g>',
    ...strip(ranges, shown, scales, bottom + 30),
  ];
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly lowMs: number;
  readonly highMs: number;
}

function grid(scales: Scales, { left, right, top, bottom, lowMs, highMs }: Frame): string[] {
  const horizontal = ticks(lowMs, highMs).flatMap((ms) => [
    `<line x1="${left}" y1="${round(scales.y(ms))}" x2="${right}" y2="${round(scales.y(ms))}" stroke="#e6eaed"/>`,
    text(left - 8, scales.y(ms) + 4, formatTick(ms), { anchor: 'end', color: FAINT, size: 12 }),
  ]);
  const vertical = ticks(scales.lowMbps, scales.highMbps).flatMap((mbps) => [
    `<line x1="${round(scales.x(mbps))}" y1="${top}" x2="${round(scales.x(mbps))}" y2="${bottom}" stroke="#e6eaed"/>`,
    text(scales.x(mbps), bottom + 18, formatTick(mbps), { anchor: 'middle', color: FAINT, size: 12 }),
  ]);
  const unit = text(left - 8, bottom + 18, 'Mbit/s', { anchor: 'end', color: FAINT, size: 12 });
  return [...horizontal, ...vertical, unit];
}

/** The fastest ways as a strip of their colors, with the break-even bandwidths where they meet. */
function strip(
  ranges: readonly BandwidthRange[],
  shown: readonly RatedWay[],
  scales: Scales,
  y: number,
): string[] {
  const { lowMbps, highMbps, x } = scales;
  let lastLabel = Number.NEGATIVE_INFINITY;
  return ranges.flatMap(({ wayId, fromMbps, toMbps }) => {
    const from = Math.max(fromMbps, lowMbps);
    const to = Math.min(toMbps ?? highMbps, highMbps);
    if (to <= from) return [];
    const place = shown.findIndex(({ way }) => way.id === wayId);
    const drawn = [rect(x(from), y, x(to) - x(from), 10, place < 0 ? '#dddddd' : colorOf(place))];
    const isInside = fromMbps > lowMbps && x(fromMbps) - lastLabel > MIN_LABEL_DISTANCE;
    if (!isInside) return drawn;
    lastLabel = x(fromMbps);
    return [...drawn, text(x(fromMbps), y + 25, formatTick(fromMbps), { anchor: 'middle', size: 12 })];
  });
}

/** 1, 2 and 5 times powers of ten within a range. */
function ticks(low: number, high: number): number[] {
  const found: number[] = [];
  for (let exponent = Math.floor(Math.log10(low)); 10 ** exponent <= high; exponent++) {
    for (const digit of [1, 2, 5]) {
      const value = digit * 10 ** exponent;
      if (value >= low && value <= high) found.push(Number(value.toPrecision(1)));
    }
  }
  return found;
}

function nameOf({ way }: RatedWay): string {
  return way.setting === '' ? way.label : `${way.label}, ${way.setting}`;
}

function shorten(name: string, length: number): string {
  const characters = Array.from(name);
  if (characters.length <= length) return name;
  const half = (length - 1) >> 1;
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`;
}

function colorOf(place: number): string {
  return WAY_COLORS[place % WAY_COLORS.length];
}

function formatMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

function formatTick(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function group(x: number, y: number, content: readonly string[]): string {
  return `<g transform="translate(${x} ${y})">\n${content.join('\n')}\n</g>`;
}

function rect(x: number, y: number, width: number, height: number, color: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}" height="${height}" fill="${color}"/>`;
}

interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly color?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

function text(
  x: number,
  y: number,
  content: string,
  { size, weight, color, anchor }: TextStyle = {},
): string {
  const attributes = [
    size && ` font-size="${size}"`,
    weight && ` font-weight="${weight}"`,
    color && ` fill="${color}"`,
    anchor && ` text-anchor="${anchor}"`,
  ].filter(Boolean);
  return `<text x="${round(x)}" y="${round(y)}"${attributes.join('')}>${escapeText(content)}</text>`;
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}
