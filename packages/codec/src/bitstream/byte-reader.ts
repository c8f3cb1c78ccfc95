/** Bounds-checked little-endian reader of frames: every read past the end is a `BitstreamError`. */

import { BitstreamError, type FrameSection } from '../errors.js';

const MAX_VARINT_BYTES = 8;

/** One field of a frame as `inspectFrame` reports it. */
export interface FrameField {
  readonly section: FrameSection;
  readonly field: string;
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly value: string;
}

/** Position in a frame. The section names where errors are reported. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  readonly #fields: FrameField[] | undefined;
  #fieldStart = 0;
  section: FrameSection = 'preamble';
  /** Which of several coder sections is read, for reports; empty where there is one. */
  part = '';

  /** @param fields - receives what `note` reports */
  constructor(bytes: Uint8Array, fields?: FrameField[]) {
    this.#bytes = bytes;
    this.#fields = fields;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  readUint8(): number {
    return this.#bytes[this.#take(1)];
  }

  readUint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  readUint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  readFloat32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  /** Unsigned LEB128 of at most 8 bytes and 2^53 - 1, in its shortest form (bitstream.md §2). */
  readVarint(): number {
    const start = this.#offset;
    let value = 0;
    let scale = 1;
    for (let count = 1; ; count++) {
      const byte = this.readUint8();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) {
        if (byte === 0 && count > 1)
          throw this.error('invalid-field', 'varint is not in its shortest form', start);
        break;
      }
      if (count === MAX_VARINT_BYTES)
        throw this.error('invalid-field', 'varint is longer than 8 bytes', start);
    }
    if (value > Number.MAX_SAFE_INTEGER) throw this.error('invalid-field', 'varint is over 2^53 - 1', start);
    return value;
  }

  /** A view of the next `count` bytes. */
  readBytes(count: number): Uint8Array {
    const start = this.#take(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** Names the bytes read since the last note. */
  note(field: string, value: string | number): void {
    this.#fields?.push({
      section: this.section,
      field: this.part ? `${this.part}: ${field}` : field,
      byteOffset: this.#fieldStart,
      byteLength: this.#offset - this.#fieldStart,
      value: String(value),
    });
    this.#fieldStart = this.#offset;
  }

  /** A view of the bytes from `start` to the current position. */
  bytesSince(start: number): Uint8Array {
    return this.#bytes.subarray(start, this.#offset);
  }

  /** Goes back to `offset`, for a parser that looked ahead. */
  rewind(offset: number): void {
    this.#offset = offset;
  }

  /** An error at the current position, or at `offset`. */
  error(code: BitstreamError['code'], detail: string, offset: number = this.#offset): BitstreamError {
    return new BitstreamError(code, this.section, offset, detail);
  }

  #take(count: number): number {
    const start = this.#offset;
    if (count > this.remaining) {
      throw this.error('truncated', `${count} bytes expected, ${this.remaining} left`);
    }
    this.#offset = start + count;
    return start;
  }
}
