/** The plan for a bundle: its cut with its operating points, against everything that does without the split. */

import type { NodeBundle } from '@featherwire/bundle/node';
import type { Quantiles, TensorMap } from '@featherwire/inference';
import { thisMachine } from '@featherwire/inference/node';
import type { LinkProfile } from '@featherwire/link';
import type { PlanCache } from '../cache/plan-cache.js';
import { type Choice, choose, type Wishes } from '../choice/choose.js';
import type { MeasureContext } from '../measure/measure-context.js';
import { measureSplit } from '../measure/measure-split.js';
import { measureUnsplit, type Reference, readReference } from '../measure/measure-whole.js';
import {
  atOneSpeed,
  type EndFactors,
  type MeasuredWay,
  type MessageOverhead,
  wayOf,
} from '../measure/measured-way.js';
import { machineKey } from './profile-graph.js';

/** What every plan is made for and from. */
export interface PlanSettings {
  readonly link: LinkProfile;
  readonly wishes: Wishes;
  /** Bytes that messages add. */
  readonly overhead: Pick<MessageOverhead, 'requestBytes' | 'answerBytes'>;
  /** Times the exchange of messages with a server of a bundle, over loopback. @param inputs - of one sample */
  readonly measureExchange: (bundle: NodeBundle, inputs: TensorMap) => Promise<Quantiles>;
  readonly cache: PlanCache;
  readonly measuring: MeasureContext;
}

/** What every plan holds. */
export interface Plan {
  readonly choice: Choice;
  /** The measurements that the choice rests on. */
  readonly measured: readonly MeasuredWay[];
  /** What every exchange adds to them. */
  readonly overhead: MessageOverhead;
  readonly metricName: string;
  readonly data: string;
  readonly sampleCount: number;
  /** The machine that everything was measured on. */
  readonly machine: ReturnType<typeof thisMachine>;
}

/**
 * Plans for a bundle.
 * @param factors - of ends that are not this machine
 * @throws {InferenceError} if a part does not load or run; the signal's reason
 */
export async function planBundle(
  bundle: NodeBundle,
  factors: EndFactors,
  settings: PlanSettings,
): Promise<Plan> {
  const reference = referenceOnce(() => readReference(bundle, settings.measuring));
  const { manifest, digest } = bundle;
  const split = await settings.cache.get(
    { ...measurementKey(settings.measuring), kind: 'split', bundle: digest },
    async () => measureSplit(bundle, await reference(), settings.measuring),
  );
  const unsplit = await measuredUnsplit(
    async () => bundle,
    { source: digest, deviceMacs: addMacs(manifest.head.macs, manifest.tail.macs), reference },
    settings,
  );
  const exchangeMs = await measuredExchange(async () => bundle, settings);
  return planOf([...unsplit, ...split], exchangeMs, () => factors, settings);
}

/** Times the exchange of messages, or takes it from the cache: it is the machine's and not the bundle's. */
export function measuredExchange(
  bundle: () => Promise<NodeBundle>,
  { cache, measuring, measureExchange }: PlanSettings,
): Promise<Quantiles> {
  return cache.get({ ...machineKey(), kind: 'exchange' }, async () => {
    measuring.progress.stage('time the exchange of messages');
    return measureExchange(await bundle(), measuring.samples.list[0].feeds);
  });
}

/** Measures the ways without a split, or takes them from the cache. */
export function measuredUnsplit(
  bundle: () => Promise<NodeBundle>,
  options: {
    /** Digest of what the bundle's network depends on. */
    readonly source: string;
    readonly deviceMacs: number | null;
    readonly reference: () => Promise<Reference>;
  },
  { cache, measuring, wishes }: PlanSettings,
): Promise<MeasuredWay[]> {
  const { source, deviceMacs, reference } = options;
  const { maxLossPoints } = wishes;
  const key = { ...measurementKey(measuring), kind: 'unsplit', source, maxLossPoints };
  return cache.get(key, async () =>
    measureUnsplit(await bundle(), await reference(), { maxLossPoints, deviceMacs }, measuring),
  );
}

/** Counts up when the same network and data are measured otherwise. */
const MEASURING_REVISION = 4;

/** Everything beside the network that a measurement depends on. */
export function measurementKey({ samples, score, timedSamples, backend }: MeasureContext) {
  return {
    ...machineKey(),
    revision: MEASURING_REVISION,
    data: samples.sha256,
    metric: score.name,
    timedSamples,
    backend: backend.name,
  };
}

/** Reads the reference when it is first needed, and only once. */
export function referenceOnce(read: () => Promise<Reference>): () => Promise<Reference> {
  let reference: Promise<Reference> | undefined;
  return () => {
    reference ??= read();
    return reference;
  };
}

/** The choice among measured ways. */
export function planOf(
  measured: readonly MeasuredWay[],
  exchangeMs: Quantiles,
  factorsOf: (way: MeasuredWay) => EndFactors,
  { link, wishes, overhead, measuring }: PlanSettings,
): Plan {
  const added = { ...overhead, exchangeMs };
  const ways = atOneSpeed(measured).map((way) => wayOf(way, factorsOf(way), added));
  return {
    choice: choose(ways, link, wishes),
    measured,
    overhead: added,
    metricName: measuring.score.name,
    data: measuring.samples.description,
    sampleCount: measuring.samples.list.length,
    machine: thisMachine(),
  };
}

function addMacs(head: number | null, tail: number | null): number | null {
  return head === null || tail === null ? null : head + tail;
}
