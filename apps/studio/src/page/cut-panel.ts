/** The middle column: what crosses the cut, before and after coding, and what it costs. */

import type { RunDetails, RunView, TensorView } from '../messages.js';
import { barList } from './bars.js';
import { channelChart } from './channel-chart.js';
import { card, html } from './dom.js';
import { formatBytes, formatCount, formatNumber, formatShare } from './format.js';
import { histogramChart } from './histogram-chart.js';
import { drawTiles } from './tiles.js';

/** The panel. */
export interface CutPanel {
  show(view: RunView): void;
  /** Adds what coding again has told of the run that is shown. */
  showDetails(details: RunDetails): void;
}

export function createCutPanel(root: HTMLElement): CutPanel {
  const tensors = html('div');
  const details = html('div', { class: 'details' });
  root.replaceChildren(tensors, details);
  return {
    show(view) {
      if (view.split.exit?.answers) {
        tensors.replaceChildren(exitCard());
        details.replaceChildren();
        return;
      }
      tensors.replaceChildren(...view.tensors.map(tensorCard));
      details.classList.add('stale');
    },
    showDetails(found) {
      details.classList.remove('stale');
      details.replaceChildren(...detailCards(found));
    },
  };
}

/** In the place of a cut that nothing was coded of. */
function exitCard(): HTMLElement {
  const text =
    'The exit beside the head was sure enough to answer here: nothing was coded, and nothing sent.';
  return card('Nothing crossed the cut', html('p', { class: 'hint' }, text));
}

function tensorCard(view: TensorView): HTMLElement {
  const { name, shape, elements, codedBytes, bitsPerElement, quantizer, coder, rmsError } = view;
  const { low, high } = view.histogram;
  const facts: readonly (readonly [string, string, string])[] = [
    ['Coded', formatBytes(codedBytes), 'coded-bytes'],
    ['Per element', `${formatNumber(bitsPerElement)} bit`, 'bits-per-element'],
    ['Against float32', formatShare(codedBytes / (4 * elements)), 'share'],
    ['RMS error', `${formatNumber(rmsError)} of ${formatNumber(high - low)}`, 'rms-error'],
  ];
  return card(
    'The cut',
    html(
      'p',
      { class: 'hint' },
      `${name}: ${shape.join(' × ')}, ${formatCount(elements)} elements; ${quantizer}; ${coder}`,
    ),
    html(
      'dl',
      { class: 'facts' },
      ...facts.map(([label, value, id]) =>
        html('div', {}, html('dt', {}, label), html('dd', { 'data-value': id }, value)),
      ),
    ),
    html('div', { class: 'sheets' }, sheetFigure(view, 'before'), sheetFigure(view, 'after')),
    html('h3', {}, 'Values'),
    histogramChart(view.histogram),
  );
}

function sheetFigure(view: TensorView, side: 'before' | 'after'): HTMLElement {
  const what = side === 'before' ? 'Before coding' : 'After decoding';
  const count =
    view.planesShown === view.planeCount
      ? `${formatCount(view.planeCount)} channels`
      : `${formatCount(view.planesShown)} of ${formatCount(view.planeCount)} channels`;
  const canvas = html('canvas', { role: 'img', 'aria-label': `${what}: ${count} of ${view.name} as tiles` });
  drawTiles(canvas, view[side]);
  return html('figure', {}, canvas, html('figcaption', {}, `${what} · ${count}`));
}

function detailCards({ channels, coders }: RunDetails): HTMLElement[] {
  const cards: HTMLElement[] = [];
  if (channels) cards.push(card('Bits per channel', channelChart(channels)));
  if (coders.length > 0) cards.push(coderCard(coders));
  return cards;
}

/** The first size is of frequencies alone, the last of the frame as it was sent. */
function coderCard(coders: RunDetails['coders']): HTMLElement {
  const again = coders.slice(0, -1);
  const smallest = Math.min(...again.map(({ bytes }) => bytes));
  const saved = 1 - smallest / again[0].bytes;
  const bars = coders.map(({ name, bytes }, i) => ({
    label: name,
    value: bytes,
    text: formatBytes(bytes),
    tone: i === coders.length - 1 ? 'accent' : 'plain',
  }));
  const summary =
    saved > 0
      ? `The same indices, coded again: neighbors save ${formatShare(saved)} of what frequencies alone take.`
      : 'The same indices, coded again: neighbors save nothing here.';
  return card(
    'What contexts save',
    html('p', { class: 'hint' }, summary),
    barList('Bytes of the frames by entropy coder', bars),
  );
}
