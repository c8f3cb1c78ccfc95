import { EXIT_CONFIDENCE } from '@featherwire/bundle';
import { InferenceError, type TensorMap } from '@featherwire/inference';
import type { GpuValueMap } from '@featherwire/inference/browser';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import type { CutSettings, EncodedCut, HostEncoder } from '../client/cut-encoder.js';
import type { InferResult } from '../client/edge-client.js';
import { createEdgeExit, createHeldEncoder, type EdgeExitOptions, type HeldCuts } from './edge-exit.js';

const value = (number: number) => tensor('float32', [1], Float32Array.of(number));
const bundle = {
  manifest: { cut: [{ name: 'h' }], outputs: [{ name: 'y' }], exit: { threshold: 0.5 } },
} as unknown as EdgeExitOptions['bundle'];
const clock = { now: () => 0, sleep: async () => {} };

/** A head and an exit on a GPU that is lost while the exit runs, and those that take their place. */
function lostInTheExit(confidence: number) {
  const runs: string[] = [];
  const released: string[] = [];
  const onGpu = {
    h: {
      read: () => Promise.reject(new InferenceError('run-failed', 'the device is lost')),
      release: async () => void released.push('h'),
    },
  } as unknown as GpuValueMap;
  const gpu = {
    device: { lost: Promise.resolve({}) },
    head: {
      runOnGpu: async () => {
        runs.push('head on the GPU');
        return { outputs: onGpu };
      },
    },
    exit: { run: () => Promise.reject(new InferenceError('run-failed', 'the device is lost')) },
  };
  const sessions = {
    gpu,
    head: {
      run: async ({ x }: TensorMap) => {
        runs.push('head');
        return { outputs: { h: value(Number(x.data[0]) + 1) } };
      },
    },
    exit: {
      ...{ inputs: [{ name: 'h' }], outputs: [{ name: 'y' }, { name: EXIT_CONFIDENCE }] },
      run: async ({ h }: TensorMap) => {
        runs.push('exit');
        return { outputs: { y: value(Number(h.data[0]) + 10), [EXIT_CONFIDENCE]: value(confidence) } };
      },
    },
  } as unknown as EdgeExitOptions['sessions'];
  return { sessions, runs, released };
}

/** Sends what the encoder of the edge side makes of it; its head has no need to run. */
function senderOf(held: HeldCuts) {
  const coded: TensorMap[] = [];
  const host: HostEncoder = {
    encode: () => expect.unreachable('the head gave its values already'),
    encodeFeatures: async (features) => {
      coded.push(features);
      return { encodeMs: 0 } as EncodedCut;
    },
  };
  const encoder = createHeldEncoder(host, held, clock);
  const send = async (inputs: TensorMap): Promise<InferResult> => {
    await encoder.encode(inputs, {} as CutSettings);
    return { outputs: {}, times: {} } as InferResult;
  };
  return { coded, send };
}

describe('a GPU that is lost while the exit runs', () => {
  test('costs one more run of the head where the exit is not sure, and its values are sent', async () => {
    const { sessions, runs, released } = lostInTheExit(0.1);
    const held: HeldCuts = new WeakMap();
    const { coded, send } = senderOf(held);
    const result = await createEdgeExit({ bundle, sessions, held, clock }).infer({ x: value(1) }, send);
    expect(runs).toEqual(['head on the GPU', 'head', 'exit']);
    expect(coded).toEqual([{ h: value(2) }]);
    expect('way' in result).toBe(false);
    expect(released).toEqual(['h']);
  });

  test('costs one more run of the head where it is sure', async () => {
    const { sessions, runs } = lostInTheExit(0.9);
    const exit = createEdgeExit({ bundle, sessions, held: new WeakMap(), clock });
    const result = await exit.infer({ x: value(1) }, () => expect.unreachable('the exit is sure'));
    expect(runs).toEqual(['head on the GPU', 'head', 'exit']);
    expect(result).toMatchObject({ way: 'exit', outputs: { y: value(12) } });
  });
});
