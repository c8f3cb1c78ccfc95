/** A profile of bundled frames. */

import { type ContextModel, readProfile, type StaticCoder, type TensorProfile } from '@featherwire/codec';
import { formatExactBytes, formatShape } from '../terminal/units.js';
import { type InspectReport, numberColumn } from './report.js';

/** Describes a profile. @throws {BitstreamError} if it is none */
export function inspectProfile(bytes: Uint8Array): InspectReport {
  const { tensors } = readProfile(bytes);
  return {
    title: 'featherwire profile',
    pairs: [
      ['size', formatExactBytes(bytes.length)],
      ['tensors', String(tensors.length)],
    ],
    tables: [
      {
        columns: [
          { header: 'type' },
          { header: 'shape' },
          { header: 'quantizer' },
          numberColumn('levels'),
          { header: 'static coder' },
        ],
        rows: tensors.map((tensor) => [
          tensor.dtype,
          formatShape(tensor.shape.map((dimension) => dimension ?? '*')),
          tensor.quantizer.kind,
          String(levelCountOf(tensor)),
          describeCoder(tensor.coder),
        ]),
      },
    ],
    record: { kind: 'profile', byteLength: bytes.length, tensors },
  };
}

/** The static coder of a profile's tensor, in words. */
export function describeCoder(coder: StaticCoder | null): string {
  if (!coder) return 'none';
  switch (coder.kind) {
    case 'rans':
      return `rans, table of ${coder.table.precisionBits} bits`;
    case 'rans-packed':
      return `rans of packed symbols, table of ${coder.table.precisionBits} bits`;
    case 'rans-contexts':
      return contextsOf(coder.model);
    default:
      return coder satisfies never;
  }
}

function contextsOf({ classOfChannel, slotBits }: ContextModel): string {
  const classes = new Set(classOfChannel).size;
  const inClasses = classes === 1 ? '1 class' : `${classes} classes`;
  return `rans with contexts, ${classOfChannel.length} channels in ${inClasses}, ${2 ** slotBits} slots`;
}

/** Levels of a profile's tensor. */
export function levelCountOf({ quantizer }: TensorProfile): number {
  switch (quantizer.kind) {
    case 'affine':
      return quantizer.affine.levelCount;
    case 'levels':
      return quantizer.levels.length;
    case 'grouped':
      return quantizer.grouped.levelCount;
    case 'blocks':
      return quantizer.blocks.levelCount;
    case 'spectral':
      return quantizer.spectral.levelCount;
    case 'integer':
      return quantizer.levelCount;
    default:
      return quantizer satisfies never;
  }
}
