/**
 * A bounded queue that takes from each client in turn (round robin over requests, in the spirit of J. Nagle, "On Packet
 * Switches With Infinite Storage", RFC 970, 1985): a client that sends much waits behind itself. When it is full, whoever has
 * most in it makes room for whoever has less.
 */

/** What waits; `client` says whose it is. */
export interface Queued {
  readonly client: string;
}

/** A queue of requests of several clients. */
export interface FairQueue<T extends Queued> {
  readonly size: number;
  /** Whether `push` would find a place for an item of a client. */
  hasPlaceFor(client: string): boolean;
  /**
   * Puts an item behind those of its client.
   * @returns what found no place: undefined, the newest item of the client that has most, or the item itself
   */
  push(item: T): T | undefined;
  /**
   * Takes the next item of the next client whose next item is accepted; the clients passed over keep their turn.
   * @returns undefined if there is none
   */
  take(accepts: (item: T) => boolean): T | undefined;
  /** Takes an item out of turn. @returns whether it was there */
  remove(item: T): boolean;
  /** Every item, client by client. */
  [Symbol.iterator](): Iterator<T>;
}

/** @param maxItems - from 1 */
export function createFairQueue<T extends Queued>(maxItems: number): FairQueue<T> {
  return new RoundRobinQueue(maxItems);
}

class RoundRobinQueue<T extends Queued> implements FairQueue<T> {
  readonly #maxItems: number;
  /** In the order of turns; a client is here exactly while it has items. */
  readonly #clients = new Map<string, T[]>();
  #size = 0;

  constructor(maxItems: number) {
    this.#maxItems = maxItems;
  }

  get size(): number {
    return this.#size;
  }

  hasPlaceFor(client: string): boolean {
    if (this.#size < this.#maxItems) return true;
    const own = this.#clients.get(client)?.length ?? 0;
    const [, items] = this.#longest();
    return items.length > own + 1;
  }

  push(item: T): T | undefined {
    if (!this.hasPlaceFor(item.client)) return item;
    const own = this.#clients.get(item.client);
    let dropped: T | undefined;
    if (this.#size >= this.#maxItems) {
      const [longest, items] = this.#longest();
      dropped = items.at(-1)!;
      this.#removeAt(longest, items, items.length - 1);
    }
    if (own) own.push(item);
    else this.#clients.set(item.client, [item]);
    this.#size++;
    return dropped;
  }

  take(accepts: (item: T) => boolean): T | undefined {
    for (const [client, items] of this.#clients) {
      const [item] = items;
      if (!accepts(item)) continue;
      this.#removeAt(client, items, 0);
      if (items.length > 0) {
        this.#clients.delete(client); // to the end of the turns
        this.#clients.set(client, items);
      }
      return item;
    }
    return undefined;
  }

  remove(item: T): boolean {
    const items = this.#clients.get(item.client);
    const position = items?.indexOf(item) ?? -1;
    if (!items || position < 0) return false;
    this.#removeAt(item.client, items, position);
    return true;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const items of this.#clients.values()) yield* items;
  }

  #removeAt(client: string, items: T[], position: number): void {
    items.splice(position, 1);
    if (items.length === 0) this.#clients.delete(client);
    this.#size--;
  }

  #longest(): [string, T[]] {
    let longest: [string, T[]] | undefined;
    for (const entry of this.#clients) {
      if (!longest || entry[1].length > longest[1].length) longest = entry;
    }
    return longest!; // only asked while there are items
  }
}
