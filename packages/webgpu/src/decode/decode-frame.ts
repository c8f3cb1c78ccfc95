/**
 * A frame to a feature on the GPU. The host reads the structure, the GPU the checksum and the payload; whatever is wrong
 * there is handed to the reference, so that errors are its own.
 */

import { DEFAULT_DECODE_LIMITS, decodeFrame, type ParseOptions, referenceBackend } from '@featherwire/codec';
import { type ParsedFrame, parseFrame } from '@featherwire/codec/parts';
import { BUFFER_USAGE } from '../device/constants.js';
import { GpuCall } from '../device/gpu-call.js';
import type { GpuContext } from '../device/gpu-context.js';
import { GpuError, UnsupportedError } from '../errors.js';
import { checkBuffer, checkElements, ELEMENT_BYTES, type GpuFeature } from '../gpu-feature.js';
import { CHECKSUM_GROUP_BYTES } from '../shaders/checksum-shader.js';
import { writeCoding } from '../shaders/records.js';
import { REPORT, REPORT_WORDS } from '../shaders/report.js';
import { type DecodeMemory, type DecodePlan, planDecoding } from './decode-plan.js';
import { type DecodingKernels, decodingKernels } from './decoding-kernels.js';

const FEATURE_USAGE = BUFFER_USAGE.storage | BUFFER_USAGE.copySrc | BUFFER_USAGE.copyDst;
/** Kernels of onnxruntime read four elements at a time, of which those beyond the end of a buffer are others than its last. */
const FEATURE_ALIGNMENT = 16;
const CHECKSUM_BYTES = 4;
const REPORT_BYTES = REPORT_WORDS * 4;

/** What a decoder must know beside the frame. */
export interface GpuDecodeOptions extends Pick<ParseOptions, 'limits' | 'profiles'> {
  /** Receives the elements from its beginning on, of no meaning after an error; by default a new buffer. */
  readonly target?: GPUBuffer;
}

/**
 * Decodes a frame.
 * @param frame - one whole frame; not kept, must not change before the promise is settled
 * @returns a feature whose buffer is the target, or a new one that is the caller's to destroy
 * @throws {BitstreamError} on anything else than a frame of one tensor within the limits
 * @throws {UnsupportedError} if it is one, but of a kind or size that is not for a GPU
 * @throws {GpuError} @throws {TypeError} @throws {RangeError} if the target is not a buffer for the feature
 */
export async function decodeOnGpu(
  context: GpuContext,
  frame: Uint8Array,
  { target, ...parsing }: GpuDecodeOptions,
  memory: DecodeMemory,
): Promise<GpuFeature> {
  context.checkDevice();
  const parsed = parseFrame(frame, { ...parsing, checksum: 'unchecked' }, 1);
  const { plan, count } = planOrRefuse(context, frame, parsed, parsing, memory);
  if (target) checkBuffer('target', target, count);
  if (plan.isFaulty) refuse(frame, parsing);
  const kernels = await decodingKernels(context, plan);
  const { buffer, report, digest } = await runDecoding(context, kernels, { frame, plan, count, target });
  const isRight =
    report[REPORT.fault] === 0 &&
    (parsed.uncheckedSum === null || checksumOf(report) === parsed.uncheckedSum) &&
    (parsed.digest === null || checksumOf(digest) === parsed.digest);
  if (!isRight) {
    if (!target) buffer.destroy();
    refuse(frame, parsing);
  }
  return { shape: plan.header.shape, buffer };
}

function checksumOf(report: Uint32Array): number {
  return ~report[REPORT.checksum] >>> 0;
}

/** A plan, if the bytes are a frame: what is refused as unsupported must be one. */
function planOrRefuse(
  { device }: GpuContext,
  frame: Uint8Array,
  parsed: ParsedFrame,
  parsing: ParseOptions,
  memory: DecodeMemory,
): { plan: DecodePlan; count: number } {
  try {
    const count = checkElements(device, parsed.parts[0].header.shape);
    const { maxElements } = { ...DEFAULT_DECODE_LIMITS, ...parsing.limits };
    return { plan: planDecoding(frame, parsed, maxElements, memory), count };
  } catch (error) {
    if (error instanceof UnsupportedError) parseFrame(frame, parsing, 1);
    throw error;
  }
}

/** Throws the error that the reference throws for a frame that the GPU found faulty. */
function refuse(frame: Uint8Array, parsing: ParseOptions): never {
  decodeFrame(frame, { ...parsing, backend: referenceBackend });
  throw new GpuError('internal', 'the kernels refused a frame that the reference decodes');
}

function createFeature(device: GPUDevice, count: number): GPUBuffer {
  const size = Math.ceil((count * ELEMENT_BYTES) / FEATURE_ALIGNMENT) * FEATURE_ALIGNMENT;
  return device.createBuffer({ label: 'featherwire feature', size, usage: FEATURE_USAGE });
}

interface DecodeWork {
  readonly frame: Uint8Array;
  readonly plan: DecodePlan;
  /** Elements of the feature. */
  readonly count: number;
  readonly target: GPUBuffer | undefined;
}

/** @returns the feature's buffer, and what the kernels report of the frame and of its elements */
async function runDecoding(
  context: GpuContext,
  { addChunks, addChecksum }: DecodingKernels,
  { frame, plan, count, target }: DecodeWork,
): Promise<{ buffer: GPUBuffer; report: Uint32Array; digest: Uint32Array }> {
  const call = new GpuCall(context, 'decode');
  const buffer = target ?? createFeature(context.device, count);
  const addChecksumOf = (bytes: GPUBuffer, byteCount: number, report: GPUBuffer): void =>
    call.dispatch(addChecksum, [bytes, report], Math.ceil(byteCount / CHECKSUM_GROUP_BYTES));
  try {
    const common = call.uniform('coding', writeCoding(plan.coding));
    const levels = call.upload('levels', plan.levels);
    const bytes = call.upload('frame', frame);
    const checkedBytes = frame.length - CHECKSUM_BYTES;
    const report = call.upload('report', initialReport(checkedBytes));
    const digest = call.upload('digest', initialReport(count * ELEMENT_BYTES));
    addChecksumOf(bytes, checkedBytes, report);
    addChunks(call, { coding: common, levels, bytes, feature: buffer, report });
    if (plan.hasDigest) addChecksumOf(buffer, count * ELEMENT_BYTES, digest);
    const readbacks = [report, digest].map((words) => ({ buffer: words, size: REPORT_BYTES }));
    const reports = await call.finish(readbacks, (...parts) =>
      parts.map((part) => new Uint32Array(part.slice().buffer)),
    );
    return { buffer, report: reports[0], digest: reports[1] };
  } catch (error) {
    if (!target) buffer.destroy();
    throw error;
  } finally {
    call.release();
  }
}

function initialReport(byteCount: number): Uint32Array {
  const words = new Uint32Array(REPORT_WORDS);
  words[REPORT.byteCount] = byteCount;
  return words;
}
