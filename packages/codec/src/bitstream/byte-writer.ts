/** Growing little-endian byte sink of the encoder. */

const INITIAL_BYTES = 256;

/** Appends bytes and numbers; owns its buffer until `finish` hands it out. */
export class ByteWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  writeUint8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  writeUint16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  writeUint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  writeFloat32(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  /** Unsigned LEB128 (bitstream.md §2). @param value - integer in [0, 2^53) */
  writeVarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.writeUint8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.writeUint8(rest);
  }

  writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A view of what was written; invalid after the next write. */
  peek(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written, exactly as long. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    // What follows a payload is short and finds room too.
    const grown = new Uint8Array(Math.max(needed + INITIAL_BYTES, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
