/** A method on a subject: samples by number to bytes, and from those bytes to answers. */

import { elementCount } from '@featherwire/tensor';
import { sumOfPrograms } from '../baselines/features/external-tools.js';
import type { CodedFeatures, FeatureCoder } from '../baselines/features/feature-coder.js';
import type { Ratio } from '../metrics/ratio.js';
import type {
  ArrayCoder,
  CodedCut,
  CutCoder,
  CutFeatures,
  Missing,
  PictureCoder,
  SubjectArrays,
  SubjectPictures,
  SweepMethod,
  SweepSubject,
} from './sweep-subject.js';

/** What came of samples. */
export interface CodedSamples extends Omit<CodedCut, 'decoded'> {
  readonly ratios: readonly Ratio[];
  /** Elements of the cut; null where no feature travels. */
  readonly elements: number | null;
}

/** A method that can be had. */
export interface SampleCoder {
  /** Operations on the device for one sample. */
  readonly headMacs: number | null;
  /** Codes the samples from `from` to `to`, half-open, and scores what is decoded. */
  code(from: number, to: number): Promise<CodedSamples>;
}

/** The coder of a method for a subject, or why there is none. @throws whatever the method throws */
export async function sampleCoderOf(
  subject: SweepSubject,
  method: SweepMethod,
): Promise<SampleCoder | Missing> {
  switch (method.kind) {
    case 'tensor': {
      const coders = await Promise.all(subject.seen.map((seen) => method.create(seen)));
      const missing = coders.find((coder) => 'skip' in coder);
      return missing ?? cutSampleCoder(subject, tensorByTensor(coders as FeatureCoder[]));
    }
    case 'cut': {
      const coder = await method.create(subject.seen);
      return 'skip' in coder ? coder : cutSampleCoder(subject, coder);
    }
    case 'picture': {
      if (!subject.pictures) return { skip: 'the data are no pictures' };
      const coder = await method.create();
      return 'skip' in coder ? coder : pictureSampleCoder(subject.pictures, coder);
    }
    case 'array': {
      if (!subject.arrays) return { skip: 'the data are pictures' };
      const coder = await method.create();
      return 'skip' in coder ? coder : arraySampleCoder(subject.arrays, coder);
    }
    default:
      return method satisfies never;
  }
}

function cutSampleCoder(subject: SweepSubject, coder: CutCoder): SampleCoder {
  return {
    headMacs: subject.headMacs,
    async code(from, to) {
      const features = await subject.features(from, to);
      const { decoded, ...rates } = await coder.code(features);
      const elements = features.flat().reduce((sum, { shape }) => sum + elementCount(shape), 0);
      return { ...rates, elements, ratios: await subject.score(decoded, from) };
    },
  };
}

function pictureSampleCoder(pictures: SubjectPictures, coder: PictureCoder): SampleCoder {
  return {
    headMacs: 0,
    async code(from, to) {
      const { decoded, ...rates } = await coder.code(await pictures.pixels(from, to));
      const ratios = await pictures.score(decoded, from);
      return { ...rates, sharedBytes: 0, elements: null, ratios };
    },
  };
}

function arraySampleCoder(arrays: SubjectArrays, coder: ArrayCoder): SampleCoder {
  return {
    headMacs: 0,
    async code(from, to) {
      const { decoded, ...rates } = await coder.code(await arrays.tensors(from, to));
      return { ...rates, sharedBytes: 0, elements: null, ratios: await arrays.score(decoded, from) };
    },
  };
}

/** One after the other: coders take all cores or none. */
function tensorByTensor(coders: readonly FeatureCoder[]): CutCoder {
  return {
    async code(features: CutFeatures) {
      const coded: CodedFeatures[] = [];
      for (const [i, coder] of coders.entries()) coded.push(await coder.code(features[i]));
      const programs = coded.flatMap((each) => each.programs ?? []);
      const sum = (of: (each: CodedFeatures) => number | null): number | null =>
        coded.map(of).reduce((total, each) => (total === null || each === null ? null : total + each), 0);
      return {
        decoded: coded.map(({ decoded }) => decoded),
        bytes: features[0].map((_, i) => coded.reduce((total, { bytes }) => total + bytes[i], 0)),
        sharedBytes: coded.reduce((total, { sharedBytes }) => total + sharedBytes, 0),
        encodeMs: sum(({ encodeMs }) => encodeMs),
        decodeMs: sum(({ decodeMs }) => decodeMs),
        ...(programs.length > 0 && { programs: sumOfPrograms(programs) }),
      };
    },
  };
}
