/**
 * The profile of one end of the link: what one machine takes for one model, node by node, with the cost of each node. A
 * plain record that is written as JSON, on a phone or a gateway too, and read where the plan is made.
 */

import { checkModelProfile, type ModelProfile, type StepProfile } from '@featherwire/inference';
import { type GraphIndex, type ModelProto, modelCost, type ShapeTable, staticBytes } from '@featherwire/onnx';
import type { RunTimes } from './cut-times.js';
import { nodeTimesOfSteps } from './node-times.js';
import { estimateNodeMs, type FittedTimeModel, fitTimeModel, type NodeWork } from './time-model.js';

/** Value of `format` in every profile of an end. */
export const END_PROFILE_FORMAT = 'featherwire-end-profile';

/** One node. */
export interface NodeProfile extends NodeWork {
  readonly name: string;
  readonly opType: string;
  /** Measured; 0 if the engine joined the node into another or folded it away. */
  readonly ms: number;
  /** Elements of the weights that it reads. */
  readonly parameters: number;
}

/** One machine and one model. */
export interface EndProfile {
  readonly format: typeof END_PROFILE_FORMAT;
  readonly model: { readonly name: string; readonly sha256: string };
  /** As measured, with machine, threads and runs. */
  readonly measured: ModelProfile;
  /** Share of the measured time that could be traced to a node by name, from 0 to 1. */
  readonly namedShare: number;
  /** In the order of the graph's index. */
  readonly nodes: readonly NodeProfile[];
  /** Estimate for nodes that were not measured, with its error. */
  readonly estimate: FittedTimeModel;
}

/** A model as profiles look at it. */
export interface ProfiledGraph {
  readonly name: string;
  /** SHA-256 of the model file. */
  readonly sha256: string;
  readonly model: ModelProto;
  readonly index: GraphIndex;
  /** Shapes of one sample. */
  readonly sizes: ShapeTable;
}

/** Puts together what was measured of a model and what its nodes cost. */
export function endProfileOf(graph: ProfiledGraph, measured: ModelProfile): EndProfile {
  const { name, sha256 } = graph;
  const { ms, namedShare } = timesOfNodes(graph, measured.steps);
  const nodes = modelCost(graph.model, graph.sizes).nodes.map(
    ({ name: node, opType, outputs, macs, parameters }, position): NodeProfile => ({
      name: node,
      opType,
      ms: ms[position],
      macs,
      parameters,
      outputBytes: outputs.reduce((sum, output) => sum + bytesOf(graph.sizes, output), 0),
    }),
  );
  const timed = nodes.filter((node) => node.ms > 0);
  return {
    format: END_PROFILE_FORMAT,
    model: { name, sha256 },
    measured,
    namedShare,
    nodes,
    estimate: fitTimeModel(
      timed,
      timed.map((node) => node.ms),
    ),
  };
}

/** Times of a model's run on the machine of a profile, and whether they are measured. */
export interface TimesOnEnd extends RunTimes {
  readonly kind: 'measured' | 'estimated';
}

/** Times of the graph's nodes by a profile: those measured if it is of this model, else its estimate. */
export function runTimesOn(profile: EndProfile, graph: ProfiledGraph): TimesOnEnd {
  const { fixedMs } = profile.measured;
  if (profile.model.sha256 === graph.sha256 && profile.nodes.length === graph.index.nodes.length) {
    return { kind: 'measured', nodeMs: Float64Array.from(profile.nodes, ({ ms }) => ms), fixedMs };
  }
  const { nodes } = modelCost(graph.model, graph.sizes);
  const nodeMs = Float64Array.from(nodes, ({ macs, outputs }) => {
    const outputBytes = outputs.reduce((sum, output) => sum + bytesOf(graph.sizes, output), 0);
    return estimateNodeMs(profile.estimate.model, { macs, outputBytes });
  });
  return { kind: 'estimated', nodeMs, fixedMs };
}

/**
 * Checks the record of a profile file.
 * @throws {TypeError} naming the field, what was expected and what came
 */
export function checkEndProfile(value: unknown): EndProfile {
  const profile = value as Partial<EndProfile> | null;
  if (profile?.format !== END_PROFILE_FORMAT) {
    const got = JSON.stringify(profile?.format) ?? 'nothing';
    throw new TypeError(`format expected "${END_PROFILE_FORMAT}", got ${got}`);
  }
  checkModelProfile(profile.measured);
  const { model, nodes, estimate } = profile;
  const amounts = [
    ...(nodes ?? []).flatMap(({ ms, outputBytes, parameters, macs }) => [
      ms,
      outputBytes,
      parameters,
      macs ?? 0,
    ]),
    ...Object.values(estimate?.model ?? {}),
  ];
  const isSound = amounts.every(
    (amount) => typeof amount === 'number' && amount >= 0 && Number.isFinite(amount),
  );
  if (typeof model?.sha256 !== 'string' || !Array.isArray(nodes) || !estimate || !isSound) {
    throw new TypeError('profile expected model, nodes and estimate with numbers from 0, got something else');
  }
  return profile as EndProfile;
}

/** By the name of a step in the file's order of nodes, then in the order of the index. */
function timesOfNodes({ model, index }: ProfiledGraph, steps: readonly StepProfile[]) {
  const inFile = model.graph?.node ?? [];
  const { ms, namedShare } = nodeTimesOfSteps(inFile, steps);
  const msOf = new Map(inFile.map((node, position) => [node, ms[position]]));
  return { ms: index.nodes.map((node) => msOf.get(node) ?? 0), namedShare };
}

function bytesOf(sizes: ShapeTable, name: string): number {
  const info = sizes.get(name);
  return (info && staticBytes(info)) ?? 0;
}
