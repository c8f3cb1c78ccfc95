/** Tensors of a body as tensor records, or as strings of bytes, whichever way they travelled. */

import type { Tensor } from '@featherwire/tensor';
import { stringsFromBytes, tensorFromBytes } from './binary-data.js';
import { BYTES_DATATYPE, dtypeOf } from './datatypes.js';
import type { WireTensor } from './inference-body.js';
import { stringsFromJson, tensorFromJson } from './json-data.js';
import { WireError } from './wire-error.js';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads elements. @throws {WireError} if they are not of the datatype, or not as many as the shape says */
export function readTensor({ name, shape, datatype, content }: WireTensor): Tensor {
  const what = `'${name}'`;
  const dtype = dtypeOf(datatype);
  if (dtype === undefined) throw new WireError(`${what} expected a datatype of numbers, got '${datatype}'`);
  return content.kind === 'binary'
    ? tensorFromBytes(what, dtype, shape, content.bytes)
    : tensorFromJson(what, dtype, shape, content.data);
}

/** Reads strings of bytes; in JSON they are base64 (RFC 4648 §4), since its strings hold text. @throws {WireError} as `readTensor` */
export function readByteStrings({ name, shape, datatype, content }: WireTensor): Uint8Array[] {
  const what = `'${name}'`;
  if (datatype !== BYTES_DATATYPE)
    throw new WireError(`${what} expected datatype ${BYTES_DATATYPE}, got '${datatype}'`);
  if (content.kind === 'binary') return stringsFromBytes(what, shape, content.bytes);
  return stringsFromJson(what, shape, content.data).map((text) => {
    if (!BASE64.test(text)) throw new WireError(`${what} expected base64, got something else`);
    return new Uint8Array(Buffer.from(text, 'base64'));
  });
}
