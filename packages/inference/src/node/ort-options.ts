/** Options of onnxruntime-node for this library's options. */

import type { InferenceSession } from 'onnxruntime-node';
import type { SessionOptions } from '../session.js';

/** onnxruntime's "fatal": it throws what goes wrong and need not print it as well. */
const LOG_FATAL_ONLY = 4;

/**
 * Options of onnxruntime for this library's options.
 * @throws {RangeError} if the number of threads is not a positive integer
 */
export function ortSessionOptions(options: SessionOptions): InferenceSession.SessionOptions {
  const threads = options.intraOpThreads ?? 1;
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new RangeError(`intraOpThreads expected a positive integer, got ${threads}`);
  }
  return {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: options.graphOptimization ?? 'all',
    logSeverityLevel: LOG_FATAL_ONLY,
    // Threads that spin while idle take the cores from the other sessions of the process.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(options.externalData && {
      externalData: options.externalData.map(({ path, data }) => ({ path, data })),
    }),
    ...(options.saveOptimizedTo && { optimizedModelFilePath: options.saveOptimizedTo }),
  };
}

/** Options of one run. */
export const ORT_RUN_OPTIONS: InferenceSession.RunOptions = Object.freeze({
  logSeverityLevel: LOG_FATAL_ONLY,
});
