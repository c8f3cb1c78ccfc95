/** A frame, byte by byte. */

import { type CodingProfile, inspectFrame, type TensorDescription } from '@featherwire/codec';
import { formatCount, formatExactBytes, formatShape } from '../terminal/units.js';
import { hexOf } from './recognize.js';
import { type InspectReport, numberColumn } from './report.js';

/** Bytes of a field that the table shows; JSON has them too, and no more. */
const SHOWN_BYTES = 8;

/**
 * Describes a frame. Nothing is allocated for its elements, so no limit is set on them.
 * @param profiles - of bundled frames, by operating point
 * @throws {BitstreamError} if it is not one
 */
export function inspectFrameBytes(
  bytes: Uint8Array,
  profiles: ReadonlyMap<number, CodingProfile>,
): InspectReport {
  const frame = inspectFrame(bytes, {
    limits: { maxElements: Number.MAX_SAFE_INTEGER },
    profiles,
  });
  const { byteLength, bundled, digest, tensors } = frame;
  const elementCount = tensors.reduce((sum, tensor) => sum + tensor.elementCount, 0);
  const bitsPerElement = elementCount === 0 ? null : (8 * byteLength) / elementCount;
  const fields = frame.fields.map((field) => ({
    ...field,
    firstBytes: hexOf(bytes.subarray(field.byteOffset, field.byteOffset + field.byteLength), SHOWN_BYTES),
  }));
  return {
    title: 'featherwire frame',
    pairs: [
      ...(bundled
        ? ([['operating point', `${bundled.point}, frame ${bundled.sequenceNumber}`]] as const)
        : []),
      ['size', formatExactBytes(byteLength)],
      ['bits per element', bitsPerElement === null ? '-' : bitsPerElement.toFixed(3)],
      ...tensors.flatMap(describeTensor),
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
      ...tensors[0],
      elementCount,
      byteLength,
      bitsPerElement,
      bundled,
      digest,
      tensors,
      fields,
    },
  };
}

function describeTensor(tensor: TensorDescription): [string, string][] {
  const { dtype, shape, elementCount, quantizer, coder, layout, chunkCount } = tensor;
  return [
    ['tensor', `${dtype} ${formatShape(shape)}, ${formatCount(elementCount)} elements`],
    ['quantizer', quantizer.kind],
    ['entropy coder', chunkCount > 1 ? `${coder}, ${chunkCount} chunks` : coder],
    ['layout', layout],
  ];
}
