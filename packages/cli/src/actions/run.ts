/** What `featherwire run` does: opens bundle, data and link, runs the data through, prints the summary. */

import type { BundleManifest, OperatingPoint } from '@featherwire/bundle';
import { type NodeBundle, readBundle } from '@featherwire/bundle/node';
import { type BackendPreference, loadBackend } from '@featherwire/codec';
import type { DataSet } from '@featherwire/eval';
import { createWorkerSession } from '@featherwire/inference/node';
import { describeLink, type LinkProfile } from '@featherwire/link';
import { createEdgeClient } from '@featherwire/runtime';
import { openReductions } from '@featherwire/runtime/node';
import { describeQuantizer, type QuantizerOptions, quantizerOf } from '../commands/quantizer-options.js';
import type { CommandContext } from '../context.js';
import { openNamedData } from '../data.js';
import { readClientCredentials } from '../edge/client-credentials.js';
import { type Coding, isBudget, openInference } from '../edge/inference.js';
import { type EdgeRunSummary, runData, STAGES } from '../edge/run-data.js';
import { connectToServer } from '../edge/server-connection.js';
import { UsageError } from '../terminal/errors.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, type Styles, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatMs, formatNumberOf, formatPercent } from '../terminal/units.js';

/** What the options parse to. */
export interface RunOptions extends QuantizerOptions {
  readonly server: URL;
  readonly data: string;
  readonly point?: string;
  readonly budget?: number;
  readonly verify?: true;
  readonly statistics?: true;
  readonly compactOutputs?: true;
  readonly transport: 'ws' | 'http';
  readonly maxPartBytes?: number;
  readonly link?: LinkProfile;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly limit?: number;
  readonly retries: number;
  readonly timeout: number;
  readonly fallback?: 'local' | 'picture' | 'error';
  readonly maxBytes?: number;
  readonly exit?: true;
  readonly exitThreshold?: number;
  readonly backend: BackendPreference;
  readonly json?: true;
}

/** Runs data through head and server. */
export async function run(directory: string, options: RunOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const parts = options.fallback === 'local' ? (['tail'] as const) : [];
  const verify = ['head', 'reduction', ...parts, ...(options.exit ? (['exit'] as const) : [])] as const;
  const bundle = await readBundle(directory, { verify });
  checkExitOptions(bundle.manifest, options);
  const coding = codingOf(bundle.manifest, options);
  const data = await openNamedData(options.data, 'test', options.limit);
  const progress = createProgress(terminal);
  try {
    const summary = await runOverLink(bundle, data, coding, options, { ...context, progress });
    progress.close();
    const record = {
      bundle: { name: bundle.manifest.model.name, digest: bundle.digest },
      server: options.server.href,
      transport: options.transport,
      ...(options.maxPartBytes !== undefined && { maxPartBytes: options.maxPartBytes }),
      // Of a trace the description is enough: its rates are thousands.
      link: options.link ? { ...options.link, rates: undefined } : null,
      data: data.description,
      coding,
      ...summary,
    };
    if (options.json) printJson(terminal.stdout, record);
    else printRun(bundle, data, coding, options, summary, terminal);
  } finally {
    progress.close();
  }
}

async function runOverLink(
  bundle: NodeBundle,
  data: DataSet,
  coding: Coding,
  options: RunOptions,
  { progress, signal }: CommandContext & { readonly progress: Progress },
): Promise<EdgeRunSummary> {
  const connection = await connectToServer({ ...options, credentials: await readClientCredentials(options) });
  const closing = [() => connection.close()];
  try {
    progress.stage('load the head');
    const backend = await loadBackend(options.backend);
    const head = await createWorkerSession(bundle.partPath('head'));
    closing.push(() => head.close());
    const reductions = await openReductions(bundle, pointsOf(bundle.manifest, coding));
    closing.push(() => reductions.close());
    const client = createEdgeClient({
      ...{ bundle, head, reductions: reductions.sessions, backend },
      transport: connection.transport,
      retry: { maxAttempts: options.retries + 1 },
    });
    progress.stage(`run ${data.name}`);
    const { manifest } = bundle;
    const sampleCount = Math.min(data.length, options.limit ?? data.length);
    const inference = await openInference({
      client,
      head,
      bundle,
      coding,
      signal,
      ...requestSettings(options),
    });
    closing.unshift(() => inference.close());
    const { infer } = inference;
    const budget = isBudget(coding) ? coding : {};
    return await runData({ infer, manifest, data, sampleCount, ...budget, progress, signal });
  } catch (error) {
    signal.throwIfAborted(); // what a signal broke off is no failure of the link
    throw error;
  } finally {
    for (const close of closing) await close();
  }
}

function checkExitOptions({ exit }: BundleManifest, options: RunOptions): void {
  if (options.exitThreshold !== undefined && !options.exit)
    throw new UsageError('--exit-threshold expected --exit beside it, got none');
  if (options.exit && !exit)
    throw new UsageError('--exit expected a bundle with an exit, got one without; train-exit makes one');
}

/** What the options say of every request. */
function requestSettings(options: RunOptions) {
  const { verify, statistics, compactOutputs, timeout, maxBytes, fallback, exitThreshold } = options;
  const request = { verify: verify === true, statistics: statistics === true, timeoutMs: timeout };
  return {
    request: { ...request, compactOutputs: compactOutputs === true },
    ...(maxBytes !== undefined && { maxBytes }),
    ...(fallback && { fallback }),
    ...(options.exit && { exit: exitThreshold === undefined ? {} : { threshold: exitThreshold } }),
  };
}

/** Points that the samples may be sent at. */
function pointsOf({ operatingPoints }: BundleManifest, coding: Coding): readonly OperatingPoint[] {
  if (isBudget(coding)) return operatingPoints.filter(({ measured }) => measured);
  return operatingPoints.filter(({ id }) => id === coding);
}

/** The budget or point asked for, or the quantizer of the options for every tensor of the cut. */
function codingOf({ cut, operatingPoints }: BundleManifest, options: RunOptions): Coding {
  const { point, budget, maxBytes } = options;
  if (maxBytes !== undefined && budget === undefined)
    throw new UsageError('--max-bytes expected --budget beside it, got none');
  if (budget !== undefined) {
    if (operatingPoints.some(({ measured }) => measured)) return { budgetMs: budget };
    throw new UsageError('--budget expected a bundle with measured operating points, got one without');
  }
  if (point === undefined) {
    const quantizer = quantizerOf(options);
    return Object.fromEntries(cut.map(({ name }) => [name, quantizer]));
  }
  const ids = operatingPoints.map(({ id }) => id);
  if (ids.includes(point)) return point;
  throw new UsageError(
    ids.length === 0
      ? `--point expected a bundle with operating points, got one without`
      : `--point expected one of ${ids.join(', ')}, got '${point}'`,
  );
}

function printRun(
  { manifest, digest }: NodeBundle,
  data: DataSet,
  coding: Coding,
  options: RunOptions,
  summary: EdgeRunSummary,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const { metric, bytesPerSample, sampleCount, attempts } = summary;
  const bytes = (mean: number): string => formatCount(Math.round(mean));
  const part = sampleCount < data.length ? `, the first ${formatCount(sampleCount)}` : '';
  const answeredHere = (summary.ways?.local ?? 0) + (summary.ways?.exit ?? 0);
  const repeated = Math.max(0, attempts - (sampleCount - answeredHere));
  const pairs = [
    ['bundle', digest.slice(0, 12)],
    ['data', data.description + part],
    ['coding', describeCoding(coding)],
    ['link', options.link && `${describeLink(options.link)}, shaped on this machine`],
    [metric?.name ?? 'accuracy', metric ? describeMetric(metric) : 'the bundle declares no task'],
    ['bytes up', `${bytes(bytesPerSample.sent)} per sample, frames ${bytes(bytesPerSample.payload)}`],
    ['bytes down', `${bytes(bytesPerSample.received)} per sample`],
    ['exit', summary.exit ? describeExit(summary.exit) : undefined],
    ['bits per element', summary.bitsPerElement.toFixed(3)],
    ['budget', summary.budget ? describeBudget(summary.budget) : undefined],
    ['verified', options.verify && 'the server decodes the same elements'],
    ['answered', summary.ways ? describeCounts(summary.ways) : undefined],
    ['repeated', repeated === 0 ? undefined : formatNumberOf(repeated, 'request')],
  ] as const;
  const title = `${manifest.model.name} over ${options.transport} to ${options.server.host}`;
  printLines(stdout, styles.bold(title), ...formatPairs(pairs, styles), '', ...stageTable(summary, styles));
}

function stageTable({ times }: EdgeRunSummary, styles: Styles): string[] {
  const right = (header: string) => ({ header, align: 'right' as const });
  const rows = STAGES.map((stage) => {
    const { p50, p95 } = times[stage];
    return [stage.replace(/Ms$/, ''), formatMs(p50), formatMs(p95)];
  });
  return formatTable([{ header: 'stage' }, right('p50 ms'), right('p95 ms')], rows, styles);
}

function describeMetric({ value, low, high }: NonNullable<EdgeRunSummary['metric']>): string {
  return `${formatPercent(value)} (95 % interval ${formatPercent(low)} to ${formatPercent(high)})`;
}

function describeBudget({ budgetMs, keptShare, choices }: NonNullable<EdgeRunSummary['budget']>): string {
  return `${formatPercent(keptShare)} within ${formatMs(budgetMs)} ms; sent at ${describeCounts(choices)}`;
}

function describeExit({ answeredShare, bytesPerSent, exitMs }: NonNullable<EdgeRunSummary['exit']>): string {
  const rest =
    bytesPerSent === null
      ? 'nothing sent'
      : `${formatCount(Math.round(bytesPerSent))} bytes up for each of the rest`;
  return `${formatPercent(answeredShare)} answered here, ${rest}; p50 ${formatMs(exitMs.p50)} ms`;
}

function describeCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([word, count]) => `${word} ${formatCount(count)}`)
    .join(', ');
}

function describeCoding(coding: Coding): string {
  if (typeof coding === 'string') return `operating point ${coding}`;
  if (isBudget(coding)) return `the operating point that fits ${formatMs(coding.budgetMs)} ms`;
  const [first] = Object.values(coding);
  return describeQuantizer(first);
}
