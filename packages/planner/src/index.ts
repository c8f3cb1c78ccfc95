/** Where to cut and how to code for a link: profiles of both ends, measured ways, the choice among them, its drawing. */

export {
  type CacheKey,
  createPlanCache,
  defaultCacheDirectory,
  noCache,
  type PlanCache,
} from './cache/plan-cache.js';
export { type BandwidthRange, fastestByBandwidth, type WayLine } from './choice/break-even.js';
export { type Choice, choose, type RatedWay, type Wishes } from './choice/choose.js';
export { type DecisionMs, decisionOf } from './choice/decision.js';
export { paretoFront } from './choice/pareto.js';
export {
  ASSUMED_BITS_PER_ELEMENT,
  type CutEstimate,
  type CutToRate,
  shortlistCuts,
} from './choice/shortlist.js';
export { type TotalLine, totalLine, totalOf } from './choice/total.js';
export type { Loss, Way, WayExit, WayKind } from './choice/way.js';
export { BAR_SIGNS, drawBars, partsOf, type TotalParts } from './draw/bars.js';
export { drawPlan } from './draw/plan-svg.js';
export { shownWays } from './draw/shown-ways.js';
export type { MeasureContext, PlanProgress } from './measure/measure-context.js';
export { measureSplit } from './measure/measure-split.js';
export { measureUnsplit, type Reference, readReference } from './measure/measure-whole.js';
export {
  type EndFactors,
  type MeasuredExit,
  type MeasuredWay,
  type MessageOverhead,
  type WayStages,
  wayOf,
} from './measure/measured-way.js';
export { type CodingPoint, designLadder, pointSource } from './measure/point-coder.js';
export {
  type PreparedSample,
  type PreparedSamples,
  prepareSamples,
  type SampleOptions,
} from './measure/samples.js';
export { type End, type EndBasis, type Ends, endsOf, factorsOfSpeeds } from './plan/ends.js';
export { type Plan, type PlanSettings, planBundle } from './plan/plan-bundle.js';
export { type ModelPlan, type ModelToPlan, planModel, type TimesCheck } from './plan/plan-model.js';
export { profiledGraph, profileGraph, profileGraphInBrowser, profileKey } from './plan/profile-graph.js';
export { type CutTimes, cutTimes, type RunTimes, wholeMs } from './profile/cut-times.js';
export {
  checkEndProfile,
  END_PROFILE_FORMAT,
  type EndProfile,
  endProfileOf,
  type NodeProfile,
  type ProfiledGraph,
  runTimesOn,
  type TimesOnEnd,
} from './profile/end-profile.js';
export { type NamedNode, type NodeTimes, nodeTimesOfSteps } from './profile/node-times.js';
export {
  estimateNodeMs,
  type FittedTimeModel,
  fitTimeModel,
  type NodeWork,
  type TimeModel,
} from './profile/time-model.js';
