/** A request of an edge side in a browser, whose frame is held against what a backend of the codec makes of the same feature. */

import { encodeBundledFrame, inspectFrame, loadBackend } from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import { createEdgeClient, type InferResult, parseMessage, type Transport } from '@featherwire/runtime';
import type { Edge } from '@featherwire/runtime/browser';

/** What a head may take at first on a busy machine: an adapter in software compiles its kernels for half a minute and more. */
const COMPILE_MS = 120_000;

/** A request and its frame. */
export interface ComparedRequest {
  readonly result: InferResult;
  /** As it was sent. */
  readonly frame: Uint8Array;
  /** What WebAssembly makes of the feature that was coded, divided in the same way. */
  readonly byBackend: Uint8Array;
}

/** Sends a request. @param point - id of a profiled point of one tensor */
export async function compareRequest(edge: Edge, inputs: TensorMap, point: string): Promise<ComparedRequest> {
  const { bundle, head, reductions, backend: edgeBackend, encoder } = edge;
  const frames: Uint8Array[] = [];
  let coded: TensorMap = {};
  const client = createEdgeClient({
    ...{ bundle, head, reductions, backend: edgeBackend, encoder },
    transport: tapped(edge.transport, frames),
    onCut: (cut) => {
      coded = cut.coded;
    },
  });
  const result = await client.infer(inputs, { coding: point, timeoutMs: COMPILE_MS });
  const [frame] = frames;
  const position = bundle.manifest.operatingPoints.findIndex(({ id }) => id === point);
  const profile = bundle.profiles.get(point)!;
  const backend = await loadBackend('wasm');
  const { chunkCount, fields } = inspectFrame(frame, { profiles: new Map([[position, profile]]), backend });
  const [, laneCount] = / (\d+) lanes/.exec(fields.map(({ value }) => value).join('\n'))!;
  const division = { chunkCount, laneCount: Number(laneCount) };
  const settings = { profile, point: position, sequenceNumber: 0, ...division, backend };
  return { result, frame, byBackend: encodeBundledFrame(Object.values(coded), settings) };
}

/** A transport whose frames are kept. */
function tapped(transport: Transport, frames: Uint8Array[]): Transport {
  return {
    counted: transport.counted,
    nextRequestId: () => transport.nextRequestId(),
    exchange(message, options) {
      const request = parseMessage(message);
      if (request.kind === 'feature-request') frames.push(...request.frames.map((frame) => frame.slice()));
      return transport.exchange(message, options);
    },
    close: () => transport.close(),
  };
}
