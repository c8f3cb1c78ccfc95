/**
 * Frame to tensor: knows the order of the stages on the way in (bitstream.md §1). Lengths and limits are
 * checked before anything is allocated, the checksum before anything is decoded.
 */

import { bytesPerElement, dataFromBytes, type Tensor, type TensorData } from '@featherwire/tensor';
import type { Backend } from './backend/backend.js';
import { ByteReader, type FrameField } from './bitstream/byte-reader.js';
import { crc32 } from './bitstream/crc32.js';
import {
  DEFAULT_DECODE_LIMITS,
  type DecodeLimits,
  type FrameHeader,
  headerElementCount,
  readHeader,
} from './container/header.js';
import { BitstreamError } from './errors.js';
import { dataOfValues, geometryOfShape } from './feature.js';
import { decodeIndexSection, type IndexSection, readIndexSection } from './index-section.js';
import { decodePlanes } from './planes-decoder.js';
import { type PlanesSection, readPlanes } from './planes-section.js';
import { alphabetOfQuantizer, type IndexingQuantizer } from './quantizer/alphabet.js';
import { dequantizeGroups } from './quantizer/channel-groups.js';
import type { CodedIndices, Indices, Layout } from './stages.js';

/** How a frame is decoded. Nothing of the coding itself: a frame describes itself. */
export interface DecodeOptions {
  /** Runs the hot stages; the result does not depend on it. */
  readonly backend: Backend;
  readonly limits?: Partial<DecodeLimits>;
}

/** What stands in a frame, found without decoding its payload. */
export interface FrameDescription extends FrameHeader {
  readonly byteLength: number;
  readonly elementCount: number;
  /** `none` where nothing follows the quantizer; `planes` have a coder each, as the fields say. */
  readonly coder: 'none' | 'stored' | 'planes' | CodedIndices['kind'];
  readonly layout: Layout;
  /** Every field in order; they cover all bytes. */
  readonly fields: readonly FrameField[];
}

/**
 * Decodes a self-contained frame.
 * @param frame - one whole frame; not kept
 * @returns a tensor that owns its data
 * @throws {BitstreamError} on anything else than a frame within the limits, and nothing but that
 */
export function decodeFrame(frame: Uint8Array, options: DecodeOptions): Tensor {
  const { header, body } = parseFrame(frame, options.limits);
  const data = decodeBody(header, body, options.backend);
  return { dtype: header.dtype, shape: header.shape, data } as Tensor;
}

/**
 * Describes a frame after checking its structure and checksum.
 * @throws {BitstreamError} as `decodeFrame` does, but for defects inside the payload
 */
export function inspectFrame(frame: Uint8Array, limits?: Partial<DecodeLimits>): FrameDescription {
  const fields: FrameField[] = [];
  const { header, body } = parseFrame(frame, limits, fields);
  return {
    ...header,
    byteLength: frame.length,
    elementCount: headerElementCount(header),
    ...codingOf(body),
    fields,
  };
}

type FrameBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'stored'; readonly bytes: Uint8Array }
  | { readonly kind: 'planes'; readonly section: PlanesSection; readonly payloadOffset: number }
  | {
      readonly kind: 'indices';
      readonly section: IndexSection;
      readonly payloadOffset: number;
      readonly quantizer: IndexingQuantizer;
    };

function codingOf(body: FrameBody): Pick<FrameDescription, 'coder' | 'layout'> {
  if (body.kind !== 'indices') return { coder: body.kind, layout: 'dense' };
  const { section } = body;
  return section.kind === 'sparse'
    ? { coder: 'rans', layout: section.layout }
    : { coder: section.kind, layout: 'dense' };
}

function parseFrame(
  frame: Uint8Array,
  limits: Partial<DecodeLimits> = {},
  fields?: FrameField[],
): { header: FrameHeader; body: FrameBody } {
  const reader = new ByteReader(frame, fields);
  const header = readHeader(reader, { ...DEFAULT_DECODE_LIMITS, ...limits });
  const body = readBody(reader, header);
  reader.section = 'checksum';
  const computed = crc32(reader.bytesSince(0));
  const stored = reader.readUint32();
  if (stored !== computed) {
    throw reader.error(
      'checksum-mismatch',
      `${hex(computed)} expected, got ${hex(stored)}`,
      reader.offset - 4,
    );
  }
  reader.note('CRC-32', hex(stored));
  if (reader.remaining > 0) throw reader.error('trailing-bytes', `${reader.remaining} bytes after the frame`);
  return { header, body };
}

function readBody(reader: ByteReader, header: FrameHeader): FrameBody {
  const count = headerElementCount(header);
  const { quantizer } = header;
  if (quantizer.kind === 'constant') return { kind: 'none' };
  reader.section = 'payload';
  if (quantizer.kind === 'none') {
    const bytes = reader.readBytes(count * bytesPerElement(header.dtype));
    if (count > 0) reader.note('elements', `${count} of ${header.dtype}`);
    return { kind: 'stored', bytes };
  }
  const payloadOffset = reader.offset;
  if (quantizer.kind === 'planes') {
    return { kind: 'planes', section: readPlanes(reader, header.dtype, header.shape), payloadOffset };
  }
  const section = readIndexSection(reader, count, alphabetOfQuantizer(quantizer));
  return { kind: 'indices', section, payloadOffset, quantizer };
}

function decodeBody(header: FrameHeader, body: FrameBody, backend: Backend): TensorData {
  const { dtype, quantizer } = header;
  const count = headerElementCount(header);
  switch (body.kind) {
    case 'stored':
      return dataFromBytes(dtype, body.bytes);
    case 'none':
      return dataOfValues(
        dtype,
        new Float32Array(count).fill(quantizer.kind === 'constant' ? quantizer.value : 0),
      );
    case 'planes': {
      const data = decodePlanes(body.section, dtype, header.shape, backend);
      if (typeof data === 'string')
        throw new BitstreamError('payload-mismatch', 'payload', body.payloadOffset, data);
      return data;
    }
    case 'indices': {
      const indices = decodeIndexSection(
        body.section,
        geometryOfShape(header.shape),
        alphabetOfQuantizer(body.quantizer),
        backend,
      );
      if (typeof indices === 'string') {
        throw new BitstreamError('payload-mismatch', 'payload', body.payloadOffset, indices);
      }
      return dataOfIndices(header, body.quantizer, indices, backend);
    }
    default:
      return body satisfies never;
  }
}

function dataOfIndices(
  header: FrameHeader,
  quantizer: IndexingQuantizer,
  indices: Indices,
  backend: Backend,
): TensorData {
  const { dtype, shape } = header;
  switch (quantizer.kind) {
    case 'affine':
      return dataOfValues(dtype, backend.dequantize(indices, quantizer.affine));
    case 'levels':
      // Alphabets of up to 256 levels have indices of 8 bits.
      return dataOfValues(dtype, backend.lookUpLevels(indices as Uint8Array, quantizer.levels));
    case 'grouped':
      return dataOfValues(dtype, dequantizeGroups(indices, shape, quantizer.grouped, backend));
    case 'integer': {
      const data = dtype === 'int8' ? new Int8Array(indices.length) : new Uint8Array(indices.length);
      for (let i = 0; i < data.length; i++) data[i] = quantizer.lowest + indices[i];
      return data;
    }
    default:
      return quantizer satisfies never;
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0');
}
