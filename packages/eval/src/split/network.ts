/** The networks of a bundle in worker threads: head and tail, and the unsplit network as one. */

import type { NodeBundle } from '@featherwire/bundle/node';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';

/** A head with its tail. */
export interface NetworkParts {
  readonly head: ModelSession;
  readonly tail: ModelSession;
  close(): Promise<void>;
}

/** Opens head and tail. @throws {InferenceError} as `createWorkerSession`; nothing stays open then */
export async function openParts(bundle: NodeBundle): Promise<NetworkParts> {
  const [head, tail] = await openAll([bundle.partPath('head'), bundle.partPath('tail')]);
  return { head, tail, close: () => closeAll([head, tail]) };
}

/** Something that answers like the unsplit network. */
export interface Network {
  run(feeds: TensorMap): Promise<TensorMap>;
  close(): Promise<void>;
}

/** Opens the whole model of a bundle that carries one, else head and tail. @throws as `openParts` */
export async function openNetwork(bundle: NodeBundle): Promise<Network> {
  const parts = bundle.manifest.whole ? (['whole'] as const) : (['head', 'tail'] as const);
  const sessions = await openAll(parts.map((part) => bundle.partPath(part)));
  return {
    async run(feeds) {
      let values = feeds;
      for (const session of sessions) values = (await session.run(values)).outputs;
      return values;
    },
    close: () => closeAll(sessions),
  };
}

/** One session for each file, all or none. */
async function openAll(files: readonly string[]): Promise<readonly ModelSession[]> {
  const outcomes = await Promise.allSettled(files.map((file) => createWorkerSession(file)));
  const sessions = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (!failure) return sessions;
  await closeAll(sessions);
  throw failure.reason;
}

/** Closes sessions or networks. */
export async function closeAll(list: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(list.map((entry) => entry.close()));
}
