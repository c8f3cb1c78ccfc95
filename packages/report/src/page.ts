/** A report as one HTML page that needs nothing else: no script, no font, no file. */

import type { SweepRow } from '@featherwire/eval';
import { bytesOf, type Contenders, contendersOf } from './contenders.js';
import type { Figure } from './figures.js';
import { type FamilyAtLoss, familiesAtLoss } from './subject-summary.js';
import type { ReportSubject, SweepReport } from './sweep-report.js';

/** What a page is made of. */
export interface PageOptions {
  readonly title: string;
  readonly figures: readonly Pick<Figure, 'kind' | 'of' | 'svg'>[];
}

/** The page. Everything that comes from a report is escaped. */
export function reportPage(report: SweepReport, { title, figures }: PageOptions): string {
  const { machine, command, commit, seed, subjects, maxLoss } = report;
  const charts = (of: string): string =>
    figures
      .filter((figure) => figure.of === of)
      .map(({ svg, kind }) => `<figure class="${kind}">${withoutProlog(svg)}</figure>`)
      .join('\n');
  const networks = new Set(subjects.flatMap(({ detail }) => (detail ? [detail.network] : [])));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${verdictSection(
  subjects.map((subject) => contendersOf(subject, maxLoss)),
  maxLoss,
)}
<h2>How it was made</h2>
<p>Every point was coded, and decoded from its bytes, before its accuracy was measured; bytes are those of a sample
with all headers. Bars are 95 % intervals by bootstrap over the samples, of losses by the paired one.</p>
<dl>
<dt>Command</dt><dd><code>${escapeHtml(command)}</code></dd>
<dt>Commit</dt><dd>${escapeHtml(commit ?? 'unknown')}</dd>
<dt>Machine</dt><dd>${escapeHtml(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}`)}</dd>
<dt>Seed</dt><dd>${seed}</dd>
</dl>
${[...networks].map(charts).join('\n')}
${subjects.map((subject) => subjectSection(subject, charts(subject.name), maxLoss)).join('\n')}
</main>
</body>
</html>
`;
}

/** Where splitting loses comes first, in words and in the table. */
function verdictSection(list: readonly Contenders[], maxLoss: number): string {
  const of = (wanted: Contenders['verdict']): Contenders[] =>
    list.filter(({ verdict }) => verdict === wanted);
  const [losing, open, unopposed] = [of('loses'), of('open'), of('unopposed')];
  const opposed = list.length - unopposed.length;
  const names = (of: readonly Contenders[]): string => of.map(({ subject }) => subject.name).join('; ');
  const loss = percent(maxLoss);
  const sentences = [
    ...(losing.length > 0
      ? [
          `Splitting loses to sending the input on ${losing.length} of ${opposed} cuts at a loss of at most ${loss}: ${names(losing)}.`,
        ]
      : opposed > open.length
        ? [
            `Splitting takes fewer bytes than the input on all ${opposed - open.length} cuts that stay within a loss of ${loss}.`,
          ]
        : []),
    ...(open.length > 0 ? [`Neither stays within the loss: ${names(open)}.`] : []),
    ...(unopposed.length > 0 ? [`Nothing sends the input: ${names(unopposed)}.`] : []),
  ];
  const order = { loses: 0, open: 1, wins: 2, unopposed: 3 } as const;
  const rows = [...list].sort((a, b) => order[a.verdict] - order[b.verdict]);
  return `<p class="verdict">${escapeHtml(sentences.join(' '))}</p>
<div class="wide">
<table>
<caption>Fewest bytes at a loss of at most ${loss}; the head's work comes on top of a split</caption>
<thead><tr><th scope="col">cut</th><th scope="col">splitting</th><th scope="col">our bytes</th><th scope="col">input bytes</th>
<th scope="col">work on the device</th><th scope="col">ours</th><th scope="col">input</th></tr></thead>
<tbody>
${rows.map(verdictRow).join('\n')}
</tbody>
</table>
</div>`;
}

function verdictRow({ subject, ours, input, verdict }: Contenders): string {
  const { detail } = subject;
  const share =
    detail?.headMacs && detail.wholeMacs ? percent(detail.headMacs / detail.wholeMacs) : 'unknown';
  const bytes = (row: Contenders['ours']): string =>
    row ? bytesOf(row).toFixed(0) : 'never within the loss';
  const inputBytes = verdict === 'unopposed' ? 'not sent' : bytes(input);
  const cells = [bytes(ours), inputBytes, share].map((cell) => `<td class="number">${cell}</td>`);
  const methods = [ours, input].map((row) => `<td>${escapeHtml(row?.method ?? '')}</td>`);
  return `<tr class="${verdict}"><th scope="row">${escapeHtml(subject.name)}</th><td>${verdict}</td>${cells.join('')}${methods.join('')}</tr>`;
}

function subjectSection(subject: ReportSubject, charts: string, maxLoss: number): string {
  const { name, data, metric } = subject;
  const reference = contendersOf(subject, maxLoss).ours?.family ?? '';
  const families = familiesAtLoss(subject, maxLoss, reference);
  return `<section>
<h2>${escapeHtml(name)}</h2>
<p>${escapeHtml(data)}. Unsplit: ${escapeHtml(metric.name)} ${percent(metric.unsplit)}.</p>
${charts}
<div class="wide">
<table>
<caption>Fewest bytes at a loss of at most ${percent(maxLoss)}</caption>
<thead><tr><th scope="col">family</th><th scope="col">setting</th><th scope="col">bytes</th>
<th scope="col">bit/element</th><th scope="col">loss</th><th scope="col">interval</th><th scope="col">encode ms</th>
<th scope="col">decode ms</th><th scope="col">programs, ms</th><th scope="col">${escapeHtml(reference)} needs, Bjøntegaard</th></tr></thead>
<tbody>
${families.map(familyRow).join('\n')}
</tbody>
</table>
</div>
${exitTable(families)}
${skippedList(subject)}
</section>`;
}

function familyRow({ family, best, bjontegaardRate }: FamilyAtLoss): string {
  const difference = bjontegaardRate === null ? '' : signedPercent(bjontegaardRate / 100);
  const cells = best
    ? [
        best.method.replace(`${family}, `, ''),
        best.bytesPerSample.mean.toFixed(1),
        best.bitsPerElement?.toFixed(3) ?? '',
        signedPercent(best.loss.value),
        `${signedPercent(best.loss.low)} to ${signedPercent(best.loss.high)}`,
        milliseconds(best.encodeMs),
        milliseconds(best.decodeMs),
        programTimes(best.programs),
      ]
    : ['never within the loss', '', '', '', '', '', '', ''];
  return familyLine(family, [...cells, difference]);
}

/** @param cells - the first of words, the others of numbers */
function familyLine(family: string, cells: readonly string[]): string {
  const columns = cells.map((cell, i) => `<td${i > 0 ? ' class="number"' : ''}>${escapeHtml(cell)}</td>`);
  return `<tr><th scope="row">${escapeHtml(family)}</th>${columns.join('')}</tr>`;
}

/** The same settings with the bundle's exit before them; nothing where it has none. */
function exitTable(families: readonly FamilyAtLoss[]): string {
  const rows = families.flatMap(({ family, best }) =>
    best?.exit ? [{ family, best, exit: best.exit }] : [],
  );
  if (rows.length === 0) return '';
  const lines = rows.map(({ family, best, exit: { answeredShare, bytesPerDecision, loss } }) => {
    const cells = [
      best.method.replace(`${family}, `, ''),
      best.bytesPerSample.mean.toFixed(1),
      percent(answeredShare),
      bytesPerDecision.toFixed(1),
      signedPercent(loss.value),
      `${signedPercent(loss.low)} to ${signedPercent(loss.high)}`,
    ];
    return familyLine(family, cells);
  });
  return `<div class="wide">
<table>
<caption>The same with the exit of the bundle, which answers on the device where it is sure</caption>
<thead><tr><th scope="col">family</th><th scope="col">setting</th><th scope="col">bytes, all sent</th>
<th scope="col">answered on the device</th><th scope="col">bytes a decision</th><th scope="col">loss</th><th scope="col">interval</th></tr></thead>
<tbody>
${lines.join('\n')}
</tbody>
</table>
</div>`;
}

function skippedList({ skipped }: ReportSubject): string {
  if (skipped.length === 0) return '';
  const reasons = new Map<string, string[]>();
  for (const { family, reason } of skipped) {
    const families = reasons.get(reason) ?? [];
    if (!families.includes(family)) reasons.set(reason, [...families, family]);
  }
  const items = [...reasons].map(
    ([reason, families]) => `<li>${escapeHtml(`${families.join(', ')}: ${reason}`)}</li>`,
  );
  return `<p>Not measured:</p><ul>${items.join('')}</ul>`;
}

const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;

function signedPercent(value: number): string {
  const text = (100 * value).toFixed(2);
  return `${value > 0 ? '+' : ''}${text === '-0.00' ? '0.00' : text} %`;
}

const milliseconds = (value: number | null): string => (value === null ? '' : value.toFixed(2));

/** Encoding + decoding by programs outside. */
const programTimes = (times: SweepRow['programs']): string =>
  times ? `${times.encodeMs.toFixed(1)} + ${times.decodeMs.toFixed(1)}` : '';

/** What may stand before the root element of a document may not stand within a page. */
function withoutProlog(svg: string): string {
  return svg.slice(svg.indexOf('<svg'));
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const STYLE = `
:root { color-scheme: light dark; --line: #8885; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; background: #fff; border: 1px solid var(--line); border-radius: 6px; padding: .5rem; }
figure svg { max-width: 100%; height: auto; display: block; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; white-space: nowrap; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: left; }
th[scope=row] { font-weight: 500; }
.verdict { font-size: 1.15rem; font-weight: 600; }
tr.loses td:nth-child(2) { color: #c0392b; font-weight: 600; }
tr.wins td:nth-child(2) { color: #1e8449; font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
`;
