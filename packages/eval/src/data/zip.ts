/**
 * Zip archives, stored or deflated (APPNOTE.TXT 6.3, sections 4.3 and 4.4). Sizes are taken from the central directory,
 * checked against limits before anything is allocated, and each member's length and CRC-32 are checked after. Zip64,
 * encryption and multiple volumes are refused.
 */

import { crc32, inflateRawSync } from 'node:zlib';
import { DataSetError } from './data-set.js';

/** Limits on what an archive may unpack to; all inclusive. */
export interface ZipLimits {
  /** Members of the archive. */
  readonly maxMembers: number;
  /** Sum of the unpacked sizes of all members. */
  readonly maxBytes: number;
}

/** Limits for archives that fit in memory: 1,024 members, 2 GiB. */
export const DEFAULT_ZIP_LIMITS: ZipLimits = Object.freeze({ maxMembers: 1024, maxBytes: 2 ** 31 });

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const CENTRAL_SIGNATURE = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const FLAG_ENCRYPTED = 1;
const METHOD_STORED = 0;
const METHOD_DEFLATED = 8;

/** A file of an archive, not unpacked yet. */
interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  readonly localOffset: number;
}

/**
 * Unpacks all files of an archive.
 * @param bytes - the whole archive; stored members are views of it
 * @returns contents by name
 * @throws {DataSetError} `invalid-data` on anything but a whole archive, or if a name comes twice; `over-limit`
 */
export function readZip(bytes: Uint8Array, limits: Partial<ZipLimits> = {}): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const member of readDirectory(bytes, { ...DEFAULT_ZIP_LIMITS, ...limits })) {
    if (files.has(member.name)) throw invalid(`member expected once, got ${member.name} twice`);
    files.set(member.name, readMember(bytes, member));
  }
  return files;
}

/** The central directory, with the sum of sizes checked before any member is unpacked. */
function readDirectory(bytes: Uint8Array, limits: ZipLimits): ZipMember[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const start = view.getUint32(end + 16, true);
  const disks = view.getUint32(end + 4, true); // number of this volume, and of the directory's
  if (disks !== 0 || view.getUint16(end + 8, true) !== count) throw invalid('volumes expected 1, got more');
  if (count > limits.maxMembers) {
    throw new DataSetError('over-limit', `zip expected at most ${limits.maxMembers} members, got ${count}`);
  }
  const members: ZipMember[] = [];
  let total = 0;
  let at = start;
  for (let i = 0; i < count; i++) {
    const { member, next } = readCentralEntry(view, at, end);
    total += member.unpackedBytes;
    if (total > limits.maxBytes) {
      throw new DataSetError(
        'over-limit',
        `zip expected at most ${limits.maxBytes} unpacked bytes, got ${total}`,
      );
    }
    members.push(member);
    at = next;
  }
  if (at !== end) throw invalid(`directory expected to end at ${end}, got ${at}`);
  return members;
}

/** Position of the end record; a comment may follow it. */
function findEnd(view: DataView): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    if (view.getUint32(at, true) === END_SIGNATURE && view.getUint16(at + 20, true) === last - at) return at;
  }
  throw invalid('zip end record expected, got none');
}

function readCentralEntry(view: DataView, at: number, end: number): { member: ZipMember; next: number } {
  if (at + CENTRAL_BYTES > end || view.getUint32(at, true) !== CENTRAL_SIGNATURE) {
    throw invalid(`directory entry expected at ${at}, got other bytes`);
  }
  if (view.getUint16(at + 8, true) & FLAG_ENCRYPTED) throw invalid('member expected plain, got encrypted');
  const nameBytes = view.getUint16(at + 28, true);
  const next = at + CENTRAL_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  if (next > end) throw invalid(`directory entry expected to end by ${end}, got ${next}`);
  const name = new Uint8Array(view.buffer, view.byteOffset + at + CENTRAL_BYTES, nameBytes);
  const member = {
    name: new TextDecoder().decode(name),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packedBytes: view.getUint32(at + 20, true),
    unpackedBytes: view.getUint32(at + 24, true),
    localOffset: view.getUint32(at + 42, true),
  };
  return { member, next };
}

function readMember(bytes: Uint8Array, member: ZipMember): Uint8Array {
  const { name, method, packedBytes, unpackedBytes, crc } = member;
  const packed = packedBody(bytes, member);
  if (method !== METHOD_STORED && method !== METHOD_DEFLATED) {
    throw invalid(`${name} expected stored or deflated, got method ${method}`);
  }
  if (method === METHOD_STORED && packedBytes !== unpackedBytes) {
    throw invalid(`${name} expected ${unpackedBytes} stored bytes, got ${packedBytes}`);
  }
  const body = method === METHOD_STORED ? packed : inflate(packed, member);
  if (body.byteLength !== unpackedBytes) {
    throw invalid(`${name} expected ${unpackedBytes} bytes, got ${body.byteLength}`);
  }
  if (crc32(body) !== crc) throw invalid(`${name} expected another CRC-32: its bytes are damaged`);
  return body;
}

/** The local header repeats the directory; only its variable lengths are needed. */
function packedBody(bytes: Uint8Array, { name, localOffset, packedBytes }: ZipMember): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (localOffset + LOCAL_BYTES > bytes.byteLength || view.getUint32(localOffset, true) !== LOCAL_SIGNATURE) {
    throw invalid(`${name} expected a header at ${localOffset}, got other bytes`);
  }
  const start =
    localOffset +
    LOCAL_BYTES +
    view.getUint16(localOffset + 26, true) +
    view.getUint16(localOffset + 28, true);
  if (start + packedBytes > bytes.byteLength) {
    throw invalid(`${name} expected ${packedBytes} bytes from ${start}, got the end of the file`);
  }
  return bytes.subarray(start, start + packedBytes);
}

/** Never unpacks more than the directory says, so a small member cannot fill the memory. */
function inflate(packed: Uint8Array, { name, unpackedBytes }: ZipMember): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, unpackedBytes) });
  } catch (cause) {
    throw new DataSetError(
      'invalid-data',
      `${name} expected ${unpackedBytes} deflated bytes: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

function invalid(message: string): DataSetError {
  return new DataSetError('invalid-data', `zip: ${message}`);
}
