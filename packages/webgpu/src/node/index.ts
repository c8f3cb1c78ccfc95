/** WebGPU in Node, by the optional package `webgpu`. */

import { BackendUnavailableError } from '@featherwire/codec';

/** A device with the adapter that it is of. */
export interface NodeDevice {
  readonly device: GPUDevice;
  /** Names of the adapter: vendor, architecture, device, driver. */
  readonly adapterInfo: GPUAdapterInfo;
  /** Ends the device, and with it what keeps the process alive. */
  close(): void;
}

/** What a device is asked for. */
export interface NodeDeviceOptions {
  /** Features to have where the adapter offers them, such as `subgroups` and `timestamp-query`; both by default. */
  readonly features?: readonly GPUFeatureName[];
}

const DEFAULT_FEATURES: readonly GPUFeatureName[] = ['subgroups', 'timestamp-query'];

/** What a device is of: without it, webgpu 0.6.2 ends the process once these are collected and the device is used. */
const OWNERS = new WeakMap<GPUDevice, readonly object[]>();

/**
 * Opens the adapter that the system prefers, with the largest buffers that it offers.
 * @throws {BackendUnavailableError} if the package is not installed or there is no adapter
 */
export async function openNodeDevice(options: NodeDeviceOptions = {}): Promise<NodeDevice> {
  const { features = DEFAULT_FEATURES } = options;
  const gpu = await loadGpu();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new BackendUnavailableError('WebGPU', 'no adapter');
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({
    label: 'featherwire',
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
    requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
  });
  OWNERS.set(device, [gpu, adapter]);
  return { device, adapterInfo: adapter.info, close: () => device.destroy() };
}

async function loadGpu(): Promise<GPU> {
  // Not a constant, so that no compiler asks for the types of a package that may be missing.
  const name: string = 'webgpu';
  try {
    const { create } = (await import(name)) as { create(options: readonly string[]): GPU };
    return create([]);
  } catch (cause) {
    throw new BackendUnavailableError('WebGPU', 'the package webgpu is not installed or does not load', {
      cause,
    });
  }
}
