import { EXIT_CONFIDENCE } from '@featherwire/bundle';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import type { FeatureRequestOptions, InferResult } from '../client/edge-client.js';
import { createEdgeExit, type EdgeExitOptions } from './edge-exit.js';
import { inferWithExit } from './edge-worker.js';
import type { Edge } from './open-edge.js';

const value = (number: number) => tensor('float32', [1], Float32Array.of(number));
const bundle = {
  manifest: {
    ...{ cut: [{ name: 'h' }], outputs: [{ name: 'y' }], exit: { threshold: 0.5 } },
    operatingPoints: [{ id: 'small', kind: 'described', coding: [{ tensor: 'h', quantizer: {} }] }],
  },
} as unknown as Edge['bundle'];
const SURE = 0.9;
const NOT_SURE = 0.1;

/** An edge side whose exit is so sure. */
function edgeOf(confidence: number, whileTheExitRuns = () => {}) {
  const ran: string[] = [];
  const sessions = {
    head: {
      run: async () => {
        ran.push('head');
        return { outputs: { h: value(1) } };
      },
    },
    exit: {
      ...{ inputs: [{ name: 'h' }], outputs: [{ name: 'y' }, { name: EXIT_CONFIDENCE }] },
      run: async () => {
        ran.push('exit');
        whileTheExitRuns();
        return { outputs: { y: value(2), [EXIT_CONFIDENCE]: value(confidence) } };
      },
    },
  } as unknown as EdgeExitOptions['sessions'];
  const sent: FeatureRequestOptions[] = [];
  const client = {
    infer: async (_: object, options: FeatureRequestOptions): Promise<InferResult> => {
      sent.push(options);
      return { outputs: { y: value(3) }, times: {} } as unknown as InferResult;
    },
  };
  const clock = { now: () => 0, sleep: async () => {} };
  const exit = createEdgeExit({ bundle, sessions, held: new WeakMap(), clock });
  return { edge: { bundle, client, exit } as unknown as Edge, ran, sent };
}

describe.each([
  ['sure', SURE],
  ['not sure', NOT_SURE],
])('an exit that is %s', (_, confidence) => {
  test('is not asked at a coding that does not fit the bundle', async () => {
    const { edge, ran } = edgeOf(confidence);
    const unknown = inferWithExit(edge, { x: value(0) }, { coding: 'none' });
    await expect(unknown).rejects.toThrow("operating points 'small', got 'none'");
    const incomplete = inferWithExit(edge, { x: value(0) }, { coding: {} });
    await expect(incomplete).rejects.toThrow(RangeError);
    expect(ran).toEqual([]);
  });

  test('is not asked without a coding and a budget', async () => {
    const { edge, ran } = edgeOf(confidence);
    await expect(inferWithExit(edge, { x: value(0) }, {})).rejects.toThrow('budget expected');
    expect(ran).toEqual([]);
  });

  test('gives no answer to a request that is aborted while it runs', async () => {
    const controller = new AbortController();
    const { edge } = edgeOf(confidence, () => controller.abort());
    const { signal } = controller;
    const aborted = inferWithExit(edge, { x: value(0) }, { coding: 'small', signal });
    await expect(aborted).rejects.toMatchObject({ name: 'TransportError', code: 'aborted' });
  });

  test('answers at a coding of the bundle, or has it sent', async () => {
    const { edge, ran, sent } = edgeOf(confidence);
    const result = await inferWithExit(edge, { x: value(0) }, { coding: 'small', elapsedMs: 7 });
    expect(ran).toEqual(['head', 'exit']);
    expect('way' in result).toBe(confidence === SURE);
    expect(sent).toEqual(confidence === SURE ? [] : [{ coding: 'small', elapsedMs: 7 }]);
  });
});
