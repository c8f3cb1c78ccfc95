/** Where to cut and how to code for a link: profiles of both ends, measured ways, the choice among them, its drawing. */

export { type BandwidthRange, fastestByBandwidth, type WayLine } from './choice/break-even.js';
export { type Choice, choose, type RatedWay, type Wishes } from './choice/choose.js';
export { paretoFront } from './choice/pareto.js';
export { type TotalLine, totalLine, totalOf } from './choice/total.js';
export type { Loss, PlanLink, Way, WayKind } from './choice/way.js';
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
