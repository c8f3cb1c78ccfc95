/** Subjects and headers of what gateways and workers say to each other (docs/protocol.md §8.4). */

const PREFIX = 'featherwire.v1';

/** Workers of one bundle share its requests as this queue group. */
export const QUEUE_GROUP = 'tails';

/** Asks every worker what it serves. */
export const BUNDLES_SUBJECT = `${PREFIX}.bundles`;

/** Where the requests of a bundle go. @param key - first 8 bytes of its digest, in lower-case hexadecimal */
export function requestSubject(key: string): string {
  return `${PREFIX}.tail.${key}`;
}

/** Where the further parts of a long request go, once a worker has accepted it. */
export function partsSubject(worker: string): string {
  return `${PREFIX}.worker.${worker}.parts`;
}

/** Asks a worker which of some requests it does not have. */
export function probeSubject(worker: string): string {
  return `${PREFIX}.worker.${worker}.probe`;
}

/** Names of headers. */
export const HEADERS = Object.freeze({
  /** Of a request: whose it is, percent-encoded. */
  client: 'Featherwire-Client',
  /** Of a request or an answer in parts: bytes of all of them. */
  bytes: 'Featherwire-Bytes',
  /** Of a further part of a request: the reply subject of its first part. */
  attempt: 'Featherwire-Attempt',
  /** Of a request: what it is part of, as W3C Trace Context has it. */
  traceparent: 'traceparent',
  /** Of an acceptance: the worker. */
  worker: 'Featherwire-Worker',
});
