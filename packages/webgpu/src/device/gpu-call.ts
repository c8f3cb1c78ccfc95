/**
 * The commands of one call: buffers, kernels in their order, and what comes back to the host. From its creation to
 * `finish` a call does not wait, so that the error scopes around it hold nothing of other calls.
 */

import { GpuError } from '../errors.js';
import { BUFFER_USAGE, MAP_READ } from './constants.js';
import type { GpuContext, KernelTimer } from './gpu-context.js';

const STORAGE_USAGE = BUFFER_USAGE.storage | BUFFER_USAGE.copyDst | BUFFER_USAGE.copySrc;
const STAGING_USAGE = BUFFER_USAGE.mapRead | BUFFER_USAGE.copyDst;
const TIMES_USAGE = BUFFER_USAGE.queryResolve | BUFFER_USAGE.copySrc;
const TIMES_BYTES = 16;

/** A kernel with its buffers, in the order of their bindings. */
export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: readonly GPUBuffer[];
  /** Along x and y. */
  readonly workgroups: readonly [number, number];
}

/** Part of a buffer that the host wants, multiples of 4 bytes. */
export interface Readback {
  readonly buffer: GPUBuffer;
  readonly offset?: number;
  readonly size: number;
}

/** Commands that run together. */
export class GpuCall {
  readonly #context: GpuContext;
  readonly #name: Parameters<KernelTimer>[0];
  readonly #encoder: GPUCommandEncoder;
  readonly #buffers = new Set<GPUBuffer>();
  readonly #dispatches: Dispatch[] = [];
  #hasScopes = true;
  #querySet: GPUQuerySet | null = null;

  /** @throws {GpuError} if the device is lost */
  constructor(context: GpuContext, name: Parameters<KernelTimer>[0]) {
    context.checkDevice();
    this.#context = context;
    this.#name = name;
    context.device.pushErrorScope('validation');
    context.device.pushErrorScope('out-of-memory');
    this.#encoder = context.device.createCommandEncoder({ label: `featherwire ${name}` });
  }

  /** A buffer of the call whose content is anything. */
  scratch(label: string, size: number): GPUBuffer {
    return this.#take(label, size, STORAGE_USAGE);
  }

  /** A buffer of zeros. */
  zeros(label: string, size: number): GPUBuffer {
    const buffer = this.scratch(label, size);
    this.#encoder.clearBuffer(buffer);
    return buffer;
  }

  /** A buffer with the bytes of an array, filled up to whole words with zeros. */
  upload(label: string, data: Uint32Array | Uint8Array, usage: number = STORAGE_USAGE): GPUBuffer {
    const buffer = this.#take(label, data.byteLength, usage);
    const whole = data.byteLength - (data.byteLength % 4);
    const { queue } = this.#context.device;
    queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, whole);
    if (whole < data.byteLength) {
      const rest = new Uint8Array(4);
      rest.set(new Uint8Array(data.buffer, data.byteOffset + whole, data.byteLength - whole));
      queue.writeBuffer(buffer, whole, rest);
    }
    return buffer;
  }

  /** A uniform buffer. */
  uniform(label: string, data: Uint32Array): GPUBuffer {
    return this.upload(label, data, BUFFER_USAGE.uniform | BUFFER_USAGE.copyDst);
  }

  /** Adds a kernel. @param rows - workgroups along y, `workgroups` of them each */
  dispatch(
    pipeline: GPUComputePipeline,
    bindings: readonly GPUBuffer[],
    workgroups: number,
    rows: number = 1,
  ): void {
    this.#dispatches.push({ pipeline, bindings, workgroups: [workgroups, rows] });
  }

  /**
   * Submits the commands, waits for them and gives what was asked for to `use`, as views that end with it: the host copies
   * each byte once.
   * @returns what `use` returns
   * @throws {GpuError} and frees the buffers of the call, if it fails
   */
  async finish<T>(
    readbacks: readonly Readback[],
    use: (...parts: Uint8Array<ArrayBuffer>[]) => T,
  ): Promise<T> {
    const times = this.#recordKernels();
    const all = times ? [...readbacks, { buffer: times, size: TIMES_BYTES }] : readbacks;
    const size = all.reduce((sum, part) => sum + part.size, 0);
    const staging = this.#take('staging', size, STAGING_USAGE);
    let position = 0;
    for (const { buffer, offset = 0, size: bytes } of all) {
      this.#encoder.copyBufferToBuffer(buffer, offset, staging, position, bytes);
      position += bytes;
    }
    const { device } = this.#context;
    device.queue.submit([this.#encoder.finish()]);
    const mapped = staging.mapAsync(MAP_READ, 0, size);
    const scopes = this.#popScopes();
    await this.#settle(mapped, scopes);
    try {
      const parts = split(new Uint8Array(staging.getMappedRange(0, size)), all);
      if (times) this.#reportTime(parts.pop()!);
      return use(...parts);
    } finally {
      staging.unmap();
    }
  }

  /** Another readback of the call's buffers, before they are given back. @throws {GpuError} if it fails */
  async readMore(readback: Readback, use: (part: Uint8Array<ArrayBuffer>) => void): Promise<void> {
    const call = new GpuCall(this.#context, this.#name);
    try {
      await call.finish([readback], use);
    } finally {
      call.release();
    }
  }

  /** Gives the buffers back, whether the call was finished or not. Nothing may be done with it afterwards. */
  release(): void {
    if (this.#hasScopes) void Promise.allSettled(this.#popScopes());
    this.#querySet?.destroy();
    this.#context.pool.give(this.#buffers);
    this.#buffers.clear();
  }

  #popScopes(): Promise<GPUError | null>[] {
    const { device } = this.#context;
    this.#hasScopes = false;
    return [device.popErrorScope(), device.popErrorScope()];
  }

  #take(label: string, size: number, usage: number): GPUBuffer {
    const buffer = this.#context.pool.take(label, size, usage);
    this.#buffers.add(buffer);
    return buffer;
  }

  /** @returns the buffer that receives time stamps, if the context asks for them */
  #recordKernels(): GPUBuffer | null {
    if (this.#dispatches.length === 0) return null;
    const { device, timer } = this.#context;
    const querySet = timer && device.createQuerySet({ type: 'timestamp', count: 2 });
    this.#querySet = querySet;
    const pass = this.#encoder.beginComputePass({
      label: `featherwire ${this.#name}`,
      ...(querySet && {
        timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 },
      }),
    });
    for (const { pipeline, bindings, workgroups } of this.#dispatches) {
      const entries = bindings.map((buffer, binding) => ({ binding, resource: { buffer } }));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(...workgroups);
    }
    pass.end();
    if (!querySet) return null;
    const times = this.#take('times', TIMES_BYTES, TIMES_USAGE);
    this.#encoder.resolveQuerySet(querySet, 0, 2, times, 0);
    return times;
  }

  #reportTime(bytes: Uint8Array<ArrayBuffer>): void {
    const [begin, end] = new BigUint64Array(bytes.slice().buffer);
    this.#context.timer?.(this.#name, Number(end - begin));
  }

  async #settle(mapped: Promise<unknown>, scopes: readonly Promise<GPUError | null>[]): Promise<void> {
    const [map, ...errors] = await Promise.allSettled([mapped, ...scopes]);
    const [memory, validation] = errors.map((scope) => (scope.status === 'fulfilled' ? scope.value : null));
    if (map.status === 'fulfilled' && !memory && !validation) return;
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.clear();
    if (memory) throw new GpuError('out-of-memory', memory.message);
    const cause = validation ?? (map.status === 'rejected' ? map.reason : undefined);
    throw await this.#context.failure(`the commands of ${this.#name} failed`, cause);
  }
}

/** Bytes that lie one after the other, by the sizes of readbacks. */
function split(bytes: Uint8Array<ArrayBuffer>, readbacks: readonly Readback[]): Uint8Array<ArrayBuffer>[] {
  let position = 0;
  return readbacks.map(({ size }) => {
    const part = bytes.subarray(position, position + size);
    position += size;
    return part;
  });
}
