/** A frame, byte by byte. */

import { inspectFrame } from '@featherwire/codec';
import { formatCount, formatExactBytes, formatShape } from '../terminal/units.js';
import { hexOf } from './recognize.js';
import { type InspectReport, numberColumn } from './report.js';

/** Bytes of a field that the table shows; JSON has them too, and no more. */
const SHOWN_BYTES = 8;

/**
 * Describes a frame. Nothing is allocated for its elements, so no limit is set on them.
 * @throws {BitstreamError} if it is not one
 */
export function inspectFrameBytes(bytes: Uint8Array): InspectReport {
  const frame = inspectFrame(bytes, {
    limits: { maxElements: Number.MAX_SAFE_INTEGER },
  });
  const { dtype, shape, quantizer, coder, layout, byteLength, elementCount } = frame;
  const bitsPerElement = elementCount === 0 ? null : (8 * byteLength) / elementCount;
  const fields = frame.fields.map((field) => ({
    ...field,
    firstBytes: hexOf(bytes.subarray(field.byteOffset, field.byteOffset + field.byteLength), SHOWN_BYTES),
  }));
  return {
    title: 'featherwire frame',
    pairs: [
      ['tensor', `${dtype} ${formatShape(shape)}, ${formatCount(elementCount)} elements`],
      ['size', formatExactBytes(byteLength)],
      ['bits per element', bitsPerElement === null ? '-' : bitsPerElement.toFixed(3)],
      ['quantizer', quantizer.kind],
      ['entropy coder', coder],
      ['layout', layout],
    ],
    tables: [
      {
        columns: [
          numberColumn('offset'),
          numberColumn('length'),
          { header: 'section' },
          { header: 'field' },
          { header: 'value' },
          { header: 'bytes' },
        ],
        rows: fields.map(({ byteOffset, byteLength: length, section, field, value, firstBytes }) => [
          formatCount(byteOffset),
          formatCount(length),
          section,
          field,
          value,
          firstBytes,
        ]),
      },
    ],
    record: {
      kind: 'frame',
      dtype,
      shape,
      elementCount,
      byteLength,
      bitsPerElement,
      quantizer,
      coder,
      layout,
      fields,
    },
  };
}
