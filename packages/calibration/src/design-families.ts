/** The families that are tried for a cut, from its design samples and the sensitivities of its tail. */

import type { BlockSize } from '@featherwire/codec';
import type { CalibrationOptions } from './calibration.js';
import {
  channelFamily,
  deviationOf,
  type Family,
  levelsFamily,
  rangeFamily,
  spectralFamily,
  type TensorSamples,
  tensorSamples,
} from './families.js';
import type { CutFeature } from './feature-store.js';
import { channelAxisOf, type ProbedParts, probeParts } from './probed-parts.js';
import { spectralBasis } from './spectral-design.js';
import type { SplitSamples } from './split-samples.js';

const LAMBDAS = [0, 0.15];
const BLOCK_SIZES: readonly BlockSize[] = [1, 4, 8];
const SPECTRAL_POWERS = [
  { frequency: 0, channel: 0 },
  { frequency: 1, channel: 0 },
  { frequency: 1, channel: 0.5 },
];
const ELEMENT_POWERS = [{ frequency: 0, channel: 0.5 }];
const SPECTRAL_LAMBDA = 0.15;
/** Elements that ranges and tables are made from, about: more change little and every design goes through them. */
const DESIGN_ELEMENTS = 2 ** 20;
const MIN_DESIGN_SAMPLES = 4;

/** All families, those by sensitivities only where the outputs tell small errors. */
export async function familiesOf(samples: SplitSamples, options: CalibrationOptions): Promise<Family[]> {
  const { backend } = options;
  const cut = await designSamples(samples);
  const families: Family[] = [
    ...LAMBDAS.map((lambda) => rangeFamily(cut, lambda, backend)),
    levelsFamily(cut, backend),
  ];
  const isMap = cut.every(
    ({ samples: [{ shape }] }) => shape.length === 4 && Math.min(shape[2], shape[3]) > 1,
  );
  options.progress?.stage('measure what errors do to the output');
  const damage = await probeParts(samples, cut, isMap ? BLOCK_SIZES : [], options);
  if (!damage) return families;
  if (!isMap) {
    const channels = damage.map((own) => own.channels);
    const axes = cut.map(({ samples: [{ shape }] }) => channelAxisOf(shape));
    return [...families, channelFamily(cut, channels, axes, backend)];
  }
  for (const blockSize of BLOCK_SIZES) {
    if (!cut.every(({ samples: [{ shape }] }) => 2 * Math.min(shape[2], shape[3]) > blockSize)) continue;
    const bases = cut.map((tensor, i) =>
      spectralBasis(tensor.samples, blockSize, damageOf(damage[i], blockSize), deviationOf(tensor)),
    );
    for (const powers of blockSize === 1 ? ELEMENT_POWERS : SPECTRAL_POWERS)
      families.push(spectralFamily(cut, bases, powers, SPECTRAL_LAMBDA, backend));
  }
  return families;
}

/** The cut's tensors as the design samples show them. */
export async function designSamples({
  bench,
  parts,
  elementsPerSample,
}: SplitSamples): Promise<TensorSamples[]> {
  const most = Math.max(MIN_DESIGN_SAMPLES, Math.floor(DESIGN_ELEMENTS / elementsPerSample));
  const features: CutFeature[] = [];
  for (const sample of parts.design.slice(0, most)) features.push(await bench.features(sample));
  return bench.tensorNames.map((_, i) => tensorSamples(features.map((feature) => feature[i])));
}

function damageOf(
  { frequencies, channels }: ProbedParts,
  blockSize: BlockSize,
): { frequencies: Float64Array; channels: Float64Array } {
  return { frequencies: frequencies.get(blockSize)!, channels };
}
