/** Samples as a network takes them: which input, and its tensor, with the pixels that "send the picture" would encode. */

import { type ImagePreprocessing, type Pixels, pixelsToTensor } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import type { SampleInput } from '../data/data-set.js';
import { pixelsOfInput, tensorOfInput } from '../data/preparation.js';

/** What a network wants of a sample. */
export interface InputRecipe {
  /** Name of its only input. */
  readonly input: string;
  /** Needed for pictures. */
  readonly preprocessing?: ImagePreprocessing | undefined;
}

/**
 * The recipe of a bundle, or of a network by itself.
 * @throws {RangeError} if the network has several inputs
 */
export function recipeOf({
  inputs,
  preprocessing,
}: {
  readonly inputs: readonly { readonly name: string }[];
  readonly preprocessing?: ImagePreprocessing | undefined;
}): InputRecipe {
  if (inputs.length === 1) return { input: preprocessing?.input ?? inputs[0].name, preprocessing };
  const names = inputs.map(({ name }) => name).join(', ');
  throw new RangeError(`inputs expected one, as data has, got ${inputs.length}: ${names}`);
}

/** A sample, ready for the network. */
export interface PreparedInput {
  readonly feeds: TensorMap;
  /** The picture in the size that the network takes; null if the data are tensors. */
  readonly pixels: Pixels | null;
}

/**
 * Makes the input tensor of a sample.
 * @throws {TypeError} if a picture comes without preprocessing; {DataSetError} as `pixelsOfInput`
 */
export async function prepareInput(
  input: SampleInput,
  { input: name, preprocessing }: InputRecipe,
): Promise<PreparedInput> {
  if (input.kind === 'tensor' || !preprocessing)
    return { feeds: { [name]: await tensorOfInput(input, preprocessing) }, pixels: null };
  const pixels = await pixelsOfInput(input, preprocessing);
  return { feeds: { [name]: pixelsToTensor(pixels, preprocessing) }, pixels };
}
