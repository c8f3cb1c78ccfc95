/** What a sweep needs of a split network with data, and of a method: it runs neither model nor file itself. */

import type { Pixels } from '@featherwire/bundle';
import type { Tensor } from '@featherwire/tensor';
import type { ProgramTimes } from '../baselines/features/external-tools.js';
import type { Feature, FeatureCoder } from '../baselines/features/feature-coder.js';
import type { CodedInputPictures } from '../baselines/input-pictures.js';
import type { CodedInputTensors } from '../baselines/input-tensors.js';
import type { Ratio } from '../metrics/ratio.js';
import type { BetterDirection } from '../metrics/task-metric.js';
import type { ScoredExitAnswer } from '../split/exit.js';

/** Features of several samples: for each tensor of the cut one for each sample. */
export type CutFeatures = readonly (readonly Feature[])[];

/** A split network with data. */
export interface SweepSubject {
  /** Network and cut, as tables print them. */
  readonly name: string;
  readonly metric: { readonly name: string; readonly better: BetterDirection };
  readonly headMacs: number | null;
  /** The unsplit network's share of the metric, one for each sample. */
  readonly reference: readonly Ratio[];
  /** Features for calibration, of samples that are not measured; at least one. */
  readonly seen: CutFeatures;
  /** Features of the samples from `from` to `to`, half-open. */
  features(from: number, to: number): Promise<CutFeatures>;
  /** What the bundle's exit answers, one for each sample; undefined where it has none. */
  readonly exit?: readonly ScoredExitAnswer[] | undefined;
  /** The metric of what the tail makes of features. @param from - number of the first sample */
  score(features: CutFeatures, from: number): Promise<Ratio[]>;
  /** Inputs as pictures, for methods that send them; none where the data are tensors. */
  readonly pictures?: SubjectPictures | undefined;
  /** Inputs as arrays, for methods that send them; none where the data are pictures. */
  readonly arrays?: SubjectArrays | undefined;
}

/** The inputs of a subject as pictures in the size that the network takes. */
export interface SubjectPictures {
  /** Network and data: subjects that give the same pictures to the same network name the same. */
  readonly source: string;
  /** Of the samples from `from` to `to`, half-open. */
  pixels(from: number, to: number): Promise<readonly Pixels[]>;
  /** The metric of what the unsplit network makes of pictures. @param from - number of the first sample */
  score(pictures: readonly Pixels[], from: number): Promise<Ratio[]>;
}

/** The inputs of a subject as arrays, for networks of one input. */
export interface SubjectArrays {
  /** As in `SubjectPictures`. */
  readonly source: string;
  /** Of the samples from `from` to `to`, half-open. */
  tensors(from: number, to: number): Promise<readonly Tensor[]>;
  /** The metric of what the unsplit network makes of arrays. @param from - number of the first sample */
  score(tensors: readonly Tensor[], from: number): Promise<Ratio[]>;
}

/** Why a method cannot be had on this machine or for these shapes. */
export interface Missing {
  readonly skip: string;
}

/** A method at one setting. */
export type SweepMethod = {
  readonly family: string;
  /** With its setting; unique in a sweep. */
  readonly name: string;
} & (
  | {
      /** Codes each tensor of the cut by itself. */
      readonly kind: 'tensor';
      /** @param seen - the tensor's features for calibration */
      create(seen: readonly Feature[]): Promise<FeatureCoder | Missing>;
    }
  | {
      /** Codes all tensors of the cut together. */
      readonly kind: 'cut';
      create(seen: CutFeatures): Promise<CutCoder | Missing>;
    }
  | {
      /** Sends the input, and the whole network runs on the server. */
      readonly kind: 'picture';
      create(): Promise<PictureCoder | Missing>;
    }
  | {
      /** Sends the input where it is no picture, and the whole network runs on the server. */
      readonly kind: 'array';
      create(): Promise<ArrayCoder | Missing>;
    }
);

/** Codes a cut's tensors of several samples and decodes them from the bytes. */
export interface CutCoder {
  code(features: CutFeatures): Promise<CodedCut>;
}

/** Features as they arrive, and what they took. */
export interface CodedCut {
  readonly decoded: CutFeatures;
  /** Of each sample, all headers included. */
  readonly bytes: readonly number[];
  /** Bytes that all samples share. */
  readonly sharedBytes: number;
  /** Wall time for all; null where it cannot be told. */
  readonly encodeMs: number | null;
  readonly decodeMs: number | null;
  /** For all, of programs outside. */
  readonly programs?: ProgramTimes;
}

/** Codes pictures and decodes them from the files. */
export interface PictureCoder {
  code(pictures: readonly Pixels[]): Promise<CodedInputPictures>;
}

/** Codes arrays and decodes them from the bytes. */
export interface ArrayCoder {
  code(tensors: readonly Tensor[]): Promise<CodedInputTensors>;
}
