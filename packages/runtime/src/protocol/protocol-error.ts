/** The error of reading a message; docs/protocol.md §8 lists the codes. */

/** Why bytes are not a message of this protocol. */
export type ProtocolErrorCode =
  | 'truncated'
  | 'wrong-magic'
  | 'unsupported-version'
  | 'unknown-kind'
  | 'bad-length'
  | 'bad-value'
  | 'trailing-bytes';

/** Bytes that are not a message this version reads. Parsing throws nothing else, on any bytes. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  /** Where in the message the field starts that is wrong. */
  readonly byteOffset: number;

  constructor(code: ProtocolErrorCode, byteOffset: number, message: string) {
    super(`${message} (at byte ${byteOffset})`);
    this.code = code;
    this.byteOffset = byteOffset;
  }
}
