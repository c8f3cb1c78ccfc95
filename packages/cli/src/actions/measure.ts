/** What `featherwire measure` does: profiles a model, writes the profile, prints where the time goes. */

import { type LoadedModel, loadModel } from '@featherwire/authoring';
import type { InputShapes } from '@featherwire/onnx';
import {
  type EndProfile,
  type NodeProfile,
  type ProfiledGraph,
  profiledGraph,
  profileGraph,
  profileGraphInBrowser,
} from '@featherwire/planner';
import type { CommandContext } from '../context.js';
import { type OpenedBrowser, openBrowser } from '../edge/open-browser.js';
import { inFile, writeOutput } from '../files.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatBytes, formatLargeCount, formatMs, formatNumberOf, formatShare } from '../terminal/units.js';

/** What the options parse to. */
export interface MeasureOptions {
  readonly shape?: InputShapes;
  readonly threads: number;
  readonly time: number;
  /** Executable of a browser; true for one that somebody opens. */
  readonly browser?: string | true;
  readonly host: string;
  readonly port: number;
  readonly output?: string;
  readonly json?: true;
}

/** Kinds of nodes that the report names; all are in the profile. */
const SHOWN_KINDS = 8;

/** Measures a model. */
export async function measure(
  file: string,
  options: MeasureOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const progress = createProgress(terminal);
  try {
    progress.stage('infer shapes');
    const loaded = await inFile(file, () => loadModel(file, options.shape));
    const graph = await profiledGraph(loaded);
    signal.throwIfAborted();
    progress.stage('measure the model');
    const { threads, time: budgetMs } = options;
    const profile =
      options.browser === undefined
        ? await profileGraph(loaded, graph, { threads, budgetMs, signal })
        : await measureInBrowser(loaded, graph, options.browser, options, { progress, terminal, signal });
    progress.close();
    if (options.output !== undefined) {
      const text = `${JSON.stringify(profile, null, 1)}\n`;
      await writeOutput(options.output, new TextEncoder().encode(text), terminal);
      if (options.output === '-') return;
    }
    if (options.json) printJson(terminal.stdout, profile);
    else printProfile(profile, options.output, terminal);
  } finally {
    progress.close();
  }
}

/** In a browser that is started here, or in any that opens the address that is printed. */
async function measureInBrowser(
  loaded: LoadedModel,
  graph: ProfiledGraph,
  browser: string | true,
  { threads, time: budgetMs, host, port }: MeasureOptions,
  {
    progress,
    terminal,
    signal,
  }: Pick<CommandContext, 'terminal' | 'signal'> & { readonly progress: Progress },
): Promise<EndProfile> {
  const stop = new AbortController();
  let opened: Promise<OpenedBrowser> | undefined;
  try {
    return await profileGraphInBrowser(loaded, graph, {
      ...{ threads, budgetMs, host, port },
      signal: AbortSignal.any([signal, stop.signal]),
      onReady(url) {
        if (browser === true) {
          progress.stage('wait for a browser');
          terminal.stderr.write(`Open this address in the browser to measure: ${url}\n`);
          return;
        }
        progress.stage('start the browser');
        opened = openBrowser(browser, url);
        opened.then(({ ended }) => ended).catch((error) => stop.abort(error));
      },
      onOpened: () => progress.stage('measure the model in the browser'),
    });
  } finally {
    await (await opened)?.close();
  }
}

function printProfile(
  { model, measured, nodes, estimate, namedShare }: EndProfile,
  output: string | undefined,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const { machine, threads, runs, warmUpRuns, runMs } = measured;
  const { medianError, stretchCount, model: rates } = estimate;
  const error =
    medianError === null
      ? 'error unknown'
      : `off by ${(100 * medianError).toFixed(0)} % in the median of ${stretchCount} stretches left out in turn`;
  const pairs = [
    ['machine', `${machine.processor}, ${machine.platform}`],
    ['engine', `${machine.engine}, ${formatNumberOf(threads, 'thread')}`],
    ['run', `${formatMs(runMs.p50)} ms in the median, ${formatMs(runMs.p95)} ms at 95 %`],
    ['runs', `${runs} after ${warmUpRuns} to warm up`],
    ['traced', `${formatShare(namedShare, 1)} of the time has the name of a node`],
    [
      'estimate',
      `${formatMs(rates.msPerGigaMac)} ms per G MACs, ${formatMs(rates.msPerMebibyte)} ms per MiB, ` +
        `${formatMs(rates.msPerNode)} ms per node; ${error}`,
    ],
    ['written to', output],
  ] as const;
  printLines(stdout, styles.bold(`${model.name}, measured`), ...formatPairs(pairs, styles), '');
  printLines(stdout, ...formatTable(COLUMNS, kindRows(nodes), styles));
}

const right = (header: string) => ({ header, align: 'right' as const });
const COLUMNS = [
  ...[{ header: 'operator' }, right('nodes'), right('ms'), right('share')],
  ...[right('MACs'), right('weights'), right('outputs')],
];

/** Nodes by operator, those that take longest first. */
function kindRows(nodes: readonly NodeProfile[]): string[][] {
  const total = nodes.reduce((sum, { ms }) => sum + ms, 0);
  const kinds = new Map<string, NodeProfile[]>();
  for (const node of nodes) kinds.set(node.opType, [...(kinds.get(node.opType) ?? []), node]);
  const sumOf = (list: readonly NodeProfile[], value: (node: NodeProfile) => number): number =>
    list.reduce((sum, node) => sum + value(node), 0);
  return [...kinds]
    .map(([opType, list]) => ({ opType, list, ms: sumOf(list, ({ ms }) => ms) }))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, SHOWN_KINDS)
    .map(({ opType, list, ms }) => [
      opType,
      String(list.length),
      formatMs(ms),
      formatShare(ms, total),
      formatLargeCount(sumOf(list, ({ macs }) => macs ?? 0)),
      formatLargeCount(sumOf(list, ({ parameters }) => parameters)),
      formatBytes(sumOf(list, ({ outputBytes }) => outputBytes)),
    ]);
}
