/**
 * The four messages between edge and server, as records. How they look as bytes: `message-format.ts` and,
 * normatively, docs/protocol.md.
 */

import type { FeatureSummary } from '@featherwire/codec';
import type { RemoteErrorCode } from './remote-error-codes.js';

/** Bytes of a bundle's digest that a request carries. */
export const DIGEST_PREFIX_BYTES = 8;

/** Largest number of tensors in one message. */
export const MAX_TENSORS = 255;

/** Largest text of an error message, in UTF-8 bytes. */
export const MAX_ERROR_TEXT_BYTES = 1024;

/** What every request says. */
interface RequestHead {
  /** 1 … 2^32 - 1, unique among the requests in flight on a connection. */
  readonly requestId: number;
  /** The first 8 bytes of the bundle's SHA-256 digest. */
  readonly bundlePrefix: Uint8Array;
  /**
   * Milliseconds from the request's last byte after which its answer is of no use, an integer in [0, 2^32); none by default.
   */
  readonly deadlineMs?: number;
  /** Whether outputs may come as lossless frames where these are smaller; false by default, and then left out. */
  readonly compactOutputs?: true;
}

/** A coded feature for a bundle's tail. */
export interface FeatureRequest extends RequestHead {
  readonly kind: 'feature-request';
  /** One self-contained frame for each cut tensor, in manifest order, 1 … 255; or one bundled frame for all. */
  readonly frames: readonly Uint8Array[];
  /** Of each cut tensor, in manifest order, for the server's watch on drift; none by default. */
  readonly statistics?: readonly FeatureSummary[];
}

/** A whole picture for a bundle's unsplit model. */
export interface PictureRequest extends RequestHead {
  readonly kind: 'picture-request';
  /** An encoded PNG, JPEG, WebP, AVIF, TIFF or GIF file. */
  readonly image: Uint8Array;
}

/** Wall times of a request's stages on the server, in milliseconds, each finite and not negative. */
export interface StageTimes {
  /** Waiting for a worker. */
  readonly queueMs: number;
  /** Decoding the frames, or the picture. */
  readonly decodeMs: number;
  /** Running the tail, or the whole model. */
  readonly tailMs: number;
  /** Encoding the outputs. */
  readonly respondMs: number;
  /** From the last byte of the request to the first of the response, the stages and what lies between them. */
  readonly totalMs: number;
}

/** The outputs of a request. */
export interface ResponseMessage {
  readonly kind: 'response';
  readonly requestId: number;
  readonly times: StageTimes;
  /** One codec frame with quantizer `none`, or `lossless` if the request allows it, for each output, in manifest order; 1 … 255. */
  readonly frames: readonly Uint8Array[];
}

/** Why there are no outputs. */
export interface ErrorMessage {
  readonly kind: 'error';
  /** The request's, or 0 if it could not be read. */
  readonly requestId: number;
  readonly code: RemoteErrorCode;
  /** True if the same request may succeed later. */
  readonly retryable: boolean;
  /** Milliseconds before which another attempt has no prospect, an integer in [0, 2^32); only if retryable. */
  readonly retryAfterMs?: number;
  /** One line for people, up to 1024 bytes of UTF-8. */
  readonly text: string;
}

/** Any message. */
export type Message = FeatureRequest | PictureRequest | ResponseMessage | ErrorMessage;

/**
 * The part of a bundle's digest that requests carry.
 * @param digest - SHA-256 in hexadecimal, 64 digits
 * @throws {RangeError} if it is anything else
 */
export function digestPrefix(digest: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(digest)) {
    throw new RangeError(`digest expected 64 hexadecimal digits, got '${digest}'`);
  }
  return Uint8Array.from({ length: DIGEST_PREFIX_BYTES }, (_, i) =>
    Number.parseInt(digest.slice(2 * i, 2 * i + 2), 16),
  );
}
