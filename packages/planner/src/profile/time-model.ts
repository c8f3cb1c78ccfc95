/**
 * A cheap estimate of a node's time where nothing was measured: multiply-accumulates, elements written and a cost of the call,
 * each with a rate that is at least 0, fitted to measured nodes by least squares. Its error is found by leaving out a
 * stretch of the network at a time and estimating it from the rest.
 */

/** What the estimate knows of a node. */
export interface NodeWork {
  /** Unknown ones count as 0. */
  readonly macs: number | null;
  readonly outputBytes: number;
}

/** Rates of the estimate. */
export interface TimeModel {
  readonly msPerGigaMac: number;
  readonly msPerMebibyte: number;
  readonly msPerNode: number;
}

/** An estimate that was compared with what was measured. */
export interface FittedTimeModel {
  readonly model: TimeModel;
  /** Median over stretches of `|estimated − measured| / measured`; null with fewer than two stretches. */
  readonly medianError: number | null;
  /** Stretches that were left out in turn. */
  readonly stretchCount: number;
}

const MACS_UNIT = 1e9;
const BYTES_UNIT = 2 ** 20;
const STRETCH_COUNT = 8;
/** Rounds of coordinate descent; three coordinates settle long before. */
const MAX_ROUNDS = 1000;

/** Milliseconds that a node is estimated to take. */
export function estimateNodeMs(model: TimeModel, work: NodeWork): number {
  const [macs, bytes, one] = featuresOf(work);
  return macs * model.msPerGigaMac + bytes * model.msPerMebibyte + one * model.msPerNode;
}

/**
 * Fits the rates.
 * @param nodes - in the order of execution, without those that the engine joined into others
 * @param measuredMs - one for each
 * @throws {RangeError} if there are no nodes or the lists differ in length
 */
export function fitTimeModel(nodes: readonly NodeWork[], measuredMs: readonly number[]): FittedTimeModel {
  if (nodes.length === 0 || nodes.length !== measuredMs.length) {
    throw new RangeError(`measuredMs expected ${nodes.length} above 0, got ${measuredMs.length}`);
  }
  const errors = errorsOfStretches(nodes, measuredMs);
  errors.sort((a, b) => a - b);
  return {
    model: fit(nodes, measuredMs),
    medianError: errors.length < 2 ? null : errors[errors.length >> 1],
    stretchCount: errors.length,
  };
}

/** Relative errors of stretches of consecutive nodes, each estimated from all other nodes. */
function errorsOfStretches(nodes: readonly NodeWork[], measuredMs: readonly number[]): number[] {
  const count = Math.min(STRETCH_COUNT, nodes.length);
  const errors: number[] = [];
  for (let stretch = 0; stretch < count; stretch++) {
    const from = Math.floor((stretch * nodes.length) / count);
    const to = Math.floor(((stretch + 1) * nodes.length) / count);
    const isOut = (_: unknown, i: number): boolean => i >= from && i < to;
    const isIn = (_: unknown, i: number): boolean => !isOut(_, i);
    const rest = nodes.filter(isIn);
    const measured = measuredMs.filter(isOut).reduce((sum, ms) => sum + ms, 0);
    if (rest.length === 0 || measured === 0) continue;
    const model = fit(rest, measuredMs.filter(isIn));
    const estimated = nodes.filter(isOut).reduce((sum, node) => sum + estimateNodeMs(model, node), 0);
    errors.push(Math.abs(estimated - measured) / measured);
  }
  return errors;
}

/** Least squares with coordinates from 0, by coordinate descent on the normal equations. */
function fit(nodes: readonly NodeWork[], measuredMs: readonly number[]): TimeModel {
  const rows = nodes.map(featuresOf);
  const size = rows[0].length;
  const products = Array.from({ length: size }, (_, a) =>
    Array.from({ length: size }, (__, b) => rows.reduce((sum, row) => sum + row[a] * row[b], 0)),
  );
  const targets = Array.from({ length: size }, (_, a) =>
    rows.reduce((sum, row, i) => sum + row[a] * measuredMs[i], 0),
  );
  const rates = new Float64Array(size);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let change = 0;
    for (let a = 0; a < size; a++) {
      if (products[a][a] === 0) continue;
      const others = products[a].reduce((sum, product, b) => (b === a ? sum : sum + product * rates[b]), 0);
      const rate = Math.max(0, (targets[a] - others) / products[a][a]);
      change = Math.max(change, Math.abs(rate - rates[a]));
      rates[a] = rate;
    }
    if (change < 1e-12) break;
  }
  return { msPerGigaMac: rates[0], msPerMebibyte: rates[1], msPerNode: rates[2] };
}

function featuresOf({ macs, outputBytes }: NodeWork): readonly [number, number, number] {
  return [(macs ?? 0) / MACS_UNIT, outputBytes / BYTES_UNIT, 1];
}
