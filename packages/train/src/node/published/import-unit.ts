/** Published units for a bundle: weights and frequency table read without running anything, and what the rates come to. */

import type { ProfiledPointSource, UnitSource } from '@featherwire/bundle/node';
import {
  type Backend,
  type CodingProfile,
  createCodingProfile,
  designTable,
  encodeBundledFrame,
  encodeFrame,
  writeProfile,
} from '@featherwire/codec';
import { createRandom, elementCount, type TensorOf, tensor } from '@featherwire/tensor';
import { entropyBits, huffmanBits, readFrequencies } from '../../published/frequencies.js';
import { type PublishedSettings, publishedUnit } from '../../published/published-unit.js';
import { unitSourceOf } from '../unit-source.js';
import { readStateDictionary } from './state-dictionary.js';

/** A unit to import. */
export interface PublishedFiles extends PublishedSettings {
  /** A state dictionary as torch saves it. */
  readonly weights: Uint8Array;
  /** A pickled dictionary from symbols to counts. */
  readonly frequencies: Uint8Array;
  /** Name of the cut tensor. */
  readonly cut: string;
  /** Of unit and operating point in the bundle. */
  readonly id: string;
  readonly backend: Backend;
}

/**
 * Mean bytes of a sample whose symbols come independently with the table's frequencies. Such symbols have nothing for
 * contexts to find: what these save on real latents is measured on a bundle with data.
 */
export interface SymbolRates {
  /** Symbols of a sample. */
  readonly symbols: number;
  /** Payload alone, by the mean length of the code. */
  readonly huffman: number;
  /** Payload alone; no code of independent symbols takes less. */
  readonly entropy: number;
  /** Whole bundled frames of the operating point, under the table. */
  readonly frames: number;
  /** Whole self-contained frames of the binary coder with contexts, without any table. */
  readonly contextFrames: number;
}

/** An imported unit. */
export interface ImportedUnit {
  readonly unit: UnitSource;
  readonly point: ProfiledPointSource & { readonly unit: string };
  readonly rates: SymbolRates;
}

/** Levels beyond the largest symbol of the table, as a share: values that the table never saw are no error here. */
const HEADROOM = 1 / 4;
const MAX_LEVELS = 256;
/** Samples that rates are the mean of. */
const DRAWN_SAMPLES = 16;
const BITS_PER_BYTE = 8;

/**
 * Imports a unit.
 * @throws {TrainError} `bad-weights`; {DataSetError} if the archive is damaged
 */
export async function importPublishedUnit(files: PublishedFiles): Promise<ImportedUnit> {
  const { cut, id } = files;
  const counts = readFrequencies(files.frequencies);
  const { unit, parameters } = publishedUnit(readStateDictionary(files.weights), files);
  const shape = [1, ...unit.latentShape];
  const profile = profileOf(counts, shape);
  return {
    unit: await unitSourceOf(unit, parameters, { cut, id }),
    point: { id, kind: 'profiled', unit: id, profile: writeProfile(profile) },
    rates: ratesOf(counts, shape, profile, files.backend),
  };
}

/** Integers from 0, and the table of their counts. */
function profileOf(counts: readonly number[], shape: readonly number[]): CodingProfile {
  const levelCount = Math.min(MAX_LEVELS, Math.max(2, counts.length + Math.ceil(HEADROOM * counts.length)));
  const complete = Float64Array.from({ length: levelCount }, (_, symbol) => counts[symbol] ?? 0);
  const background = complete.indexOf(Math.max(...complete));
  const { description } = designTable(complete, background, { coverAll: true });
  const affine = { levelCount, offset: 0, step: 1, zeroPoint: 0 };
  return createCodingProfile([
    {
      dtype: 'float32',
      shape: [...shape],
      quantizer: { kind: 'affine', affine },
      thresholds: null,
      coder: { kind: 'rans', table: description },
    },
  ]);
}

function ratesOf(
  counts: readonly number[],
  shape: readonly number[],
  profile: CodingProfile,
  backend: Backend,
): SymbolRates {
  const symbols = elementCount(shape);
  const drawn = Array.from({ length: DRAWN_SAMPLES }, (_, sample) => drawSymbols(counts, shape, sample + 1));
  const levelCount = Math.max(2, counts.length);
  const range = { kind: 'fixed', low: 0, high: levelCount - 1 } as const;
  const quantizer = { kind: 'uniform', levelCount, range } as const;
  const mean = (bytesOf: (latent: TensorOf<'float32'>) => number): number =>
    drawn.reduce((sum, latent) => sum + bytesOf(latent), 0) / drawn.length;
  return {
    symbols,
    huffman: (symbols * huffmanBits(counts)) / BITS_PER_BYTE,
    entropy: (symbols * entropyBits(counts)) / BITS_PER_BYTE,
    frames: mean(
      (latent) => encodeBundledFrame([latent], { profile, point: 0, sequenceNumber: 0, backend }).length,
    ),
    contextFrames: mean((latent) => encodeFrame(latent, { quantizer, coder: 'binary', backend }).length),
  };
}

function drawSymbols(counts: readonly number[], shape: readonly number[], seed: number): TensorOf<'float32'> {
  const random = createRandom(seed);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const data = new Float32Array(elementCount(shape)).map(() => {
    let left = random.nextUniform() * total;
    return Math.max(
      0,
      counts.findIndex((count) => {
        left -= count;
        return left < 0;
      }),
    );
  });
  return tensor('float32', shape, data);
}
