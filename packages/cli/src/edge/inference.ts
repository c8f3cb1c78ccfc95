/** How `run` answers one sample: at one point or under a budget, and what answers where link or server do not. */

import type { QuantizerChoice } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { encodePicture, type SampleInput } from '@featherwire/eval';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import {
  createBudgetedClient,
  createExitClient,
  createFallbackClient,
  type EdgeClient,
  type Fallback,
  type RequestOptions,
} from '@featherwire/runtime';
import { CommandError } from '../terminal/errors.js';
import type { SampleResult } from './run-data.js';

/** One point, quantizers by tensor, or milliseconds for every sample. */
export type Coding = string | Readonly<Record<string, QuantizerChoice>> | Budget;

/** Under which points are chosen. */
export interface Budget {
  readonly budgetMs: number;
}

/** True for a budget. */
export function isBudget(coding: Coding): coding is Budget {
  return typeof coding === 'object' && typeof coding.budgetMs === 'number';
}

/** What answering takes; sessions and client stay the caller's. */
export interface InferenceOptions {
  readonly client: EdgeClient;
  readonly head: ModelSession;
  readonly bundle: NodeBundle;
  readonly coding: Coding;
  readonly request: {
    readonly verify: boolean;
    readonly statistics: boolean;
    readonly compactOutputs: boolean;
    readonly timeoutMs: number;
  };
  readonly maxBytes?: number;
  readonly fallback?: Fallback['kind'];
  /** Answer here what the exit is sure of, from the threshold on that is given, or that of the bundle. */
  readonly exit?: { readonly threshold?: number };
  readonly signal: AbortSignal;
}

/** Answers samples one at a time. */
export interface Inference {
  readonly infer: (inputs: TensorMap, input: SampleInput) => Promise<SampleResult>;
  close(): Promise<void>;
}

/** Of pictures that are sent to the whole model and were not encoded already. */
const PICTURE_CODING = { codec: 'jpeg', quality: 90 } as const;

/**
 * @throws {CommandError} if the bundle cannot answer in the way of the fallback; {RangeError} if it has no exit and one is asked
 *   for; {InferenceError} of tail and exit
 */
export async function openInference(options: InferenceOptions): Promise<Inference> {
  const { bundle, head, exit: exitOptions } = options;
  if (!exitOptions) return openSending(options, 'inputs');
  const exit = await createWorkerSession(bundle.exitPath());
  try {
    const exits = createExitClient({ bundle, head, exit, ...exitOptions });
    const sending = await openSending(options, 'features');
    return {
      infer: (inputs, input) =>
        exits.infer(inputs, (features, elapsedMs) => sending.infer(features, input, elapsedMs)),
      close: async () => {
        await sending.close();
        await exit.close();
      },
    };
  } catch (error) {
    await exit.close();
    throw error;
  }
}

/** What is sent: inputs of the head, or what it gave for them. */
type Sent = 'inputs' | 'features';

interface Sending extends Inference {
  /** @param elapsedMs - that the sample took already, 0 by default */
  readonly infer: (tensors: TensorMap, input: SampleInput, elapsedMs?: number) => Promise<SampleResult>;
}

async function openSending(options: InferenceOptions, sent: Sent): Promise<Sending> {
  const { bundle, request, signal, fallback: kind } = options;
  const split = splitWay(options, sent);
  if (!kind)
    return {
      infer: (tensors, _, elapsedMs = 0) =>
        split(tensors, { signal, timeoutMs: request.timeoutMs, elapsedMs }),
      close: async () => {},
    };
  const tail = kind === 'local' ? await createWorkerSession(bundle.partPath('tail')) : undefined;
  const fallback = fallbackOf(options, kind, sent, tail);
  const client = createFallbackClient({ bundle, split, fallback, patienceMs: request.timeoutMs });
  return {
    infer: (tensors, input, elapsedMs = 0) =>
      client.infer(tensors, { signal, elapsedMs, picture: () => pictureOf(input) }),
    close: async () => tail?.close(),
  };
}

function splitWay({ client: edge, bundle, coding, request, maxBytes }: InferenceOptions, sent: Sent) {
  const client = sent === 'inputs' ? edge : { ...edge, infer: edge.inferFeature };
  if (!isBudget(coding))
    return (tensors: TensorMap, limits: RequestOptions): Promise<SampleResult> =>
      client.infer(tensors, { ...request, ...limits, coding });
  const budgeted = createBudgetedClient({ client, bundle, ...coding });
  return (tensors: TensorMap, limits: RequestOptions): Promise<SampleResult> =>
    budgeted.infer(tensors, { ...request, ...limits, ...(maxBytes !== undefined && { maxBytes }) });
}

function fallbackOf(
  { client, head, bundle, request }: InferenceOptions,
  kind: Fallback['kind'],
  sent: Sent,
  tail: ModelSession | undefined,
): Fallback {
  if (tail) return { kind: 'local', tail, ...(sent === 'inputs' && { head }) };
  if (kind !== 'picture') return { kind: 'error' };
  const { whole, preprocessing } = bundle.manifest;
  if (whole && preprocessing) return { kind, client, timeoutMs: request.timeoutMs };
  throw new CommandError(
    '--fallback picture expected a bundle with a whole model and preprocessing, got one without',
  );
}

async function pictureOf(input: SampleInput): Promise<Uint8Array> {
  if (input.kind === 'encoded') return input.bytes;
  if (input.kind === 'pixels') return (await encodePicture(input.pixels, PICTURE_CODING)).bytes;
  throw new CommandError('--fallback picture expected data of pictures, got tensors');
}
