/** The families that are tried for a cut, from its design samples and the sensitivities of its tail. */

import type { BlockSize } from '@featherwire/codec';
import { componentFamily, hasComponents } from './component-family.js';
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
import type { OpenOptions, SplitSamples } from './split-samples.js';

const LAMBDAS = [0, 0.15];
/** Sizes of blocks, each with the powers to which sensitivities count. */
type BlockFamilies = ReadonlyMap<
  BlockSize,
  readonly { readonly frequency: number; readonly channel: number }[]
>;
const ALL_POWERS = [
  { frequency: 0, channel: 0 },
  { frequency: 1, channel: 0 },
  { frequency: 1, channel: 0.5 },
];
const ALL_BLOCKS: BlockFamilies = new Map([
  [1, [{ frequency: 0, channel: 0.5 }]],
  [4, ALL_POWERS],
  [8, ALL_POWERS],
]);
/** Where time is short: the size that most cuts take, with steps that one pass over its frequencies gives. */
const FEW_BLOCKS: BlockFamilies = new Map([[8, [{ frequency: 1, channel: 0 }]]]);
const SPECTRAL_LAMBDA = 0.15;
/** Elements that ranges and tables are made from, about: more change little and every design goes through them. */
const DESIGN_ELEMENTS = 2 ** 20;
const MIN_DESIGN_SAMPLES = 4;

/**
 * Families, those by sensitivities only where the outputs tell small errors.
 * @param extent - `few` leaves out what takes many runs of the tail or long to design
 */
export async function familiesOf(
  samples: SplitSamples,
  options: Pick<OpenOptions, 'backend' | 'seed' | 'progress'>,
  extent: 'all' | 'few' = 'all',
): Promise<Family[]> {
  const { backend, progress } = options;
  const cut = await designSamples(samples);
  const families: Family[] = [
    ...LAMBDAS.map((lambda) => rangeFamily(cut, lambda, backend)),
    ...(extent === 'all' ? [levelsFamily(cut, backend)] : []),
  ];
  const isMap = cut.every(
    ({ samples: [{ shape }] }) => shape.length === 4 && Math.min(shape[2], shape[3]) > 1,
  );
  if (!isMap && extent === 'few') return families;
  const blocks = extent === 'all' ? ALL_BLOCKS : FEW_BLOCKS;
  const sizes = isMap ? [...blocks.keys()].filter((size) => fitsBlocks(cut, size)) : [];
  if (extent === 'all' && isMap && hasComponents(cut))
    families.push(componentFamily(cut, largestOf(sizes), SPECTRAL_LAMBDA, backend));
  progress?.stage('measure what errors do to the output');
  const channels = extent === 'all' ? 'probed' : 'unprobed';
  const damage = await probeParts(samples, cut, sizes, { ...options, channels });
  if (!damage) return families;
  if (!isMap) {
    const axes = cut.map(({ samples: [{ shape }] }) => channelAxisOf(shape));
    families.push(
      channelFamily(
        cut,
        damage.map((own) => own.channels),
        axes,
        backend,
      ),
    );
  }
  for (const size of sizes) {
    const bases = cut.map((tensor, i) =>
      spectralBasis(tensor.samples, size, damageOf(damage[i], size), deviationOf(tensor)),
    );
    for (const powers of blocks.get(size)!)
      families.push(spectralFamily(cut, bases, powers, SPECTRAL_LAMBDA, backend));
  }
  return families;
}

function largestOf(sizes: readonly BlockSize[]): BlockSize {
  return sizes.reduce((most, size) => (size > most ? size : most));
}

/** Blocks of which less than half is beyond the map. */
function fitsBlocks(cut: readonly TensorSamples[], size: BlockSize): boolean {
  return cut.every(({ samples: [{ shape }] }) => 2 * Math.min(shape[2], shape[3]) > size);
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
