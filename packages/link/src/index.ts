/**
 * Network links as plain records, what is known of common ones, and how long a transfer takes over them. Pure
 * computation: nothing here opens a connection.
 */

export {
  checkLink,
  describeLink,
  LINK_LIMITS,
  type LinkProfile,
  type OutageTrace,
  type RateTrace,
} from './link-profile.js';
export { DEFAULT_TRACE_DELAYS, type LinkDelays, parseLinkTrace } from './link-trace.js';
export { LINK_NAMES, NAMED_LINKS, type NamedLink } from './named-links.js';
export { parseLink } from './parse-link.js';
export {
  type LinkDirection,
  type RatePiece,
  type RateSchedule,
  rateSchedule,
  sentAtMs,
} from './rate-schedule.js';
export {
  decibelsToRatio,
  outageProbability,
  outageRate,
  type RayleighChannel,
} from './rayleigh.js';
export { LTE_DRIVE, type SyntheticTraceOptions, syntheticTrace } from './synthetic-trace.js';
export {
  INITIAL_WINDOW_BYTES,
  retransmissionDelayMs,
  SEGMENT_BYTES,
  slowStartMs,
} from './tcp-model.js';
export {
  type ConnectionState,
  estimateTransfer,
  type Transfer,
  type TransferEstimate,
} from './transfer-time.js';
