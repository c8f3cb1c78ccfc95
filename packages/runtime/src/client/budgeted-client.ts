/** An edge client that keeps a latency budget: a rate controller chooses the operating point of every request. */

import type { Bundle, OperatingPoint } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import {
  type ChoiceLimits,
  createRateController,
  type LinkPrior,
  type RateChoice,
  type RatedPoint,
} from '../rate-control/index.js';
import type { EdgeClient, FeatureRequestOptions, InferResult } from './edge-client.js';
import { TransportError } from './errors.js';
import { type Clock, systemClock } from './retry.js';

/** What a budgeted client is made of; the edge client stays the caller's. */
export interface BudgetedClientOptions {
  readonly client: EdgeClient;
  /** The client's bundle; its measured operating points are chosen from. */
  readonly bundle: Bundle;
  /** From the call to the result, in the 95th percentile. */
  readonly budgetMs: number;
  /** What is believed of the link before the first exchange. */
  readonly link?: LinkPrior;
  readonly clock?: Clock;
}

/** One request's settings. */
export type BudgetedRequestOptions = Omit<FeatureRequestOptions, 'coding'> & ChoiceLimits;

/** A result with the choice that led to it. */
export interface BudgetedResult extends InferResult {
  readonly choice: RateChoice;
}

/** The edge side of one bundle under a budget. */
export interface BudgetedClient {
  /**
   * Runs the head on this side and the tail on the server, at the point that fits.
   * @throws {RangeError} if no point is within `maxBytes`; else as `EdgeClient.infer`
   */
  infer(inputs: TensorMap, options?: BudgetedRequestOptions): Promise<BudgetedResult>;
}

/**
 * Puts a rate controller before a client.
 * @throws {RangeError} if the bundle has no operating point with a measurement
 */
export function createBudgetedClient(options: BudgetedClientOptions): BudgetedClient {
  const { client, bundle, budgetMs, link, clock = systemClock } = options;
  const controller = createRateController({
    points: ratedPoints(bundle.manifest.operatingPoints),
    budgetMs,
    ...(link && { link }),
  });
  return {
    async infer(inputs, { maxBytes, budgetMs: requestBudgetMs, ...request } = {}) {
      const { elapsedMs = 0 } = request;
      const limits = {
        elapsedMs,
        ...(maxBytes !== undefined && { maxBytes }),
        ...(requestBudgetMs !== undefined && { budgetMs: requestBudgetMs }),
      };
      const choice = controller.choose(clock.now(), limits);
      try {
        const result = await client.infer(inputs, { ...request, coding: choice.point });
        const exchange = exchangeOf(choice.point, result, elapsedMs);
        controller.observe({ ...exchange, budgetMs: requestBudgetMs ?? budgetMs }, clock.now());
        return { ...result, choice };
      } catch (error) {
        // Errors of the caller and answers of the server say nothing of the link.
        if (error instanceof TransportError && error.retryable) controller.observeFailure();
        throw error;
      }
    },
  };
}

/** Points with their measured bytes; where a loss was not measured, all are taken to be the better the more they take. */
function ratedPoints(points: readonly OperatingPoint[]): RatedPoint[] {
  const hasLosses = points.every(({ measured }) => !measured || measured.loss);
  const rated = points.flatMap(({ id, measured }) => {
    if (!measured) return [];
    const { bytesPerSample: mean, bytes, loss } = measured;
    const order = hasLosses && loss ? loss.value : -mean;
    return [{ id, bytes: { mean, ...(bytes && { p95: bytes.p95 }) }, loss: order }];
  });
  if (rated.length === 0)
    throw new RangeError('bundle expected operating points with measurements, got none');
  return rated;
}

function exchangeOf(
  point: string,
  { bytes, times }: InferResult,
  elapsedMs: number,
): Parameters<ReturnType<typeof createRateController>['observe']>[0] {
  const { headMs, encodeMs, linkMs, queueMs, decodeMs, tailMs, respondMs, readMs, totalMs } = times;
  return {
    point,
    bytes: bytes.sent,
    linkMs,
    beforeMs: elapsedMs + headMs,
    deviceMs: encodeMs + readMs,
    serverMs: queueMs + decodeMs + tailMs + respondMs,
    totalMs: elapsedMs + totalMs,
  };
}
