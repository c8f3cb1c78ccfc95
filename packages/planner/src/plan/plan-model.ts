/**
 * The plan for a model: profile, shortlist of cuts by estimate, and for the few best a split in a temporary directory that
 * is measured like any bundle.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type LoadedModel, type SplitPlan, splitToBundle } from '@featherwire/authoring';
import type { NodeBundle } from '@featherwire/bundle/node';
import type { Quantiles } from '@featherwire/inference';
import { listCutSets, modelCost, OnnxError } from '@featherwire/onnx';
import { type CutEstimate, type CutToRate, shortlistCuts } from '../choice/shortlist.js';
import { measureSplit } from '../measure/measure-split.js';
import { readReference } from '../measure/measure-whole.js';
import type { MeasuredWay } from '../measure/measured-way.js';
import type { EndProfile, ProfiledGraph } from '../profile/end-profile.js';
import { type End, type Ends, endsOf } from './ends.js';
import {
  measuredExchange,
  measuredUnsplit,
  measurementKey,
  type Plan,
  type PlanSettings,
  planOf,
  referenceOnce,
} from './plan-bundle.js';
import { profileGraph, profileKey } from './profile-graph.js';

/** What is planned, beside the settings of every plan. */
export interface ModelToPlan {
  readonly loaded: LoadedModel;
  readonly graph: ProfiledGraph;
  readonly device: End;
  readonly server: End;
  /** What bundles of the model hold beside its parts. */
  readonly content: Pick<SplitPlan, 'preprocessing' | 'task' | 'argMax'>;
  /** Cuts that are measured, from 1. */
  readonly cutCount: number;
  /** Threads inside one operator. */
  readonly threads: number;
}

/** A cut's times as the profile predicts them and as they were measured on this machine. */
export interface TimesCheck {
  readonly cut: readonly string[];
  readonly predictedMs: { readonly head: number; readonly tail: number };
  readonly measuredMs: { readonly head: number; readonly tail: number };
}

/** A plan for a model. */
export interface ModelPlan extends Plan {
  /** This machine's. */
  readonly profile: EndProfile;
  readonly ends: Pick<Ends, 'device' | 'server'>;
  /** Legal cuts of known size. */
  readonly cutCount: number;
  /** The cuts that were measured, with the estimates that they were chosen by. */
  readonly shortlist: readonly CutEstimate[];
  /** How good the profile's sums are on this machine. */
  readonly timesCheck: readonly TimesCheck[];
}

/**
 * Plans for a model.
 * @throws {OnnxError} if it cannot be cut or split; {InferenceError}; the signal's reason
 */
export async function planModel(target: ModelToPlan, settings: PlanSettings): Promise<ModelPlan> {
  const { loaded, graph, threads } = target;
  const { cache, measuring } = settings;
  const { progress, signal } = measuring;
  progress.stage('profile the model');
  const profile = await cache.get(profileKey(graph, threads), () =>
    profileGraph(loaded, graph, { threads, signal }),
  );
  const ends = endsOf(graph, profile, target.device, target.server);
  const cuts = cutsToRate(target, ends);
  const shortlist = shortlistCuts(cuts, settings.link, target.cutCount);
  if (shortlist.length === 0) {
    throw new OnnxError('not-a-cut', 'model expected a tensor of known size to cut at, got none');
  }
  const { measured, exchangeMs } = await measureShortlist(target, shortlist, settings);
  return {
    ...planOf(measured, exchangeMs, (way) => ends.factors(way.cut), settings),
    profile,
    ends: { device: ends.device, server: ends.server },
    cutCount: cuts.length,
    shortlist,
    timesCheck: checkTimes(measured, endsOf(graph, profile, HERE, HERE)),
  };
}

const HERE: End = { kind: 'speed', speed: 1 };

/** Legal cuts whose size is known, with the times of both sides on their ends. */
function cutsToRate({ loaded }: ModelToPlan, ends: Ends): CutToRate[] {
  const { model, shapes, sizes } = loaded;
  return listCutSets(model, { shapes, sizes }).sets.flatMap(({ tensors, elements, head }) => {
    if (elements === null || elements === 0) return [];
    const names = tensors.map(({ name }) => name);
    return [{ tensors: names, elements, headMacs: head.macs, ...ends.cut(names) }];
  });
}

async function measureShortlist(
  target: ModelToPlan,
  shortlist: readonly CutEstimate[],
  settings: PlanSettings,
): Promise<{ readonly measured: readonly MeasuredWay[]; readonly exchangeMs: Quantiles }> {
  const { loaded, graph, content } = target;
  const { cache, measuring } = settings;
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-plan-'));
  const bundles = new Map<CutEstimate, Promise<NodeBundle>>();
  const bundleOf = (cut: CutEstimate): Promise<NodeBundle> => {
    const known = bundles.get(cut);
    if (known) return known;
    const made = splitAt(target, cut, path.join(directory, String(bundles.size)), settings);
    bundles.set(cut, made);
    return made;
  };
  const source = { model: graph.sha256, inputs: inputsOf(loaded), content };
  try {
    const ways: MeasuredWay[] = [];
    const [first] = shortlist;
    const reference = referenceOnce(async () => readReference(await bundleOf(first), measuring));
    for (const cut of shortlist) {
      const key = { ...measurementKey(measuring), kind: 'split', source, cut: cut.tensors };
      const make = async () => measureSplit(await bundleOf(cut), await reference(), measuring);
      ways.push(...(await cache.get(key, make)));
    }
    const unsplit = {
      source: JSON.stringify(source),
      deviceMacs: modelCost(loaded.model, loaded.sizes).macs,
    };
    const bundle = (): Promise<NodeBundle> => bundleOf(first);
    const without = await measuredUnsplit(bundle, { ...unsplit, reference }, settings);
    return { measured: [...without, ...ways], exchangeMs: await measuredExchange(bundle, settings) };
  } finally {
    await Promise.allSettled(bundles.values());
    await rm(directory, { recursive: true, force: true });
  }
}

async function splitAt(
  { loaded, content }: ModelToPlan,
  { tensors }: CutEstimate,
  directory: string,
  { measuring }: PlanSettings,
): Promise<NodeBundle> {
  const { progress, signal } = measuring;
  progress.stage(`split at ${tensors.join(' + ')}`);
  const plan: SplitPlan = { ...content, tensors, directory, keepWhole: true, runs: 1 };
  return (await splitToBundle(loaded, plan, { signal })).bundle;
}

function inputsOf({ model, sizes }: LoadedModel) {
  return model.graph?.input.map(({ name }) => [name, sizes.get(name)?.shape ?? null]);
}

/** One entry for each cut: the times of its first point stand for all, since they run the same networks. */
function checkTimes(measured: readonly MeasuredWay[], here: Ends): TimesCheck[] {
  const seen = new Map(
    measured.filter(({ kind }) => kind === 'split').map((way) => [way.cut.join('\n'), way]),
  );
  return [...seen.values()].map(({ cut, stages }) => {
    const predicted = here.cut(cut);
    return {
      cut,
      predictedMs: { head: predicted.headMs, tail: predicted.tailMs },
      measuredMs: { head: stages.headMs.p50, tail: stages.tailMs.p50 },
    };
  });
}
