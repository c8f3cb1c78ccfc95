/**
 * Cuts that are coded where the head leaves them: on the GPU, from which nothing but the frame comes back. What is not for a GPU goes
 * the way of all other cuts, over the host. A page loads this file, and the codec behind it, only if its head runs on WebGPU.
 */

import type { Bundle } from '@featherwire/bundle';
import { checkValues, type TensorMap } from '@featherwire/inference';
import { type GpuValue, isOnGpu, readValues } from '@featherwire/inference/browser';
import { createGpuCodec, type GpuCodec, GpuError, UnsupportedError } from '@featherwire/webgpu';
import type { CutCoding } from '../client/coding.js';
import {
  bytesOfTensor,
  type CutEncoder,
  type CutSettings,
  codedSpecs,
  type EncodedCut,
  type HostEncoder,
  reductionOf,
} from '../client/cut-encoder.js';
import type { Clock } from '../client/retry.js';
import type { HeldCuts } from './edge-exit.js';
import { type EdgeSessions, type GpuNetworks, isLoss } from './edge-sessions.js';

/** What the encoder is made of; all of it stays the caller's. */
export interface GpuEncoderOptions {
  readonly bundle: Bundle;
  readonly sessions: Pick<EdgeSessions, 'gpu'>;
  /** Codes what the GPU does not, and goes on from what is held too. */
  readonly host: HostEncoder;
  /** What the head gave already. */
  readonly held: HeldCuts;
  readonly clock: Clock;
}

/** An encoder with buffers of its own on a GPU. */
export interface GpuEncoder extends CutEncoder {
  /** Frees them; what is being coded ends as it would. */
  close(): void;
}

/** An encoder on the device of the sessions; undefined where they have none, or one that the codec cannot use. */
export function createGpuEncoder(options: GpuEncoderOptions): GpuEncoder | undefined {
  const { sessions, host } = options;
  const codec = sessions.gpu && codecOn(sessions.gpu.device);
  if (!codec) return undefined;
  return {
    async encode(inputs, settings) {
      const { gpu } = sessions;
      const { coding } = settings;
      if (!gpu || !isForGpu(options.bundle, coding, settings)) return host.encode(inputs, settings);
      try {
        return await encodeOnGpu(options, { gpu, codec }, inputs, { ...settings, coding });
      } catch (error) {
        // A GPU that did not do its work leaves it to the host, whose head has another engine if the device is gone.
        if (!(error instanceof GpuError) && !(await isLoss(gpu.device, error))) throw error;
        return host.encode(inputs, settings);
      }
    },
    close: () => codec.close(),
  };
}

type ProfiledCoding = Extract<CutCoding, { kind: 'profiled' }>;

/** What codes on a device, and what runs there. */
interface OnDevice {
  readonly gpu: GpuNetworks;
  readonly codec: GpuCodec;
}

function codecOn(device: GPUDevice): GpuCodec | undefined {
  try {
    return createGpuCodec(device);
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

/** Whether a request asks for nothing that takes the feature on the host; the codec has the last word on its profile. */
function isForGpu(
  bundle: Bundle,
  coding: CutCoding,
  { digest, statistics }: CutSettings,
): coding is ProfiledCoding {
  if (coding.kind !== 'profiled' || coding.lambda !== 0 || digest || statistics) return false;
  const tensors = [...bundle.manifest.cut, ...codedSpecs(bundle, coding)];
  return coding.profile.tensors.length === 1 && tensors.every(({ dtype }) => dtype === 'float32');
}

async function encodeOnGpu(
  { bundle, host, held, clock }: GpuEncoderOptions,
  { gpu, codec }: OnDevice,
  inputs: TensorMap,
  settings: CutSettings & { readonly coding: ProfiledCoding },
): Promise<EncodedCut> {
  const { coding, onCut } = settings;
  const reduction = reductionOf(gpu.reductions, coding);
  const started = clock.now();
  const cut = held.get(inputs);
  if (cut && !isOnGpu(cut)) return host.encodeFeatures(cut, settings);
  const features = cut ?? (await gpu.head.runOnGpu(inputs)).outputs;
  // The run ends with the submission of its commands: the head is done when the GPU is, and the codec's come after that.
  const headDone = gpu.device.queue.onSubmittedWorkDone().then(() => clock.now() - started);
  headDone.catch(() => undefined); // whoever waits for a frame hears of a loss too
  let coded = features;
  try {
    checkValues(bundle.manifest.cut, features);
    if (reduction) coded = (await reduction.runOnGpu(features)).outputs;
    const [{ name }] = codedSpecs(bundle, coding);
    const frame = await encodeValue(codec, coded[name], coding);
    const [ended, headMs] = [clock.now(), await headDone];
    if (onCut) {
      const read = await readValues(features);
      onCut({ features: read, coded: coded === features ? read : await readValues(coded) });
    }
    return {
      ...{ frames: [frame], statistics: undefined, codec: 'webgpu', headMs },
      perTensor: [bytesOfTensor(name, coded[name].shape, frame.length)],
      encodeMs: ended - started - headMs,
    };
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    const headMs = await headDone;
    const read = await readValues(features);
    const readMs = clock.now() - started - headMs;
    const encoded = await host.encodeFeatures(read, settings);
    return { ...encoded, headMs, encodeMs: readMs + encoded.encodeMs };
  } finally {
    // What is held belongs to whoever asked the exit.
    const own = [...(cut ? [] : [features]), ...(coded === features ? [] : [coded])];
    for (const value of own.flatMap((values) => Object.values(values))) void value.release();
  }
}

/** @throws {UnsupportedError} if the value or the profile is not for the codec @throws {RangeError} as it does @throws {GpuError} */
async function encodeValue(
  codec: GpuCodec,
  { buffer, shape }: GpuValue,
  { profile, point }: ProfiledCoding,
): Promise<Uint8Array> {
  if (!buffer) throw new UnsupportedError('feature', 'elements', 'none');
  // As the host's frames: requests of one stream are independent (docs/protocol.md §4).
  return codec.encodeBundledFrame({ buffer, shape }, { profile, point, sequenceNumber: 0 });
}
