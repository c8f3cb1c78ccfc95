/** WebGPU in Node, by the optional package `webgpu`. */

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
  /** Features to have where the adapter offers them; `subgroups` and `timestamp-query` by default. */
  readonly features?: readonly GPUFeatureName[];
  /**
   * `fallback` takes the software adapter of an installed Chromium where there is no other, for tests: it is right and slow.
   * It sets variables of the process that the Vulkan loader reads. `never` by default.
   */
  readonly software?: 'fallback' | 'never';
}

const DEFAULT_FEATURES: readonly GPUFeatureName[] = ['subgroups', 'timestamp-query'];
const SOFTWARE_DRIVERS = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];
/** What a device is of: webgpu 0.6.2 ends the process if these are collected before the device is. */
const OWNERS = new WeakMap<GPUDevice, readonly object[]>();

/**
 * Opens the adapter that the system prefers, with the largest buffers that it offers.
 * @throws {BackendUnavailableError} if the package is not installed or there is no adapter
 */
export async function openNodeDevice(options: NodeDeviceOptions = {}): Promise<NodeDevice> {
  const { features = DEFAULT_FEATURES, software = 'never' } = options;
  const create = await loadGpu();
  // The Vulkan loader asks for it and needs nothing of it.
  if (software === 'fallback') process.env.XDG_RUNTIME_DIR ??= tmpdir();
  const { gpu, adapter } = (await findAdapter(create)) ?? (await findSoftwareAdapter(create, software));
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({
    label: 'featherwire',
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
    requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
  });
  OWNERS.set(device, [gpu, adapter]);
  return { device, adapterInfo: adapter.info, close: () => device.destroy() };
}

interface FoundAdapter {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
}

async function findAdapter(create: () => GPU): Promise<FoundAdapter | null> {
  const gpu = create();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  return adapter && { gpu, adapter };
}

/** @throws {BackendUnavailableError} if it is not to be taken or there is none */
async function findSoftwareAdapter(create: () => GPU, software: 'fallback' | 'never'): Promise<FoundAdapter> {
  const driver = SOFTWARE_DRIVERS.find((path) => existsSync(path));
  const isFree = process.env.VK_ICD_FILENAMES === undefined;
  if (software === 'fallback' && driver && isFree) {
    process.env.VK_ICD_FILENAMES = driver;
    const found = await findAdapter(create);
    if (found) return found;
  }
  throw new BackendUnavailableError('WebGPU', 'no adapter');
}

async function loadGpu(): Promise<() => GPU> {
  // Not a constant, so that no compiler asks for the types of a package that may be missing.
  const name: string = 'webgpu';
  try {
    const { create } = (await import(name)) as { create(options: readonly string[]): GPU };
    return () => create([]);
  } catch (cause) {
    const reason = 'the package webgpu is not installed or does not load';
    throw new BackendUnavailableError('WebGPU', reason, { cause });
  }
}
