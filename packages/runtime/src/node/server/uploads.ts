/**
 * Requests that come in parts, each by an exchange of its own. What came is held in the budget of its client, never what a part
 * claims is to come; a request that stops coming is dropped.
 */

import type { RemoteErrorCode } from '../../protocol/index.js';
import type { ByteBudget } from './byte-budget.js';
import type { ServerLimits } from './limits.js';

/** Which request a part belongs to. */
export interface UploadKey {
  /** Parts of others are never joined with its own. */
  readonly client: string;
  /** Chosen by the client. */
  readonly id: string;
}

/** Where a part stands. */
export interface PartRange {
  /** Offset of its first byte. */
  readonly first: number;
  /** Bytes of the whole request. */
  readonly total: number;
}

/** What became of a part. */
export type PartOutcome =
  /** The request is whole; its bytes are held in the budget and the caller's to release. */
  | { readonly kind: 'whole'; readonly message: Uint8Array }
  | { readonly kind: 'more'; readonly received: number }
  /** Bytes are missing before it. */
  | { readonly kind: 'gap'; readonly received: number }
  | { readonly kind: 'refused'; readonly code: RemoteErrorCode; readonly text: string };

/** Requests that are coming. */
export interface Uploads {
  /**
   * Adds a part; bytes that came before are skipped, so that a part may be sent again.
   * @param part - only read
   */
  add(key: UploadKey, range: PartRange, part: Uint8Array): PartOutcome;
  /** Bytes that came; 0 of what is not known. */
  received(key: UploadKey): number;
  /** Drops everything. */
  close(): void;
}

/** What uploads work with. */
export interface UploadsOptions {
  readonly budget: ByteBudget;
  readonly limits: Pick<ServerLimits, 'maxMessageBytes' | 'receiveTimeoutMs'>;
}

/** Requests that a client may be sending in parts at once. */
export const MAX_UPLOADS = 16;
/** Parts of a request: each takes some memory beside its bytes. */
export const MAX_PARTS = 4096;
/** In multiples of the time for the bytes of a request: what is allowed from the first part to the last. */
export const MAX_UPLOAD_TIMES = 20;

interface Upload {
  readonly key: UploadKey;
  readonly total: number;
  readonly endsAt: number;
  parts: Uint8Array[];
  received: number;
  timer: NodeJS.Timeout | undefined;
}

/** Nothing is coming yet. */
export function createUploads(options: UploadsOptions): Uploads {
  return new GatheredUploads(options);
}

class GatheredUploads implements Uploads {
  readonly #options: UploadsOptions;
  /** By client and id. */
  readonly #uploads = new Map<string, Map<string, Upload>>();

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  add(key: UploadKey, { first, total }: PartRange, part: Uint8Array): PartOutcome {
    const { budget } = this.#options;
    const known = this.#find(key);
    if (!known && first > 0) return { kind: 'gap', received: 0 };
    const upload = known ?? this.#begin(key, total);
    if (!upload) return refusal('overloaded', `${MAX_UPLOADS} requests of this client are coming in parts`);
    if (upload.total !== total) {
      return refusal('malformed-message', `part expected to be one of ${upload.total} bytes, got ${total}`);
    }
    if (first > upload.received) return { kind: 'gap', received: upload.received };
    const fresh = part.subarray(Math.min(part.length, upload.received - first));
    if (upload.parts.length >= MAX_PARTS) {
      this.#drop(upload);
      return refusal('malformed-message', `request expected at most ${MAX_PARTS} parts, got more`);
    }
    if (!budget.take(key.client, fresh.length)) {
      return refusal('overloaded', 'the server holds as many bytes as it can, or as it keeps for one client');
    }
    upload.parts.push(Uint8Array.from(fresh)); // a view would keep all of what the socket read
    upload.received += fresh.length;
    if (upload.received === total) {
      const message = Buffer.concat(upload.parts, total);
      this.#forget(upload);
      return { kind: 'whole', message };
    }
    this.#await(upload);
    return { kind: 'more', received: upload.received };
  }

  received(key: UploadKey): number {
    return this.#find(key)?.received ?? 0;
  }

  close(): void {
    for (const uploads of [...this.#uploads.values()]) {
      for (const upload of [...uploads.values()]) this.#drop(upload);
    }
  }

  #find({ client, id }: UploadKey): Upload | undefined {
    return this.#uploads.get(client)?.get(id);
  }

  /** @returns undefined if the client has as many as it may */
  #begin(key: UploadKey, total: number): Upload | undefined {
    const own = this.#uploads.get(key.client) ?? new Map<string, Upload>();
    if (own.size >= MAX_UPLOADS) return undefined;
    const endsAt = performance.now() + MAX_UPLOAD_TIMES * this.#options.limits.receiveTimeoutMs;
    const upload: Upload = { key, total, endsAt, parts: [], received: 0, timer: undefined };
    own.set(key.id, upload);
    this.#uploads.set(key.client, own);
    this.#await(upload);
    return upload;
  }

  /** Drops the upload if the next part does not come in time. */
  #await(upload: Upload): void {
    clearTimeout(upload.timer);
    const leftMs = Math.max(0, upload.endsAt - performance.now());
    upload.timer = setTimeout(
      () => this.#drop(upload),
      Math.min(this.#options.limits.receiveTimeoutMs, leftMs),
    );
    upload.timer.unref();
  }

  #drop(upload: Upload): void {
    this.#options.budget.release(upload.key.client, upload.received);
    this.#forget(upload);
  }

  #forget({ key: { client, id }, timer }: Upload): void {
    clearTimeout(timer);
    const own = this.#uploads.get(client);
    own?.delete(id);
    if (own?.size === 0) this.#uploads.delete(client);
  }
}

function refusal(code: RemoteErrorCode, text: string): PartOutcome {
  return { kind: 'refused', code, text };
}
