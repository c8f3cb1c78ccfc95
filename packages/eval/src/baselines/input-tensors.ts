/**
 * "Send the input" where it is no picture: token numbers and other arrays, whole and in the narrowest form, by a general compressor
 * or none. Shape and element type are those that the network declares.
 */

import { bytesOfData, type Tensor } from '@featherwire/tensor';
import { compressionOf, type GeneralCompressor } from './general-compression.js';

/** Arrays as they arrive, and what they took. */
export interface CodedInputTensors {
  readonly decoded: readonly Tensor[];
  /** Of each. */
  readonly bytes: readonly number[];
  /** Wall time for all. */
  readonly encodeMs: number;
  readonly decodeMs: number;
}

/** Unsigned integers by their width in bytes, narrowest first. */
const NARROW = [Uint8Array, Uint16Array, Uint32Array] as const;
/** In place of a width: elements as they are. */
const AS_THEY_ARE = 0;

/**
 * Codes arrays one by one and decodes them from the bytes. A first byte says how wide the elements are: integers that are not
 * negative take as few bytes as the largest needs.
 */
export async function codeInputTensors(
  tensors: readonly Tensor[],
  compressor: GeneralCompressor | undefined,
): Promise<CodedInputTensors> {
  const { compress, decompress } = compressionOf(compressor);
  const decoded: Tensor[] = [];
  const bytes: number[] = [];
  let [encodeMs, decodeMs] = [0, 0];
  for (const each of tensors) {
    const start = performance.now();
    const coded = await compress(packed(each));
    const encodedAt = performance.now();
    decoded.push(unpacked(Uint8Array.from(await decompress(coded)), each));
    decodeMs += performance.now() - encodedAt;
    encodeMs += encodedAt - start;
    bytes.push(coded.length);
  }
  return { decoded, bytes, encodeMs, decodeMs };
}

function packed({ dtype, data }: Tensor): Uint8Array {
  const values = Array.from<number | bigint, number>(data, Number);
  const Narrow = dtype.includes('int') ? narrowest(values) : undefined;
  const content = bytesOfData(Narrow ? new Narrow(values) : data);
  return Uint8Array.from([Narrow?.BYTES_PER_ELEMENT ?? AS_THEY_ARE, ...content]);
}

function narrowest(values: readonly number[]): (typeof NARROW)[number] | undefined {
  return NARROW.find(({ BYTES_PER_ELEMENT }) => {
    const last = 2 ** (8 * BYTES_PER_ELEMENT) - 1;
    return values.every((value) => value >= 0 && value <= last);
  });
}

/** @param like - has type and shape; its elements are not read */
function unpacked(bytes: Uint8Array, like: Tensor): Tensor {
  const { buffer } = bytes.slice(1);
  const Narrow = NARROW.find(({ BYTES_PER_ELEMENT }) => BYTES_PER_ELEMENT === bytes[0]);
  const Data = like.data.constructor as new (content: ArrayBuffer | number) => Tensor['data'];
  if (!Narrow) return { ...like, data: new Data(buffer) } as Tensor;
  const values = new Narrow(buffer);
  const data = new Data(values.length);
  for (const [i, value] of values.entries()) data[i] = typeof data[i] === 'bigint' ? BigInt(value) : value;
  return { ...like, data } as Tensor;
}
