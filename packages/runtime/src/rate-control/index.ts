/** Keeping a latency budget: what the link takes, and which operating point to send. */

export {
  createLinkEstimate,
  type LinkEstimate,
  type LinkPrior,
  UNKNOWN_LINK,
  type UncertainTime,
} from './link-estimate.js';
export {
  type ChoiceLimits,
  createRateController,
  type ObservedExchange,
  type RateChoice,
  type RateController,
  type RateControlOptions,
  type RatedPoint,
} from './rate-controller.js';
