/** Bodies of HTTP responses, within a limit that holds whatever their heads claim. */

/**
 * Reads a body to its end.
 * @param maxBytes - longest body taken
 * @returns undefined as soon as it is longer
 */
export async function readResponseBody(
  response: Response,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    length += next.value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      return undefined;
    }
    chunks.push(next.value);
  }
  return concatenate(chunks, length);
}

/** One array of all chunks; `length` is their sum. */
export function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
