/** Typed errors of the codec. `docs/bitstream.md` section 12 lists when a decoder gives which code. */

/** Part of a frame in which a decoder found a defect. */
export type FrameSection = 'preamble' | 'shape' | 'quantizer' | 'coder' | 'table' | 'payload' | 'checksum';

/** What is wrong with a frame (bitstream.md §12). */
export type BitstreamErrorCode =
  | 'wrong-magic'
  | 'unsupported-version'
  | 'truncated'
  | 'reserved-bits'
  | 'invalid-field'
  | 'limit-exceeded'
  | 'checksum-mismatch'
  | 'invalid-table'
  | 'payload-mismatch'
  | 'unknown-point'
  | 'digest-mismatch'
  | 'trailing-bytes';

/** Bytes that are not a frame this decoder accepts. The only error that decoding throws. */
export class BitstreamError extends Error {
  override readonly name = 'BitstreamError';
  readonly code: BitstreamErrorCode;
  readonly section: FrameSection;
  /** Offset in the frame at which the defect was found. */
  readonly byteOffset: number;

  constructor(code: BitstreamErrorCode, section: FrameSection, byteOffset: number, detail: string) {
    super(`${section} at byte ${byteOffset}: ${detail}`);
    this.code = code;
    this.section = section;
    this.byteOffset = byteOffset;
  }
}

/** A backend that this machine or engine cannot run. */
export class BackendUnavailableError extends Error {
  override readonly name = 'BackendUnavailableError';
  /** Why, in one line. */
  readonly reason: string;

  constructor(backend: string, reason: string, options?: ErrorOptions) {
    super(`the ${backend} backend is unavailable: ${reason}`, options);
    this.reason = reason;
  }
}
