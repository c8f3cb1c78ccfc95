/** What `featherwire plan` does: opens model or bundle, data and ends, plans, prints and draws. */

import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { loadModel } from '@featherwire/authoring';
import type { ImagePreprocessing, Task } from '@featherwire/bundle';
import { type NodeBundle, readBundle } from '@featherwire/bundle/node';
import { type BackendPreference, loadBackend } from '@featherwire/codec';
import { scoreOfTask } from '@featherwire/eval';
import { profileModel } from '@featherwire/inference/node';
import type { LinkProfile } from '@featherwire/link';
import type { InputShapes } from '@featherwire/onnx';
import {
  checkEndProfile,
  createPlanCache,
  defaultCacheDirectory,
  drawPlan,
  type End,
  factorsOfSpeeds,
  noCache,
  type PlanSettings,
  planBundle,
  planModel,
  prepareSamples,
  profiledGraph,
} from '@featherwire/planner';
import { fetchPartProfile } from '@featherwire/runtime';
import type { CommandContext } from '../context.js';
import { openNamedData } from '../data.js';
import { inFile, readInput, writeOutput } from '../files.js';
import { exchangeOverLoopback } from '../plan/loopback-exchange.js';
import { messageOverhead } from '../plan/overhead.js';
import { type NamedPlan, printPlan } from '../plan/print-plan.js';
import { serverProfileOfModel } from '../plan/server-profile.js';
import { type BundleContentOptions, readBundleContent } from '../split/bundle-content.js';
import { CommandError, UsageError } from '../terminal/errors.js';
import { createProgress, type Progress } from '../terminal/progress.js';
import { printJson } from '../terminal/terminal.js';

/** What the options parse to. */
export interface PlanOptions extends BundleContentOptions {
  readonly link: LinkProfile;
  readonly data: string;
  readonly maxLoss: number;
  readonly budget?: number;
  readonly server?: URL;
  readonly serverSpeed?: number;
  readonly device?: string;
  readonly deviceSpeed?: number;
  readonly cuts: number;
  readonly samples: number;
  readonly agreement?: true;
  readonly shape?: InputShapes;
  readonly svg?: string;
  readonly cache: boolean;
  readonly backend: BackendPreference;
  readonly json?: true;
}

/** Samples whose times are measured one at a time. */
const TIMED_SAMPLES = 12;

/** Plans for a model or a bundle. */
export async function plan(source: string, options: PlanOptions, context: CommandContext): Promise<void> {
  const { terminal } = context;
  if (options.link.rates)
    throw new UsageError('--link expected constant rates, got a trace; `run --link` shapes by traces');
  const progress = createProgress(terminal);
  try {
    const isBundle = (await stat(source)).isDirectory();
    const planned = await (isBundle ? planOfBundle : planOfModel)(source, options, { ...context, progress });
    progress.close();
    if (options.svg !== undefined) {
      const svg = drawPlan(planned.plan.choice, planned.name);
      await writeOutput(options.svg, new TextEncoder().encode(svg), terminal);
    }
    if (options.json) printJson(terminal.stdout, { name: planned.name, ...planned.plan });
    else printPlan(planned, options.svg, terminal);
  } finally {
    progress.close();
  }
}

type PlanContext = CommandContext & { readonly progress: Progress };

async function planOfModel(file: string, options: PlanOptions, context: PlanContext): Promise<NamedPlan> {
  const { terminal, progress, signal } = context;
  progress.stage('infer shapes');
  const loaded = await inFile(file, () => loadModel(file, options.shape));
  const graph = await profiledGraph(loaded);
  const content = await readBundleContent(options, loaded, terminal);
  signal.throwIfAborted();
  const settings = await settingsOf(graph.index.inputs, content, options, context);
  const device: End =
    options.device === undefined
      ? { kind: 'speed', speed: options.deviceSpeed ?? 1 }
      : { kind: 'profile', profile: await readProfile(options.device, context) };
  const server: End =
    options.server === undefined
      ? { kind: 'speed', speed: options.serverSpeed ?? 1 }
      : { kind: 'profile', profile: await serverProfileOfModel(options.server, graph, signal) };
  const { cuts: cutCount } = options;
  const target = { loaded, graph, device, server, content, cutCount, threads: 1 };
  return { name: graph.name, plan: await planModel(target, settings) };
}

async function planOfBundle(
  directory: string,
  options: PlanOptions,
  context: PlanContext,
): Promise<NamedPlan> {
  if (options.device !== undefined) {
    throw new UsageError(
      '--device expected a model, whose nodes the profile names, got a bundle; use --device-speed',
    );
  }
  const bundle = await readBundle(directory);
  const { inputs, model } = bundle.manifest;
  const names = inputs.map(({ name }) => name);
  const settings = await settingsOf(names, bundle.manifest, options, context);
  const serverSpeed = options.server
    ? await speedOfServer(bundle, options.server, context)
    : (options.serverSpeed ?? 1);
  const factors = factorsOfSpeeds(options.deviceSpeed ?? 1, serverSpeed);
  return { name: model.name, plan: await planBundle(bundle, factors, settings) };
}

/** How many times as fast as this machine a server runs the tail. */
async function speedOfServer(
  bundle: NodeBundle,
  server: URL,
  { signal, progress }: PlanContext,
): Promise<number> {
  progress.stage('profile the tail, on the server and here');
  const there = await fetchPartProfile(server, bundle.digest, 'tail', signal);
  const { inputShapes } = there;
  const here = await profileModel(bundle.partPath('tail'), { inputShapes, threads: 1, signal });
  return here.runMs.p50 / there.runMs.p50;
}

async function settingsOf(
  inputs: readonly string[],
  content: { readonly preprocessing?: ImagePreprocessing | undefined; readonly task?: Task | undefined },
  options: PlanOptions,
  { terminal, signal, progress }: PlanContext,
): Promise<PlanSettings> {
  if (inputs.length !== 1) {
    throw new CommandError(
      `model expected one input, as data has, got ${inputs.length}: ${inputs.join(', ')}`,
    );
  }
  progress.stage('read the data');
  const { preprocessing, task } = content;
  const count = options.samples;
  const data = await openNamedData(options.data, 'test', count);
  const samples = await prepareSamples(data, { input: inputs[0], preprocessing, count });
  const backend = await loadBackend(options.backend);
  const { maxLoss: maxLossPoints, budget: budgetMs } = options;
  return {
    link: options.link,
    wishes: { maxLossPoints, budgetMs },
    overhead: messageOverhead(),
    measureExchange: (bundle, feeds) => exchangeOverLoopback(bundle, feeds, backend),
    cache: options.cache ? createPlanCache(defaultCacheDirectory(terminal.env)) : noCache,
    measuring: {
      samples,
      score: scoreOfTask(task, task && !options.agreement ? 'labels' : 'unsplit'),
      backend,
      parallelism: availableParallelism(),
      timedSamples: TIMED_SAMPLES,
      progress,
      signal,
    },
  };
}

function readProfile(file: string, { terminal }: CommandContext) {
  return inFile(file, async () =>
    checkEndProfile(JSON.parse(new TextDecoder().decode(await readInput(file, terminal)))),
  );
}
