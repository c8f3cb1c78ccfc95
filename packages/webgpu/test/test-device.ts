/** The device of the tests in Node: the system's GPU, or else the software adapter of an installed Chromium. */

import { BackendUnavailableError } from '@featherwire/codec';
import { elementCount, type Shape, type TensorOf } from '@featherwire/tensor';
import { BUFFER_USAGE, MAP_READ } from '../src/device/constants.js';
import type { GpuFeature } from '../src/index.js';
import { type NodeDevice, openNodeDevice } from '../src/node/index.js';

const FEATURE_USAGE = BUFFER_USAGE.storage | BUFFER_USAGE.copySrc | BUFFER_USAGE.copyDst;

/**
 * Opens a device.
 * @param what - the tests that need it
 * @param features - by default those of `openNodeDevice`
 * @returns null, with a printed reason, if there is none
 */
export async function openTestDevice(
  what: string,
  features?: readonly GPUFeatureName[],
): Promise<NodeDevice | null> {
  try {
    return await openNodeDevice({ software: 'fallback', ...(features && { features }) });
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    // biome-ignore lint/suspicious/noConsole: a skipped test prints its reason
    console.info(`skipped: ${what}; ${error.message}`);
    return null;
  }
}

/** A float32 tensor. */
export function float32(shape: Shape, valueAt: (i: number) => number): TensorOf<'float32'> {
  return {
    dtype: 'float32',
    shape,
    data: Float32Array.from({ length: elementCount(shape) }, (_, i) => valueAt(i)),
  };
}

/** A feature in a buffer of its own. */
export function upload(device: GPUDevice, { shape, data }: TensorOf<'float32'>): GpuFeature {
  const buffer = device.createBuffer({ label: 'input', size: data.byteLength, usage: FEATURE_USAGE });
  device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
  return { shape, buffer };
}

/** The elements of a feature. */
export async function download(device: GPUDevice, { shape, buffer }: GpuFeature): Promise<Float32Array> {
  const size = elementCount(shape) * 4;
  const usage = BUFFER_USAGE.mapRead | BUFFER_USAGE.copyDst;
  const staging = device.createBuffer({ label: 'output', size, usage });
  const commands = device.createCommandEncoder();
  commands.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device.queue.submit([commands.finish()]);
  await staging.mapAsync(MAP_READ);
  const elements = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return elements;
}
