/**
 * The short way of a bundled frame: float32 values under levels at equal distance and a static table are quantized and
 * coded in one call of the backend, without indices in between. Encoding only.
 */

import type { Tensor } from '@featherwire/tensor';
import type { Backend, ValueCoding } from '../backend/backend.js';
import { encodeInFewLanes } from '../entropy/encode-packed.js';
import { chooseLaneCount } from '../entropy/rans.js';
import { estimateSymbolBits } from '../entropy/table-design.js';
import { refuseNaN } from '../feature/quantize-feature.js';
import type { SectionCoding } from '../indices/layout-choice.js';
import type { TensorProfile } from '../profile/coding-profile.js';
import { alphabetOfQuantizer } from '../quantizer/alphabet.js';
import type { CodedIndices, RansPayload } from '../stages.js';

/**
 * The section that quantizing and coding one after the other give, if there is a short way to it.
 * @param feature - as the profile says
 * @returns undefined if there is none
 * @throws {RangeError} if the feature holds NaN
 */
export function encodeStaticValues(
  { dtype, data }: Tensor,
  { quantizer, coder }: TensorProfile,
  { coder: otherCoder, layout = 'auto', laneCount }: SectionCoding,
  backend: Backend,
): CodedIndices | undefined {
  const isStatic = otherCoder === undefined && (layout === 'auto' || layout === 'dense');
  if (!isStatic || laneCount !== undefined || dtype !== 'float32') return undefined;
  if (quantizer.kind !== 'affine' || !coder || coder.kind === 'rans-contexts') return undefined;
  const { kind } = coder;
  const { background } = alphabetOfQuantizer(quantizer);
  const coding: ValueCoding = { kind, quantizer: quantizer.affine, background, table: coder.table };
  const encode = (lanes: Parameters<Backend['encodeValues']>[2]): RansPayload => {
    const payload = backend.encodeValues(data, coding, lanes);
    if (!payload) refuseNaN(data, backend.measureRange(data));
    return payload!;
  };
  const payload =
    kind === 'rans-packed'
      ? encodeInFewLanes(encode)
      : encode((counts, table) => chooseLaneCount(estimateSymbolBits(counts, table) / 8));
  return { kind: 'static', coder, payload };
}
