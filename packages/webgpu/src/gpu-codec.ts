/** The codec on one device: the way in, and what its calls share. */

import type { Shape } from '@featherwire/tensor';
import { decodeOnGpu, type GpuDecodeOptions } from './decode/decode-frame.js';
import type { DecodeMemory } from './decode/decode-plan.js';
import { GpuContext, type KernelTimer } from './device/gpu-context.js';
import { encodePlanned } from './encode/encode-frame.js';
import type { FramePlan, FrameTarget, GpuBundledOptions, GpuEncodeOptions } from './encode/frame-plan.js';
import { FramePlanner } from './encode/frame-planner.js';
import { UnsupportedError } from './errors.js';
import { checkBuffer, checkElements, type GpuFeature } from './gpu-feature.js';

/** How a codec is made. */
export interface GpuCodecOptions {
  /** Receives the nanoseconds of the kernels of each call, by time stamps; the device must have `timestamp-query`. */
  readonly onKernelTime?: KernelTimer;
}

/** Codes features that stay on a GPU. Calls may overlap; frames and elements are those of the CPU backends, to the bit. */
export interface GpuCodec {
  /**
   * Codes a feature as a self-contained frame: what `encodeFrame` returns for the same settings with the same
   * `chunkCount` and `laneCount`.
   * @param feature - of at least one element; not modified, its buffer must not be written before the promise is settled
   * @returns the frame's bytes, at the front of the target or owned by the caller
   * @throws {UnsupportedError} before any work, if the settings are not for a GPU
   * @throws {RangeError} if the feature holds NaN or a symbol that the table lacks, a setting is out of range, or the
   * target is too small
   * @throws {TypeError} if the buffer is not one for kernels @throws {GpuError}
   */
  encodeFrame(feature: GpuFeature, options: GpuEncodeOptions): Promise<Uint8Array>;

  /**
   * Codes a feature as a bundled frame: what `encodeBundledFrame` returns for the same settings with the same
   * `chunkCount` and `laneCount`.
   * @throws as `encodeFrame` does, and {RangeError} if the shape does not fit the profile
   */
  encodeBundledFrame(feature: GpuFeature, options: GpuBundledOptions): Promise<Uint8Array>;

  /**
   * Decodes a frame of one float32 tensor that is coded by rANS under tables or contexts, of any division.
   * @param frame - one whole frame; must not change before the promise is settled
   * @returns a feature whose buffer is the target, or a new one that is the caller's to destroy
   * @throws {BitstreamError} the error of `decodeFrame`, on anything else than such a frame within the limits
   * @throws {UnsupportedError} if it is a frame, but of a kind or size that is not for a GPU
   * @throws {TypeError} @throws {RangeError} if the target is not a buffer for the feature @throws {GpuError}
   */
  decodeFrame(frame: Uint8Array, options?: GpuDecodeOptions): Promise<GpuFeature>;

  /** Frees the buffers. The device stays; calls under way end as they would. */
  close(): void;
}

/** Storage buffers that a kernel has at most. */
const STORAGE_BUFFERS = 8;

/**
 * A codec on a device, made once for it. Its pipelines are made when they are first used.
 * @param device - with the limits of a default device at least; not destroyed by the codec
 * @throws {UnsupportedError} if the device lacks what the kernels or the options need
 */
export function createGpuCodec(device: GPUDevice, options: GpuCodecOptions = {}): GpuCodec {
  const { onKernelTime = null } = options;
  const buffers = device.limits.maxStorageBuffersPerShaderStage;
  if (buffers < STORAGE_BUFFERS)
    throw new UnsupportedError('device', `${STORAGE_BUFFERS} storage buffers`, `${buffers}`);
  if (onKernelTime && !device.features.has('timestamp-query'))
    throw new UnsupportedError('device', 'timestamp-query', 'none');
  const context = new GpuContext(device, onKernelTime);
  const planner = new FramePlanner();
  const memory: DecodeMemory = { levels: new WeakMap(), models: new WeakMap() };
  const encode = (
    feature: GpuFeature,
    { target }: FrameTarget,
    planFor: (shape: Shape) => FramePlan,
  ): Promise<Uint8Array> => {
    const count = checkElements(device, feature.shape);
    checkBuffer('feature', feature.buffer, count);
    return encodePlanned(context, feature, planFor(feature.shape), target);
  };
  return {
    encodeFrame: async (feature, settings) =>
      encode(feature, settings, (shape) => planner.planFrame(shape, settings)),
    encodeBundledFrame: async (feature, settings) =>
      encode(feature, settings, (shape) => planner.planBundledFrame(shape, settings)),
    decodeFrame: async (frame, settings = {}) => decodeOnGpu(context, frame, settings, memory),
    close: () => context.close(),
  };
}
