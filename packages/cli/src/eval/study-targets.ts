/** What `featherwire eval` studies, from its arguments: the cuts of a suite, a bundle, or a model with a cut. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { loadModel, splitToBundle } from '@featherwire/authoring';
import { readBundle } from '@featherwire/bundle/node';
import { readSuite, type StudyExtent, type StudyTarget, targetsOfSuite } from '@featherwire/study';
import type { CommandContext } from '../context.js';
import { isSameData, openNamedData } from '../data.js';
import { inFile } from '../files.js';
import { readBundleContent } from '../split/bundle-content.js';
import { UsageError } from '../terminal/errors.js';
import type { Progress } from '../terminal/progress.js';
import type { EvalOptions } from './eval-options.js';

/** Targets with the title of their report. */
export interface NamedTargets {
  readonly title: string;
  readonly targets: readonly StudyTarget[];
}

/** Names the directory of a suite's files. */
const ASSETS_VARIABLE = 'FEATHERWIRE_EVAL';
/** Samples of a bundle or a model. */
const DEFAULT_SAMPLES: Readonly<Record<StudyExtent, number>> = { quick: 100, full: 500 };

/** @throws {UsageError} if arguments do not fit together; {SuiteError} {DataSetError} {BundleError} {OnnxError} */
export async function openStudyTargets(
  source: string | undefined,
  extent: StudyExtent,
  options: EvalOptions,
  context: CommandContext & { readonly progress: Progress },
): Promise<NamedTargets> {
  if (options.suite !== undefined) {
    if (source !== undefined) throw new UsageError(`--suite expected no other source, got ${source}`);
    const suite = await readSuite(options.suite);
    const assets =
      options.assets ?? context.terminal.env[ASSETS_VARIABLE] ?? path.dirname(path.resolve(options.suite));
    return {
      title: suite.name,
      targets: await targetsOfSuite(suite, { assets, directory: options.output }, extent),
    };
  }
  if (source === undefined) throw new UsageError('eval expected a bundle, a model or --suite, got none');
  if (options.data === undefined) throw new UsageError('--data expected with a bundle or a model, got none');
  context.progress.stage('read the data');
  const isBundle = (await stat(source)).isDirectory();
  const of = isBundle ? await bundleTarget(source) : await modelTarget(source, options, context);
  const sampleCount = options.samples ?? DEFAULT_SAMPLES[extent];
  const against = of.hasTask && !options.agreement ? ('labels' as const) : ('unsplit' as const);
  const labels = against === 'labels' ? 'needed' : 'unread';
  const data = await openNamedData(options.data, 'test', 2 * sampleCount, labels);
  const { calibration = options.data } = options;
  const isOne = options.calibration === undefined || isSameData(options.data, calibration);
  const calibrationData = isOne ? data : await openNamedData(calibration, 'calibration', undefined, labels);
  const count = Math.min(sampleCount, isOne ? Math.ceil(data.length / 2) : data.length);
  const target: StudyTarget = { ...of.target, data, calibrationData, sampleCount: count, against };
  return { title: target.network, targets: [target] };
}

interface OpenedSource {
  readonly target: Pick<StudyTarget, 'network' | 'cut' | 'open'>;
  readonly hasTask: boolean;
}

async function bundleTarget(directory: string): Promise<OpenedSource> {
  const bundle = await readBundle(directory);
  const { model, cut, task } = bundle.manifest;
  const target = { network: model.name, cut: cut.map(({ name }) => name), open: async () => bundle };
  return { target, hasTask: task !== undefined };
}

async function modelTarget(
  file: string,
  options: EvalOptions,
  { terminal, signal }: CommandContext,
): Promise<OpenedSource> {
  const { at } = options;
  if (at === undefined) throw new UsageError('--at expected with a model, got none');
  const loaded = await inFile(file, () => loadModel(file, options.shape));
  const content = await readBundleContent(options, loaded, terminal);
  const open: StudyTarget['open'] = async (directory) =>
    (await splitToBundle(loaded, { ...content, tensors: at, directory, keepWhole: true }, { signal })).bundle;
  const network = path.basename(file).replace(/\.onnx$/, '');
  return { target: { network, cut: at, open }, hasTask: content.task !== undefined };
}
