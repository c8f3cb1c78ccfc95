/** One request from the page: the input through head, cut and server, and everything that there is to see of it. */

import { type Bundle, codedTensors, type OperatingPoint, pixelsToTensor } from '@featherwire/bundle';
import {
  type CodingProfile,
  decodeTensors,
  inspectFrame,
  type Quantizer,
  type TensorDescription,
} from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import type { BudgetedResult, ExitAnswer, FeatureRequestOptions, InferResult } from '@featherwire/runtime';
import {
  allocateData,
  bytesPerElement,
  createRandom,
  elementCount,
  readNpy,
  type Tensor,
  tensor,
} from '@featherwire/tensor';
import type { RunView, StudioCall, StudioCoding, StudioInput, TensorView } from '../messages.js';
import { answerOf, answersAgree } from './answers.js';
import type { OpenBundle } from './opened-bundle.js';
import { MAX_PLANES, planeGrid, tileSheet } from './tile-sheet.js';
import { shadeRange, valueHistogram } from './value-histogram.js';

type RunCall = Extract<StudioCall, { kind: 'run' }>;

/** What the last run leaves for a closer look. */
export interface LastRun {
  readonly open: OpenBundle;
  /** As coded: of the cut, or of a unit's latent. */
  readonly tensors: readonly Tensor[];
  readonly names: readonly string[];
  /** The operating point, where one was taken. */
  readonly point: OperatingPoint | undefined;
  readonly coding: StudioCoding;
  /** Of the frames. */
  readonly sentBytes: number;
}

/** A run, and what it leaves for a closer look: nothing where the exit answered. */
export interface FinishedRun {
  readonly view: RunView;
  readonly last: LastRun | undefined;
}

/** Runs the split network, or its exit, and, where asked, the whole one after it on the same link. */
export async function runView(open: OpenBundle, call: RunCall): Promise<FinishedRun> {
  const { manifest } = open.bundle;
  const result = await inferSplit(open, inputTensors(open.bundle, call.input), call);
  const answer = answerOf(manifest, result.outputs);
  const coded = result.way === 'exit' ? NOTHING_CODED : codedRun(open, call, result);
  const whole = await askWhole(open, call);
  const view: RunView = {
    ...coded.view,
    split: splitView(open, answer, result),
    whole,
    agrees: 'answer' in whole ? answersAgree(answer, whole.answer) : null,
  };
  return { view, last: coded.last };
}

/** What there is to see of what was coded. */
interface CodedRun {
  readonly view: Pick<RunView, 'coding' | 'tensors' | 'rawBytes'>;
  readonly last: LastRun | undefined;
}

const NOTHING_CODED: CodedRun = { view: { coding: null, tensors: [], rawBytes: 0 }, last: undefined };

function codedRun(open: OpenBundle, call: RunCall, result: SplitResult): CodedRun {
  const { tapped, bundle } = open;
  const { manifest } = bundle;
  const pointId = call.coding.kind === 'point' ? call.coding.id : result.choice?.point;
  const point = manifest.operatingPoints.find(({ id }) => id === pointId);
  const specs = codedTensors(manifest, point ?? { kind: 'described' });
  const tensors = specs.map(({ name }) => tapped.coded![name]);
  const names = specs.map(({ name }) => name);
  const sentBytes = result.bytes.payload;
  const last: LastRun = { open, tensors, names, point, coding: call.coding, sentBytes };
  const rawBytes = tensors.reduce(
    (sum, { dtype, shape }) => sum + elementCount(shape) * bytesPerElement(dtype),
    0,
  );
  const coding = pointId ?? describeCoding(call.coding);
  return { view: { coding, tensors: tensorViews(last, tapped.frames, result), rawBytes }, last };
}

function splitView(
  { bundle }: OpenBundle,
  answer: RunView['split']['answer'],
  { bytes, times, codec, attempts, exit, way }: SplitResult,
): RunView['split'] {
  const { threshold = 0 } = bundle.manifest.exit ?? {};
  const asked = exit && { ...exit, threshold, answers: way === 'exit' };
  return { answer, bytes, times, codec, attempts, exit: asked ?? null };
}

/** What comes of a request by any of its ways. */
type SplitResult = InferResult & Partial<Pick<BudgetedResult, 'choice'> & Pick<ExitAnswer, 'way' | 'exit'>>;

async function inferSplit(
  open: OpenBundle,
  inputs: TensorMap,
  { coding, stream, asksExit }: RunCall,
): Promise<SplitResult> {
  const send = (tensors: TensorMap, elapsedMs = 0): Promise<SplitResult> =>
    coding.kind === 'budget'
      ? open.budgetedOver(stream, coding.budgetMs).infer(tensors, { elapsedMs })
      : open.clientOver(stream).infer(tensors, { coding: codingOf(open.bundle, coding), elapsedMs });
  return asksExit && open.exit ? open.exit.infer(inputs, send) : send(inputs);
}

/** A coding as the client takes it. */
export function codingOf(
  { manifest }: Bundle,
  coding: Exclude<StudioCoding, { kind: 'budget' }>,
): FeatureRequestOptions['coding'] {
  if (coding.kind === 'point') return coding.id;
  const quantizer =
    coding.kind === 'lossless'
      ? ({ kind: 'lossless' } as const)
      : ({ kind: 'uniform', levelCount: coding.levelCount, range: { kind: 'minmax' } } as const);
  return Object.fromEntries(manifest.cut.map(({ name }) => [name, quantizer]));
}

async function askWhole(open: OpenBundle, { input, stream }: RunCall): Promise<RunView['whole']> {
  const { manifest } = open.bundle;
  if (!manifest.whole) return { reason: 'the bundle has no whole network (split with --keep-whole)' };
  if (input.kind !== 'pixels') return { reason: 'the whole network takes pictures alone' };
  if (!input.png) return { reason: 'not asked in live operation' };
  const { outputs, bytes, times } = await open.clientOver(stream).sendPicture(input.png);
  return { answer: answerOf(manifest, outputs), bytes, times };
}

function inputTensors({ manifest }: Bundle, input: StudioInput): TensorMap {
  const { inputs, preprocessing } = manifest;
  switch (input.kind) {
    case 'pixels': {
      if (!preprocessing) throw new TypeError('the network takes no pictures');
      const { data, width, height } = input;
      return { [preprocessing.input]: pixelsToTensor({ data, width, height, channels: 4 }, preprocessing) };
    }
    case 'npy':
      return { [inputs[0].name]: readNpy(input.bytes) };
    case 'noise': {
      const random = createRandom(input.seed);
      const entries = inputs.map(({ name, dtype, shape }) => {
        const fixed = shape.map((size) => (typeof size === 'number' ? size : 1));
        if (dtype !== 'float32')
          return [name, { dtype, shape: fixed, data: allocateData(dtype, elementCount(fixed)) }];
        const data = Float32Array.from({ length: elementCount(fixed) }, () => random.nextNormal());
        return [name, tensor('float32', fixed, data)];
      });
      return Object.fromEntries(entries);
    }
    default:
      return input satisfies never;
  }
}

/** The coding of a run that takes no point. */
function describeCoding(coding: StudioCoding): string {
  return coding.kind === 'levels' ? `${coding.levelCount} levels` : coding.kind;
}

function tensorViews(last: LastRun, frames: readonly Uint8Array[], { bytes }: InferResult): TensorView[] {
  const { open, tensors, names, point } = last;
  const profile = point && open.bundle.profiles.get(point.id);
  const options = { backend: open.backend, ...(profile && { profiles: profilesOf(open.bundle) }) };
  const decoded = frames.flatMap((frame) => decodeTensors(frame, options));
  const described = frames.flatMap((frame) => inspectFrame(frame, options).tensors);
  return tensors.map((before, i) =>
    tensorView(before, decoded[i], {
      name: names[i],
      description: described[i],
      profile,
      position: i,
      bytes: bytes.perTensor[i],
    }),
  );
}

/** Profiles by the numbers that frames name them by: the positions of their points. */
export function profilesOf({ manifest, profiles }: Bundle): ReadonlyMap<number, CodingProfile> {
  return new Map(
    manifest.operatingPoints.flatMap(({ id }, position) => {
      const profile = profiles.get(id);
      return profile ? [[position, profile] as const] : [];
    }),
  );
}

interface CodedAs {
  readonly name: string;
  readonly description: TensorDescription;
  readonly profile: CodingProfile | undefined;
  readonly position: number;
  readonly bytes: InferResult['bytes']['perTensor'][number];
}

function tensorView(before: Tensor, after: Tensor, as: CodedAs): TensorView {
  const { name, description, profile, position, bytes } = as;
  const histogram = valueHistogram(before, description.quantizer, profile?.tensors[position]);
  const shades = shadeRange(histogram);
  const { planeCount } = planeGrid(before.shape);
  return {
    name,
    shape: [...before.shape],
    elements: bytes.elements,
    codedBytes: bytes.codedBytes,
    bitsPerElement: bytes.bitsPerElement,
    quantizer: describeQuantizer(description.quantizer),
    coder: describeCoder(description),
    rmsError: rmsError(before, after),
    before: tileSheet(before, shades),
    after: tileSheet(after, shades),
    planesShown: Math.min(planeCount, MAX_PLANES),
    planeCount,
    histogram,
  };
}

function describeCoder({ coder, layout }: TensorDescription): string {
  return layout === 'dense' ? coder : `${coder}, ${layout}`;
}

function describeQuantizer(quantizer: Quantizer): string {
  switch (quantizer.kind) {
    case 'affine':
      return `${quantizer.affine.levelCount} levels at equal distance`;
    case 'levels':
      return `${quantizer.levels.length} listed levels`;
    case 'grouped':
      return `${quantizer.grouped.levelCount} levels for each group of channels`;
    case 'blocks':
      return `blocks of ${quantizer.blocks.blockSize} × ${quantizer.blocks.blockSize}${
        quantizer.blocks.basis ? ` of ${quantizer.blocks.basis.componentCount} components` : ''
      }`;
    case 'spectral':
      return `frequencies of ${quantizer.spectral.blockSize} × ${quantizer.spectral.blockSize} blocks`;
    case 'integer':
      return 'integers as they are';
    case 'constant':
      return 'one value';
    case 'none':
    case 'planes':
      return 'lossless';
    default:
      return quantizer satisfies never;
  }
}

/** Root of the mean squared difference; 0 for empty tensors. */
export function rmsError(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const difference = Number(a.data[i]) - Number(b.data[i]);
    sum += difference * difference;
  }
  return a.data.length === 0 ? 0 : Math.sqrt(sum / a.data.length);
}
