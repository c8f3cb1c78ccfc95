/** The plan for a bundle: its cut with its operating points, against everything that does without the split. */

import type { NodeBundle } from '@featherwire/bundle/node';
import { thisMachine } from '@featherwire/inference/node';
import type { LinkProfile } from '@featherwire/link';
import type { PlanCache } from '../cache/plan-cache.js';
import { type Choice, choose, type Wishes } from '../choice/choose.js';
import type { MeasureContext } from '../measure/measure-context.js';
import { measureSplit } from '../measure/measure-split.js';
import { measureUnsplit, type Reference, readReference } from '../measure/measure-whole.js';
import { type EndFactors, type MeasuredWay, type MessageOverhead, wayOf } from '../measure/measured-way.js';
import { machineKey } from './profile-graph.js';

/** What every plan is made for and from. */
export interface PlanSettings {
  readonly link: LinkProfile;
  readonly wishes: Wishes;
  readonly overhead: MessageOverhead;
  readonly cache: PlanCache;
  readonly measuring: MeasureContext;
}

/** What every plan holds. */
export interface Plan {
  readonly choice: Choice;
  /** The measurements that the choice rests on. */
  readonly measured: readonly MeasuredWay[];
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
  return planOf([...unsplit, ...split], () => factors, settings);
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
const MEASURING_REVISION = 2;

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
  factorsOf: (way: MeasuredWay) => EndFactors,
  { link, wishes, overhead, measuring }: PlanSettings,
): Plan {
  const ways = measured.map((way) => wayOf(way, factorsOf(way), overhead));
  return {
    choice: choose(ways, link, wishes),
    measured,
    metricName: measuring.score.name,
    data: measuring.samples.description,
    sampleCount: measuring.samples.list.length,
    machine: thisMachine(),
  };
}

function addMacs(head: number | null, tail: number | null): number | null {
  return head === null || tail === null ? null : head + tail;
}
