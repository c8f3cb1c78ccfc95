/**
 * What the same cut takes without a trained unit: cosine blocks of principal components of the channels, rate-distortion
 * optimized, under the adaptive binary coder. Basis and largest value are those of training inputs.
 */
import {
  addChannelMoments,
  createChannelMoments,
  designChannelBasis,
  designTensorProfile,
} from '@featherwire/codec';
import { itemsOf } from './classes.mjs';

const BLOCK_SIZE = 8;
/** More than any coefficient of these steps has. */
const LEVELS = 2047;
const LAMBDA = 0.1;
const DESIGN_ITEMS = 320;

/**
 * One coding for each step.
 * @param training - features of training inputs, from `featuresOf`
 * @param steps - of coefficients, in parts of the largest value
 */
export function trainingFreeCodings({ training, shape, steps, backend }) {
  const features = training.feature([...Array(DESIGN_ITEMS).keys()], shape);
  const seen = Array.from({ length: DESIGN_ITEMS }, (_, row) => itemsOf(features, row));
  const moments = createChannelMoments(shape[0]);
  for (const { data, shape: own } of seen) addChannelMoments(moments, data, own);
  const basis = designChannelBasis(moments);
  const largest = features.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return steps.map((step) => {
    const quantizer = {
      kind: 'blocks',
      blockSize: BLOCK_SIZE,
      step: step * largest,
      levelCount: LEVELS,
      basis,
    };
    const profile = { tensors: [designTensorProfile(seen, { quantizer, backend })] };
    return { name: `steps of ${step}`, lambda: LAMBDA, profile };
  });
}
