/** The playground: a tensor file, coded by every method. */

import { createRandom, tensor, writeNpy } from '@featherwire/tensor';
import type { PlaygroundRow, PlaygroundView } from '../messages.js';
import { card, field, html } from './dom.js';
import { formatBytes, formatCount, formatMs, formatNumber, formatShare } from './format.js';
import type { AskWorker } from './worker-client.js';

/** Of the example: maps of a rectified feature. */
const EXAMPLE_SHAPE = [1, 32, 28, 28] as const;

/** Columns with what rows are sorted by. */
const COLUMNS: readonly (readonly [string, (row: PlaygroundRow) => number | string])[] = [
  ['Values', ({ quantizer }) => quantizer],
  ['Entropy coder', ({ coder }) => coder],
  ['Bytes', ({ bytes }) => bytes],
  ['Bit/element', ({ bitsPerElement }) => bitsPerElement],
  ['Of the file', ({ bytes }) => bytes],
  ['RMS error/σ', ({ relativeError }) => relativeError],
  ['Encode', ({ encodeMs }) => encodeMs],
  ['Decode', ({ decodeMs }) => decodeMs],
];
const BYTES_COLUMN = 2;

export function createPlayground(root: HTMLElement, ask: AskWorker): void {
  const status = html(
    'p',
    { class: 'status', role: 'status' },
    'Drop a .npy file here, choose one, or take the example.',
  );
  const results = html('div');
  const file = html('input', { type: 'file', accept: '.npy' });
  const example = html('button', { type: 'button', id: 'example' }, 'Example');
  const drop = html('div', { class: 'drop' }, field('Tensor, .npy', file), example);
  root.replaceChildren(
    card(
      'A tensor by every method',
      html(
        'p',
        { class: 'hint' },
        'Every row is coded and decoded in this browser; bytes are those of whole frames with headers and checksums, errors those of the decoded tensor.',
      ),
      drop,
      status,
    ),
    results,
  );
  const code = async (npy: Uint8Array, name: string): Promise<void> => {
    status.textContent = `Coding ${name} …`;
    try {
      const view = await ask<'code'>({ kind: 'code', npy });
      status.textContent = `${name}: ${view.dtype} [${view.shape.join(', ')}], ${formatCount(view.elements)} elements, ${formatBytes(view.rawBytes)}; ${view.rows.length} methods.`;
      results.replaceChildren(tableCard(view));
    } catch (error) {
      status.textContent = `${name} cannot be coded: ${(error as Error).message}`;
      results.replaceChildren();
    }
  };
  const take = async (chosen: File | undefined): Promise<void> => {
    if (chosen) await code(new Uint8Array(await chosen.arrayBuffer()), chosen.name);
  };
  file.addEventListener('change', () => void take(file.files?.[0]));
  root.addEventListener('dragover', (event) => event.preventDefault());
  root.addEventListener('drop', (event) => {
    event.preventDefault();
    void take(event.dataTransfer?.files[0]);
  });
  example.addEventListener('click', () => void code(exampleTensor(), 'The example'));
}

/** Smooth maps that a rectifier has cut at 0, as features are. */
function exampleTensor(): Uint8Array {
  const [, channels, height, width] = EXAMPLE_SHAPE;
  const random = createRandom(7);
  const data = new Float32Array(channels * height * width);
  for (let channel = 0; channel < channels; channel++) {
    const [fx, fy, shift] = [random.nextUniform(), random.nextUniform(), 6 * random.nextUniform()];
    for (let i = 0; i < height * width; i++) {
      const [y, x] = [Math.floor(i / width), i % width];
      const wave = Math.sin(fx * x + shift) + Math.cos(fy * y - shift) + 0.25 * random.nextNormal();
      data[channel * height * width + i] = Math.max(0, wave - 0.3);
    }
  }
  return writeNpy(tensor('float32', [...EXAMPLE_SHAPE], data));
}

function tableCard(view: PlaygroundView): HTMLElement {
  const body = html('tbody');
  const heads = COLUMNS.map(([name], i) => {
    const button = html('button', { type: 'button', class: 'sort' }, name);
    const kind = i < BYTES_COLUMN ? null : 'number';
    return html('th', { scope: 'col', 'aria-sort': 'none', class: kind }, button);
  });
  const sortBy = (column: number): void => {
    const isReversed = heads[column].getAttribute('aria-sort') === 'ascending';
    for (const [i, head] of heads.entries()) {
      head.setAttribute('aria-sort', i !== column ? 'none' : isReversed ? 'descending' : 'ascending');
    }
    const [, keyOf] = COLUMNS[column];
    const sorted = [...view.rows].sort((a, b) => compare(keyOf(a), keyOf(b)) * (isReversed ? -1 : 1));
    body.replaceChildren(...sorted.map((row) => tableRow(row, view.rawBytes)));
  };
  for (const [i, head] of heads.entries()) head.firstElementChild!.addEventListener('click', () => sortBy(i));
  sortBy(BYTES_COLUMN);
  return card(
    'Methods',
    html(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Methods, a table that scrolls' },
      html('table', { class: 'methods' }, html('thead', {}, html('tr', {}, ...heads)), body),
    ),
  );
}

function tableRow(row: PlaygroundRow, rawBytes: number): HTMLElement {
  const share = html('span', { class: 'fill accent' });
  share.style.inlineSize = `${Math.min(100, (100 * row.bytes) / rawBytes)}%`;
  const time = (ms: number): string => (Number.isFinite(ms) ? formatMs(ms) : '–');
  return html(
    'tr',
    {},
    html('th', { scope: 'row' }, row.quantizer),
    html('td', {}, row.coder),
    html('td', { class: 'number' }, formatBytes(row.bytes)),
    html('td', { class: 'number' }, formatNumber(row.bitsPerElement)),
    html(
      'td',
      { class: 'number' },
      html('span', { class: 'track', 'aria-hidden': 'true' }, share),
      formatShare(row.bytes / rawBytes),
    ),
    html('td', { class: 'number' }, row.relativeError === 0 ? '0' : formatNumber(row.relativeError)),
    html('td', { class: 'number' }, time(row.encodeMs)),
    html('td', { class: 'number' }, time(row.decodeMs)),
  );
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'string' || typeof b === 'string') return String(a).localeCompare(String(b));
  return (Number.isNaN(a) ? Number.POSITIVE_INFINITY : a) - (Number.isNaN(b) ? Number.POSITIVE_INFINITY : b);
}
