/**
 * The short way of a bundled frame: float32 values under levels at equal distance and a static table are quantized and
 * coded in one call of the backend, without indices in between. Encoding only.
 */

import type { DType } from '@featherwire/tensor';
import type { Backend, LaneChoice, ValueCoding } from '../backend/backend.js';
import { encodeInFewLanes } from '../entropy/encode-packed.js';
import { chooseLaneCount } from '../entropy/rans.js';
import { estimateSymbolBits } from '../entropy/table-design.js';
import { refuseNaN } from '../feature/quantize-feature.js';
import type { SectionCoding } from '../indices/layout-choice.js';
import type { TensorProfile } from '../profile/coding-profile.js';
import { alphabetOfQuantizer } from '../quantizer/alphabet.js';
import type { CodedIndices, RansPayload, StaticCoder } from '../stages.js';

/** What float32 values are quantized and coded by in one call; structured cloning keeps it. */
export interface StaticValueCoding {
  readonly quantizer: ValueCoding['quantizer'];
  readonly background: number;
  readonly coder: Exclude<StaticCoder, { kind: 'rans-contexts' }>;
}

/** How the tensor of a profile is coded the short way; undefined if there is none. */
export function staticValueCoding(
  dtype: DType,
  { quantizer, coder }: TensorProfile,
  { coder: otherCoder, layout = 'auto', laneCount }: SectionCoding,
): StaticValueCoding | undefined {
  const isStatic = otherCoder === undefined && (layout === 'auto' || layout === 'dense');
  if (!isStatic || laneCount !== undefined || dtype !== 'float32') return undefined;
  if (quantizer.kind !== 'affine' || !coder || coder.kind === 'rans-contexts') return undefined;
  const { background } = alphabetOfQuantizer(quantizer);
  return { quantizer: quantizer.affine, background, coder };
}

/**
 * The section that quantizing and coding one after the other give.
 * @param values - of a chunk, at least one
 * @param all - of the whole feature
 * @throws {RangeError} with the place of the first among all if a value is NaN
 */
export function sectionOfValues(
  values: Float32Array,
  { quantizer, background, coder }: StaticValueCoding,
  all: Float32Array,
  backend: Backend,
): CodedIndices {
  const coding: ValueCoding = { kind: coder.kind, quantizer, background, table: coder.table };
  const encode = (lanes: LaneChoice): RansPayload => {
    const payload = backend.encodeValues(values, coding, lanes);
    if (!payload) refuseNaN(all, backend.measureRange(all));
    return payload!;
  };
  const payload =
    coder.kind === 'rans-packed'
      ? encodeInFewLanes(encode)
      : encode((counts, table) => chooseLaneCount(estimateSymbolBits(counts, table) / 8));
  return { kind: 'static', coder, payload };
}
