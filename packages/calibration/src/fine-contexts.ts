/**
 * Fine context models for codings that are chosen: the same indices in fewer bytes. Designing them takes too long for every
 * coding that a search looks at.
 */

import { type Backend, encodeBundledFrame, withFineContexts } from '@featherwire/codec';
import type { Coding, TensorSamples } from './families.js';

/**
 * The coding with fine models where it has context models, if frames of the design samples get smaller.
 * @param cut - the design samples, tensor by tensor as in the profile
 */
export function refineCoding(coding: Coding, cut: readonly TensorSamples[], backend: Backend): Coding {
  const { profile, lambda } = coding;
  const tensors = profile.tensors.map((tensor, i) =>
    tensor.coder?.kind === 'rans-contexts'
      ? withFineContexts(tensor, cut[i].samples, { lambda, backend })
      : tensor,
  );
  const refined: Coding = { lambda, profile: { ...profile, tensors } };
  return bytesOf(refined, cut, backend) < bytesOf(coding, cut, backend) ? refined : coding;
}

/** Bytes of the frames of all design samples. */
function bytesOf({ profile, lambda }: Coding, cut: readonly TensorSamples[], backend: Backend): number {
  return cut[0].samples.reduce((sum, _, sample) => {
    const features = cut.map(({ samples }) => samples[sample]);
    const options = { profile, lambda, point: 0, sequenceNumber: sample, backend };
    return sum + encodeBundledFrame(features, options).length;
  }, 0);
}
