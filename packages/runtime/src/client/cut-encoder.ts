/**
 * From an input to the frames of a request: head, unit and codec. Where these run is the encoder's own affair: between those of
 * `createHostEncoder` go tensors, between those of `browser/gpu-encoder.ts` buffers on a GPU.
 */

import type { Bundle, TensorSpec } from '@featherwire/bundle';
import type { Backend, FeatureSummary } from '@featherwire/codec';
import { checkFeeds, type ModelSession, type TensorMap } from '@featherwire/inference';
import { elementCount, type Shape } from '@featherwire/tensor';
import { type CutCoding, encodeCut, summarizeCut } from './coding.js';
import type { Clock } from './retry.js';

/** How a cut is coded, and what is wanted beside its frames. */
export interface CutSettings {
  readonly coding: CutCoding;
  /** Adds a checksum of the decoded elements to each frame. */
  readonly digest: boolean;
  /** Adds what the cut looks like to the quantizers, for codings that have a range to compare with. */
  readonly statistics: boolean;
  readonly onCut?: CutObserver;
}

/** Is shown the tensors of a cut once it is coded: what the head gave, and what was coded, which a unit may have made of it. */
export type CutObserver = (cut: { readonly features: TensorMap; readonly coded: TensorMap }) => void;

/** Bytes of one coded tensor: of the cut, or of the latent of the point's unit. */
export interface TensorBytes {
  readonly name: string;
  readonly elements: number;
  /**
   * Length of its frame, headers included. Where a profiled point puts several tensors into one frame: its own part of
   * that frame, without the header and checksum that they share; these are in `RequestBytes.payload` alone.
   */
  readonly codedBytes: number;
  /** `8 * codedBytes / elements`; 0 if there are no elements. */
  readonly bitsPerElement: number;
}

/** What codes cuts: a backend of the codec, or the codec on WebGPU. */
export type CodecName = Backend['name'] | 'webgpu';

/** A coded cut. */
export interface EncodedCut {
  /** As a feature request carries them. */
  readonly frames: readonly Uint8Array[];
  readonly statistics: readonly FeatureSummary[] | undefined;
  /** In manifest order. */
  readonly perTensor: readonly TensorBytes[];
  /** What made the frames. */
  readonly codec: CodecName;
  /** From the input to the feature, in milliseconds. */
  readonly headMs: number;
  /** From the feature to the frames: the unit's reduction, if there is one, and the codec. */
  readonly encodeMs: number;
}

/** Makes coded cuts of inputs. */
export interface CutEncoder {
  /**
   * Runs the head and codes what it gives.
   * @throws {InferenceError} for inputs that do not fit, or a head that fails
   * @throws {RangeError} if a feature cannot be coded so @throws {TypeError} where a session is missing, before any work
   */
  encode(inputs: TensorMap, settings: CutSettings): Promise<EncodedCut>;
}

/** An encoder on tensors, which takes features of any head. */
export interface HostEncoder extends CutEncoder {
  /** As `encode`, for features that the head has given already, by the names of the cut tensors. */
  encodeFeatures(features: TensorMap, settings: CutSettings): Promise<EncodedCut>;
}

/** What an encoder is made of; all of it stays the caller's. */
export interface HostEncoderOptions {
  readonly bundle: Bundle;
  readonly head?: ModelSession;
  /** By the ids of their units. */
  readonly reductions: ReadonlyMap<string, ModelSession>;
  readonly backend: Backend;
  readonly clock: Clock;
}

/** An encoder whose head gives tensors, which a backend of the codec codes. */
export function createHostEncoder({ head, ...context }: HostEncoderOptions): HostEncoder {
  const { reductions, clock } = context;
  return {
    async encode(inputs, settings) {
      if (!head) throw new TypeError('head expected a session for infer, got none');
      reductionOf(reductions, settings.coding); // a mistake is found before the head runs
      const started = clock.now();
      const { outputs } = await head.run(inputs);
      const headMs = clock.now() - started;
      return { ...(await encodeFeatures(context, outputs, settings)), headMs };
    },
    encodeFeatures: (features, settings) => encodeFeatures(context, features, settings),
  };
}

/** Checks and codes features. */
async function encodeFeatures(
  { bundle, reductions, backend, clock }: Omit<HostEncoderOptions, 'head'>,
  features: TensorMap,
  { coding, digest, statistics: isObserved, onCut }: CutSettings,
): Promise<EncodedCut> {
  const started = clock.now();
  checkFeeds(bundle.manifest.cut, features);
  const reduction = reductionOf(reductions, coding);
  const coded = reduction ? (await reduction.run(features)).outputs : features;
  const specs = codedSpecs(bundle, coding);
  const tensors = specs.map(({ name }) => coded[name]);
  const { frames, tensorBytes } = encodeCut(tensors, coding, { digest, backend });
  const statistics = isObserved ? summarizeCut(tensors, coding, backend) : undefined;
  const encodeMs = clock.now() - started;
  const perTensor = specs.map(({ name }, i) => bytesOfTensor(name, tensors[i].shape, tensorBytes[i]));
  onCut?.({ features, coded });
  return { frames, statistics, perTensor, codec: backend.name, headMs: 0, encodeMs };
}

/**
 * The session of a coding's unit; undefined if the coding has no unit.
 * @param reductions - sessions of any kind by the ids of their units
 * @throws {TypeError} if there is none for the unit
 */
export function reductionOf<S>(reductions: ReadonlyMap<string, S>, coding: CutCoding): S | undefined {
  if (coding.kind !== 'profiled' || !coding.unit) return undefined;
  const session = reductions.get(coding.unit.id);
  if (session) return session;
  throw new TypeError(`reductions expected a session for unit '${coding.unit.id}', got none`);
}

/** The tensors that a coding codes, in the order of its frames. */
export function codedSpecs({ manifest }: Bundle, coding: CutCoding): readonly TensorSpec[] {
  return (coding.kind === 'profiled' && coding.unit?.latent) || manifest.cut;
}

/** The account of one coded tensor. */
export function bytesOfTensor(name: string, shape: Shape, codedBytes: number): TensorBytes {
  const elements = elementCount(shape);
  return { name, elements, codedBytes, bitsPerElement: elements === 0 ? 0 : (8 * codedBytes) / elements };
}
