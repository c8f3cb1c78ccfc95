/** Whether clients are alone: which two were heard last, which is all that it takes. */

/** Remembers who asks. */
export interface ClientActivity {
  heard(client: string, now: number): void;
  /** Whether another client was heard lately. */
  hasOthers(client: string, now: number): boolean;
}

/** @param memoryMs - what "lately" means */
export function createClientActivity(memoryMs: number): ClientActivity {
  const nobody = { client: '', at: Number.NEGATIVE_INFINITY };
  let last = nobody;
  let other = nobody; // the last who is not `last.client`
  return {
    heard(client, now) {
      if (client !== last.client) other = last;
      last = { client, at: now };
    },
    hasOthers(client, now) {
      const { at } = last.client === client ? other : last;
      return now - at <= memoryMs;
    },
  };
}
