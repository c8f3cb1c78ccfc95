/** Horizontal bars with their numbers: a list that reads as one without its drawing. */

import { html } from './dom.js';

/** One bar. */
export interface Bar {
  readonly label: string;
  /** Its length; not negative. */
  readonly value: number;
  readonly text: string;
  /** Class of its color; default `plain`. */
  readonly tone?: string;
}

/** @param label - what the list is of */
export function barList(label: string, bars: readonly Bar[], { log = false } = {}): HTMLElement {
  const longest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  // With a ratio of thousands, equal steps are equal factors; the shortest keeps a tenth.
  const shortest = Math.min(...bars.map(({ value }) => Math.max(value, 1)));
  const lengthOf = (value: number): number =>
    log && value > 0 && longest > shortest
      ? 0.1 + 0.9 * (Math.log(Math.max(value, 1) / shortest) / Math.log(longest / shortest))
      : value / longest;
  const items = bars.map(({ label: name, value, text, tone = 'plain' }) => {
    const fill = html('span', { class: `fill ${tone}` });
    fill.style.inlineSize = `${100 * lengthOf(value)}%`;
    return html(
      'li',
      {},
      html('span', { class: 'name', title: name }, name),
      html('span', { class: 'track', 'aria-hidden': 'true' }, fill),
      html('span', { class: 'number' }, text),
    );
  });
  return html('ul', { class: 'bars', 'aria-label': label }, ...items);
}
