/**
 * Which of many cuts are worth measuring, by a cheap estimate: times from the profiles, bytes from an assumed rate. These
 * figures choose what is measured and stand in no column with measured ones.
 */

import type { LinkProfile } from '@featherwire/link';

/** A legal cut with the times of its sides. */
export interface CutToRate {
  /** Names of the tensors that cross. */
  readonly tensors: readonly string[];
  /** Elements of all of them. */
  readonly elements: number;
  readonly headMacs: number | null;
  /** On the device, from its profile. */
  readonly headMs: number;
  /** On the server, from its profile. */
  readonly tailMs: number;
}

/** A cut with its estimate. */
export interface CutEstimate extends CutToRate {
  readonly estimatedBytes: number;
  /** Head, link and tail; coding is left out. */
  readonly estimatedTotalMs: number;
}

/** Bits that an element is taken to need: what features of many networks cost at a point of loss lies around it. */
export const ASSUMED_BITS_PER_ELEMENT = 1;

/** Cuts of equally many elements whose heads differ by at most this share of the network are alike. */
const ALIKE_SHARE = 0.03;

/**
 * The cuts with the smallest estimated totals, of cuts that are alike only one.
 * @param cuts - in the order of computation
 * @param count - at most as many are given
 * @returns the most promising first
 */
export function shortlistCuts(
  cuts: readonly CutToRate[],
  link: Pick<LinkProfile, 'uplinkMbps' | 'roundTripMs'>,
  count: number,
): CutEstimate[] {
  return withoutAlike(cuts)
    .map((cut) => estimate(cut, link))
    .sort((a, b) => a.estimatedTotalMs - b.estimatedTotalMs)
    .slice(0, count);
}

/** Of cuts that are alike the last one stays: an activation behind a convolution makes values that are coded in fewer bits. */
function withoutAlike(cuts: readonly CutToRate[]): CutToRate[] {
  return cuts.filter(
    (cut, at) =>
      !cuts.slice(at + 1).some((later) => {
        const difference = Math.abs(later.headMs - cut.headMs);
        return later.elements === cut.elements && difference <= ALIKE_SHARE * (cut.headMs + cut.tailMs);
      }),
  );
}

function estimate(
  cut: CutToRate,
  { uplinkMbps, roundTripMs }: Pick<LinkProfile, 'uplinkMbps' | 'roundTripMs'>,
): CutEstimate {
  const estimatedBytes = Math.ceil((cut.elements * ASSUMED_BITS_PER_ELEMENT) / 8);
  const linkMs = roundTripMs + (8 * estimatedBytes) / (1000 * uplinkMbps);
  return { ...cut, estimatedBytes, estimatedTotalMs: cut.headMs + linkMs + cut.tailMs };
}
