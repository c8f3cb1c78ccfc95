/**
 * What a server holds of messages, in bytes that really came or are to go, never in lengths that were claimed: requests from
 * their first byte to their answer, answers until they have left. It bounds the memory that clients can make it use.
 */

/** A bounded account of bytes, by client. */
export interface ByteBudget {
  /** Bytes held now. */
  readonly held: number;
  /** Whether `take` would count so many bytes now. */
  hasRoom(client: string, bytes: number): boolean;
  /** Counts bytes. @returns false, counting nothing, if they are over the limit of all or over the client's share of it */
  take(client: string, bytes: number): boolean;
  /** Counts bytes that are there already and have to leave: what comes next is refused instead. */
  owe(client: string, bytes: number): void;
  /** Bytes that were counted are gone. */
  release(client: string, bytes: number): void;
}

/** No client holds more than this part of the budget, so that there is something left for the others. */
const CLIENT_SHARE = 0.5;

/** @param maxBytes - of all clients together */
export function createByteBudget(maxBytes: number): ByteBudget {
  const byClient = new Map<string, number>();
  let held = 0;
  const add = (client: string, bytes: number): void => {
    held += bytes;
    const own = (byClient.get(client) ?? 0) + bytes;
    if (own > 0) byClient.set(client, own);
    else byClient.delete(client);
  };
  const hasRoom = (client: string, bytes: number): boolean => {
    const own = byClient.get(client) ?? 0;
    return held + bytes <= maxBytes && own + bytes <= CLIENT_SHARE * maxBytes;
  };
  return {
    get held() {
      return held;
    },
    hasRoom,
    take(client, bytes) {
      if (!hasRoom(client, bytes)) return false;
      add(client, bytes);
      return true;
    },
    owe: add,
    release: (client, bytes) => add(client, -bytes),
  };
}
