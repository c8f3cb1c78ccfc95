/** The settings: cut, operating point, latency budget, link, exit. */

import type { OperatingPoint } from '@featherwire/bundle';
import { describeLink } from '@featherwire/link';
import type { ServedBundle } from '@featherwire/runtime';
import type { StudioCoding, StudioLink } from '../messages.js';
import { field, html } from './dom.js';
import { formatBytes, formatShare } from './format.js';

/** What is set. */
export interface Settings {
  readonly bundle: ServedBundle;
  readonly coding: StudioCoding;
  /** Null for the connection as it is. */
  readonly link: StudioLink | null;
  /** Whether the bundle's exit may answer; false where it has none. */
  readonly asksExit: boolean;
}

/** The controls. */
export interface Controls {
  settings(): Settings;
  /** Takes a point by its id. */
  choosePoint(id: string): void;
  /** Shows which point the rate controller took. */
  showChoice(coding: string): void;
  readonly isRepeating: boolean;
}

/** What the controls tell of. */
export interface ControlEvents {
  readonly bundleChanged: () => void;
  readonly changed: () => void;
  readonly run: () => void;
}

/** Codings for every bundle, by the values of their options. */
const PLAIN_CODINGS: readonly (readonly [string, string])[] = [
  ['levels 2', '2 levels'],
  ['levels 4', '4 levels'],
  ['levels 8', '8 levels'],
  ['levels 16', '16 levels'],
  ['levels 64', '64 levels'],
  ['levels 256', '256 levels'],
  ['lossless', 'lossless'],
];
const POINT_PREFIX = 'point ';
const DEFAULT_BUDGET_MS = 150;
const SHORTEST_BUDGET_MS = 10;
const LONGEST_BUDGET_MS = 1000;
/** Changes of a slider come by the dozen. */
const SETTLE_MS = 150;

export function createControls(
  root: HTMLFormElement,
  bundles: readonly ServedBundle[],
  links: readonly StudioLink[],
  events: ControlEvents,
): Controls {
  const cut = html(
    'select',
    { id: 'bundle' },
    ...bundles.map(({ manifest }, i) => html('option', { value: i }, cutName(manifest, bundles))),
  );
  const point = html('select', { id: 'point' });
  const withBudget = html('input', { type: 'checkbox', id: 'with-budget' });
  const budget = html('input', {
    ...{ type: 'range', id: 'budget', min: SHORTEST_BUDGET_MS, max: LONGEST_BUDGET_MS, step: 10 },
    ...{ value: DEFAULT_BUDGET_MS, disabled: true, 'aria-label': 'Latency budget in milliseconds' },
  });
  const budgetText = html('output', { for: 'budget' }, `${DEFAULT_BUDGET_MS} ms`);
  const link = html(
    'select',
    { id: 'link' },
    html('option', { value: '' }, 'As it is'),
    ...links.map((offered) =>
      html('option', { value: offered.stream, title: describeLink(offered.link) }, offered.link.name),
    ),
  );
  const exit = html('input', { type: 'checkbox', id: 'exit', checked: true });
  const exitText = html('span', {});
  const exitField = html('label', { class: 'check', hidden: true }, exit, exitText);
  const linkText = html('span', { class: 'hint', id: 'link-text' });
  const run = html('button', { type: 'submit', class: 'primary', id: 'run' }, 'Run');
  const repeat = html('input', { type: 'checkbox', id: 'repeat' });
  const chosen = (): ServedBundle => bundles[Number(cut.value)];

  const fillPoints = (): void => {
    const { operatingPoints } = chosen().manifest;
    point.replaceChildren(...pointOptions(operatingPoints));
    point.value = defaultPoint(operatingPoints);
    const hasMeasured = operatingPoints.some(({ measured }) => measured !== undefined);
    withBudget.disabled = !hasMeasured;
    if (!hasMeasured) withBudget.checked = false;
    updateBudget();
    showExit();
  };
  const showExit = (): void => {
    const { exit: offered } = chosen().manifest;
    exitField.hidden = !offered;
    if (offered) exitText.textContent = `Answer here, from ${formatShare(offered.threshold)} confidence`;
  };
  const updateBudget = (): void => {
    budget.disabled = !withBudget.checked;
    point.disabled = withBudget.checked;
    budgetText.textContent = `${budget.value} ms`;
  };
  const updateLink = (): void => {
    const offered = links.find(({ stream }) => stream === link.value);
    linkText.textContent = offered ? describeLink(offered.link) : 'Loopback, or whatever lies between.';
  };
  let settling: ReturnType<typeof setTimeout> | undefined;
  cut.addEventListener('change', () => {
    fillPoints();
    events.bundleChanged();
  });
  point.addEventListener('change', events.changed);
  link.addEventListener('change', () => {
    updateLink();
    events.changed();
  });
  withBudget.addEventListener('change', () => {
    updateBudget();
    events.changed();
  });
  budget.addEventListener('input', () => {
    updateBudget();
    clearTimeout(settling);
    settling = setTimeout(events.changed, SETTLE_MS);
  });
  exit.addEventListener('change', events.changed);
  repeat.addEventListener('change', () => {
    if (repeat.checked) events.run();
  });
  root.addEventListener('submit', (event) => {
    event.preventDefault();
    events.run();
  });
  root.replaceChildren(
    field('Cut', cut),
    field('Operating point', point),
    html(
      'div',
      { class: 'field' },
      html('label', { class: 'check' }, withBudget, 'Latency budget'),
      html('span', { class: 'slider' }, budget, budgetText),
    ),
    field('Link', link, linkText),
    html(
      'div',
      { class: 'actions' },
      run,
      html('label', { class: 'check' }, repeat, 'Again and again'),
      exitField,
    ),
  );
  fillPoints();
  updateLink();
  return {
    settings: () => ({
      bundle: chosen(),
      coding: withBudget.checked
        ? { kind: 'budget', budgetMs: Number(budget.value) }
        : codingOfValue(point.value),
      link: links.find(({ stream }) => stream === link.value) ?? null,
      asksExit: exit.checked && chosen().manifest.exit !== undefined,
    }),
    choosePoint(id) {
      withBudget.checked = false;
      point.value = POINT_PREFIX + id;
      updateBudget();
      events.changed();
    },
    showChoice(coding) {
      if (withBudget.checked) point.value = POINT_PREFIX + coding;
    },
    get isRepeating() {
      return repeat.checked;
    },
  };
}

/** Where the network is cut, and which one where there are several. */
function cutName({ model, cut }: ServedBundle['manifest'], bundles: readonly ServedBundle[]): string {
  const names = cut.map(({ name }) => name).join(', ');
  const isOneModel = bundles.every(({ manifest }) => manifest.model.sha256 === model.sha256);
  return isOneModel ? names : `${model.name} at ${names}`;
}

function pointOptions(points: readonly OperatingPoint[]): HTMLElement[] {
  const plain = html(
    'optgroup',
    { label: 'Without calibration' },
    ...PLAIN_CODINGS.map(([value, name]) => html('option', { value }, name)),
  );
  if (points.length === 0) return [plain];
  const options = points.map(({ id, measured }) => {
    const rate = measured ? `, ${formatBytes(measured.bytesPerSample)}` : '';
    return html('option', { value: POINT_PREFIX + id }, id + rate);
  });
  return [html('optgroup', { label: 'Operating points' }, ...options), plain];
}

/** The smallest point that was measured to lose the least of a percentage point, or the first. */
function defaultPoint(points: readonly OperatingPoint[]): string {
  const good = points
    .filter(({ measured }) => measured?.loss && measured.loss.value <= 1)
    .sort((a, b) => a.measured!.bytesPerSample - b.measured!.bytesPerSample);
  const chosen = good[0] ?? points[0];
  return chosen ? POINT_PREFIX + chosen.id : 'levels 16';
}

function codingOfValue(value: string): StudioCoding {
  if (value.startsWith(POINT_PREFIX)) return { kind: 'point', id: value.slice(POINT_PREFIX.length) };
  if (value === 'lossless') return { kind: 'lossless' };
  return { kind: 'levels', levelCount: Number(value.split(' ')[1]) };
}
