/** The right column: the two answers side by side, where the time went, and how many bytes each way takes. */

import type { CodecName } from '@featherwire/runtime';
import type { Answer, ExitView, RunView } from '../messages.js';
import { barList } from './bars.js';
import { card, html } from './dom.js';
import type { PictureSizes } from './fitted-picture.js';
import { formatBytes, formatMs, formatNumber, formatShare, shorten } from './format.js';

/** Stages in the order of the data, with the names of their colors. */
const STAGES = [
  ['headMs', 'head, here'],
  ['exitMs', 'exit, here'],
  ['encodeMs', 'encode'],
  ['linkMs', 'link, both ways'],
  ['queueMs', 'queue'],
  ['decodeMs', 'decode'],
  ['tailMs', 'tail, server'],
  ['respondMs', 'answer'],
  ['readMs', 'read'],
] as const;
const CODEC_NAMES: Readonly<Record<CodecName, string>> = {
  webgpu: 'WebGPU, where the head left the feature',
  wasm: 'WebAssembly',
  javascript: 'JavaScript',
  reference: 'the reference',
};
const LABEL_LENGTH = 28;

/** @param sizes - of the picture; null where the input is none */
export function showAnswers(root: HTMLElement, view: RunView, sizes: PictureSizes | null): void {
  root.replaceChildren(answersCard(view), timesCard(view), bytesCard(view, sizes));
}

function answersCard({ split, whole, agrees }: RunView): HTMLElement {
  const badge =
    agrees === null
      ? null
      : html(
          'p',
          { class: agrees ? 'badge good' : 'badge bad' },
          agrees ? 'The answers agree' : 'The answers differ',
        );
  const other =
    'answer' in whole
      ? answerBlock(
          'Whole network',
          whole.answer,
          `${formatMs(whole.times.totalMs)}, ${formatBytes(whole.bytes.sent)} sent`,
        )
      : html(
          'div',
          { class: 'answer' },
          html('h3', {}, 'Whole network'),
          html('p', { class: 'hint' }, `Not asked: ${whole.reason}.`),
        );
  const note = `${formatMs(split.times.totalMs)}, ${formatBytes(split.bytes.sent)} sent`;
  const { exit } = split;
  const title = exit?.answers ? 'Exit, on this device' : 'Split network';
  return card(
    'Answers',
    badge,
    html('div', { class: 'pair' }, answerBlock(title, split.answer, note), other),
    exit && html('p', { class: 'hint', 'data-value': 'exit' }, describeExit(exit)),
  );
}

function describeExit({ confidence, threshold, answers }: ExitView): string {
  const [sure, least] = [confidence, threshold].map(formatShare);
  return answers
    ? `The exit is sure by ${sure}, and answers from ${least} on.`
    : `The exit is sure by ${sure} alone, and answers from ${least} on: this was sent.`;
}

function answerBlock(title: string, answer: Answer, note: string): HTMLElement {
  return html(
    'div',
    { class: 'answer' },
    html('h3', {}, title),
    ...answerLines(answer),
    html('p', { class: 'hint' }, note),
  );
}

function answerLines(answer: Answer): HTMLElement[] {
  switch (answer.kind) {
    case 'text':
      return [
        html('p', { class: 'read', 'data-value': 'answer' }, answer.text === '' ? '(nothing)' : answer.text),
      ];
    case 'classes': {
      const bars = answer.top.map(({ label, share }, i) => ({
        label: shorten(label, LABEL_LENGTH),
        value: share,
        text: formatShare(share),
        tone: i === 0 ? 'accent' : 'plain',
      }));
      return [barList('Best classes', bars)];
    }
    case 'values':
      return [
        html('p', { class: 'hint' }, `${answer.name}: ${answer.shape}`),
        html('p', { class: 'read small', 'data-value': 'answer' }, answer.first.map(formatNumber).join(', ')),
      ];
    default:
      return answer satisfies never;
  }
}

function timesCard({ split: { times, codec, attempts, exit } }: RunView): HTMLElement {
  const stages = STAGES.flatMap(([stage, label]) => {
    const ms = stage === 'exitMs' ? exit?.exitMs : times[stage];
    return ms === undefined ? [] : [{ stage, label, ms }];
  });
  const total = stages.reduce((sum, { ms }) => sum + ms, 0) || 1;
  const segments = stages.map(({ stage, ms }) => {
    const segment = html('span', { class: `stage ${stage}` });
    segment.style.inlineSize = `${(100 * ms) / total}%`;
    return segment;
  });
  const rows = stages.map(({ stage, label, ms }) =>
    html(
      'tr',
      {},
      html('th', { scope: 'row' }, html('span', { class: `swatch ${stage}`, 'aria-hidden': 'true' }), label),
      html('td', { 'data-value': stage }, formatMs(ms)),
    ),
  );
  return card(
    'Time',
    html('div', { class: 'stages', 'aria-hidden': 'true' }, ...segments),
    html(
      'table',
      { class: 'times' },
      html('caption', { class: 'hidden' }, 'Stages of the request'),
      html('tbody', {}, ...rows),
      html(
        'tfoot',
        {},
        html(
          'tr',
          {},
          html('th', { scope: 'row' }, 'all'),
          html('td', { 'data-value': 'totalMs' }, formatMs(times.totalMs)),
        ),
      ),
    ),
    codec ? html('p', { class: 'hint', 'data-value': 'codec' }, `Coded by ${CODEC_NAMES[codec]}.`) : null,
    attempts > 1 ? html('p', { class: 'hint' }, `Answered at attempt ${attempts}.`) : null,
  );
}

function bytesCard({ split, whole, rawBytes }: RunView, sizes: PictureSizes | null): HTMLElement {
  const { bytes } = split;
  const bars = [
    { label: 'split, all of it', value: bytes.sent, text: formatBytes(bytes.sent), tone: 'accent' },
    { label: 'of it the frame', value: bytes.payload, text: formatBytes(bytes.payload), tone: 'accent' },
    ...(sizes
      ? [
          { label: 'picture as JPEG, 90', value: sizes.jpeg, text: formatBytes(sizes.jpeg) },
          { label: 'picture as PNG', value: sizes.png, text: formatBytes(sizes.png) },
        ]
      : []),
    // Of what the exit answers no feature is looked at.
    ...(rawBytes > 0 ? [{ label: 'feature as float32', value: rawBytes, text: formatBytes(rawBytes) }] : []),
  ];
  const received = 'answer' in whole ? `; the whole network's request ${formatBytes(whole.bytes.sent)}` : '';
  return card(
    'Bytes',
    barList('Bytes by way of sending', bars, { log: true }),
    html(
      'p',
      { class: 'hint' },
      `The length of bars is logarithmic. Received ${formatBytes(bytes.received)}${received}.`,
    ),
  );
}
