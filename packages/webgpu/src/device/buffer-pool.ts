/** Buffers that calls share: getting one from a driver takes longer than coding a small feature. */

const MIN_SIZE = 256;
/** Bytes that may lie idle. */
const MAX_IDLE_BYTES = 512 * 2 ** 20;

/** Buffers not in use, by usage. */
export class BufferPool {
  readonly #device: GPUDevice;
  #idle: GPUBuffer[] = [];
  #isClosed = false;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A buffer of at least `size` bytes, whose content is anything. Give it back with `give`. */
  take(label: string, size: number, usage: number): GPUBuffer {
    const rounded = roundSize(size);
    const found = this.#idle.findIndex((buffer) => buffer.size === rounded && buffer.usage === usage);
    if (found >= 0) return this.#idle.splice(found, 1)[0];
    return this.#device.createBuffer({ label: `featherwire ${label}`, size: rounded, usage });
  }

  /** Takes buffers back, not mapped; their last commands may still be under way. */
  give(buffers: Iterable<GPUBuffer>): void {
    this.#idle.push(...buffers);
    let bytes = this.#idle.reduce((sum, { size }) => sum + size, 0);
    while (this.#idle.length > 0 && (this.#isClosed || bytes > MAX_IDLE_BYTES)) {
      const oldest = this.#idle.shift()!;
      bytes -= oldest.size;
      oldest.destroy();
    }
  }

  /** Frees idle buffers now, others when they are given back. */
  close(): void {
    this.#isClosed = true;
    this.give([]);
  }
}

/** Up to the next sixteenth of a power of two, so that calls of similar sizes find each other's buffers. */
function roundSize(size: number): number {
  const needed = Math.max(size, MIN_SIZE);
  const unit = 2 ** (Math.ceil(Math.log2(needed)) - 4);
  return Math.ceil(needed / unit) * unit;
}
