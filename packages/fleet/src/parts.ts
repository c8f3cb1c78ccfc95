/** Messages longer than the payload that NATS carries: cut into parts, which one sender sends to one receiver in their order. */

/** Cuts a message. @returns views on it, at least one */
export function splitIntoParts(message: Uint8Array, maxPartBytes: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(message.length / maxPartBytes));
  return Array.from({ length: count }, (_, i) => message.subarray(i * maxPartBytes, (i + 1) * maxPartBytes));
}

/** A message that comes in parts. */
export interface PartJoiner {
  /** Bytes that came. */
  readonly receivedBytes: number;
  /**
   * Takes the next part; it is kept, not copied.
   * @returns the message once it is whole
   * @throws {RangeError} if there is more than was said
   */
  add(part: Uint8Array): Uint8Array | undefined;
}

/** @param totalBytes - what the message will have; nothing is allocated by it */
export function createPartJoiner(totalBytes: number): PartJoiner {
  const parts: Uint8Array[] = [];
  let receivedBytes = 0;
  return {
    get receivedBytes() {
      return receivedBytes;
    },
    add(part) {
      receivedBytes += part.length;
      if (!(receivedBytes <= totalBytes)) {
        throw new RangeError(`parts expected ${totalBytes} bytes, got ${receivedBytes}`);
      }
      parts.push(part);
      if (receivedBytes < totalBytes) return undefined;
      return parts.length === 1 ? parts[0] : new Uint8Array(Buffer.concat(parts, receivedBytes));
    },
  };
}
