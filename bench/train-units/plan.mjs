/** What `bench/train-units.mjs` trains. */

import { CIFAR10_RUNS } from './plan-cifar10.mjs';
import { IMAGENET_RUNS } from './plan-imagenet.mjs';
import { TEXT_LINE_RUNS } from './plan-text-lines.mjs';

const DEFAULTS = { lambda: 5e-3, seed: 1, copies: 6, batch: 16, codings: ['contexts'] };

/**
 * Runs in order. `start` is a run before it, whose parameters it begins with; `isStart` is such a run, which is not measured;
 * `until` ends a run within its schedule. `freeSteps` are points without a unit. `stepSizes` are drawn for each item, for one
 * unit that serves a range of rates. `variety` is that of the copies that are trained on, `rate` what estimates the rate.
 */
export const PLAN = [...CIFAR10_RUNS, ...IMAGENET_RUNS, ...TEXT_LINE_RUNS].map((run) => ({
  ...DEFAULTS,
  ...run,
}));
