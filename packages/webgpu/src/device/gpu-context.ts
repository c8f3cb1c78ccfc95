/** What all calls on one device share: pipelines, buffers, and whether the device is still there. */

import { GpuError } from '../errors.js';
import { BufferPool } from './buffer-pool.js';

/** How long a failed call waits to hear that the device is lost. */
const LOSS_GRACE_MS = 200;
/** Voters of a ballot's first word. */
const MAX_VOTERS = 32;

/** Receives the time that the kernels of a call took. */
export type KernelTimer = (call: 'encode' | 'count' | 'decode', nanoseconds: number) => void;

/** A device with what was made for it. */
export class GpuContext {
  readonly device: GPUDevice;
  readonly pool: BufferPool;
  /** Asks for a time stamp before and after the kernels of each call. */
  readonly timer: KernelTimer | null;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  #loss: GPUDeviceLostInfo | null = null;

  constructor(device: GPUDevice, timer: KernelTimer | null) {
    this.device = device;
    this.pool = new BufferPool(device);
    this.timer = timer;
    void device.lost.then((info) => {
      this.#loss = info;
    });
  }

  /** The pipeline of a kernel, made once for each text. @throws {GpuError} if the device cannot make it */
  async pipeline(label: string, code: string): Promise<GPUComputePipeline> {
    this.checkDevice();
    const pipeline = this.#pipelines.get(code) ?? this.#makePipeline(label, code);
    this.#pipelines.set(code, pipeline);
    try {
      return await pipeline;
    } catch (cause) {
      this.#pipelines.delete(code);
      throw await this.failure(`no pipeline for ${label}`, cause);
    }
  }

  #makePipeline(label: string, code: string): Promise<GPUComputePipeline> {
    const module = this.device.createShaderModule({ label: `featherwire ${label}`, code });
    return this.device.createComputePipelineAsync({
      label: `featherwire ${label}`,
      layout: 'auto',
      compute: { module },
    });
  }

  /** Invocations that every subgroup holds, a power of two up to 32; 0 where kernels know no subgroups. */
  get subgroupSize(): number {
    if (!this.device.features.has('subgroups')) return 0;
    return Math.min(MAX_VOTERS, this.device.adapterInfo?.subgroupMinSize ?? 0);
  }

  /** @throws {GpuError} if the device is known to be lost */
  checkDevice(): void {
    if (this.#loss) throw lossError(this.#loss);
  }

  /** The error of a call that failed: the loss of the device, if that is why. */
  async failure(detail: string, cause: unknown): Promise<GpuError> {
    const grace = new Promise<null>((resolve) => setTimeout(resolve, LOSS_GRACE_MS, null));
    const loss = this.#loss ?? (await Promise.race([this.device.lost, grace]));
    return loss ? lossError(loss) : new GpuError('internal', detail, { cause });
  }

  close(): void {
    this.pool.close();
  }
}

function lossError({ reason, message }: GPUDeviceLostInfo): GpuError {
  return new GpuError('device-lost', message || `the device is lost, reason ${reason}`);
}
