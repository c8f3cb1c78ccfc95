/** Typed errors of the codec on a GPU, beside `BitstreamError` for bad frames and those of a caller's mistake. */

/** Why a GPU did not do its work. */
export type GpuErrorCode =
  /** The device is gone: another one, and another codec, have to be made. */
  | 'device-lost'
  /** There is no memory for the buffers of a call. */
  | 'out-of-memory'
  /** The device refused a command or gave what cannot be. */
  | 'internal';

/** A GPU that did not do its work. */
export class GpuError extends Error {
  override readonly name = 'GpuError';
  readonly code: GpuErrorCode;

  constructor(code: GpuErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options);
    this.code = code;
  }
}

/** A setting or a frame that the codec knows and its part on the GPU does not; the CPU backends do. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';

  constructor(what: string, expected: string, got: string) {
    super(`${what} expected ${expected} on a GPU, got ${got}`);
  }
}
