/**
 * The frames of a feature request to the tensors that they code, those of the cut or of a unit's latent, checked against the
 * bundle before anything is decoded.
 */

import {
  type BundleManifest,
  type BundleUnit,
  codedTensors,
  type TensorSpec,
  unitOfPoint,
} from '@featherwire/bundle';
import {
  type Backend,
  BitstreamError,
  type CodingProfile,
  type DecodeOptions,
  decodeTensors,
  type FrameHeader,
  isBundledFrame,
} from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import { elementCount, type Tensor } from '@featherwire/tensor';
import type { RemoteErrorCode } from '../../protocol/index.js';
import { fitsSpec, staticElementCount } from '../../tensor-spec.js';
import type { RunMemory } from './run-memory.js';
import { JobError } from './worker-messages.js';

/** What the cut is decoded by. */
export interface CutDecoding {
  readonly manifest: BundleManifest;
  /** Of the profiled points, by their positions in the manifest. */
  readonly profiles: ReadonlyMap<number, CodingProfile>;
  readonly backend: Backend;
  readonly limits: {
    /** Elements, and coefficients of blocks, of a cut tensor whose shape the bundle leaves open. */
    readonly maxElementsPerTensor: number;
  };
  /** Where float32 tensors go. */
  readonly memory: Pick<RunMemory, 'allocate'>;
}

/** A decoded cut. */
export interface DecodedCut {
  /** Features by the names of the cut; with a unit its latent, which has yet to be restored. */
  readonly tensors: TensorMap;
  readonly unit: BundleUnit | undefined;
  /** Position of the profiled point that it came by; null if its frames described themselves. */
  readonly point: number | null;
}

/**
 * Decodes the cut.
 * @param frames - one bundled frame of all tensors, or a self-contained one for each, in manifest order
 * @returns tensors that may be in the memory for a batch
 * @throws {JobError} with the code that the client gets (docs/protocol.md §4)
 */
export function decodeCut(frames: readonly Uint8Array[], decoding: CutDecoding): DecodedCut {
  const { manifest } = decoding;
  const isProfiled = frames.length === 1 && withJobErrors('frame', () => isBundledFrame(frames[0]));
  if (!isProfiled) {
    const tensors = decodeEach(frames, decoding);
    return { tensors: tensorsByName(manifest.cut, tensors), unit: undefined, point: null };
  }
  return decodeBundled(frames[0], decoding);
}

function tensorsByName(specs: readonly TensorSpec[], tensors: readonly Tensor[]): TensorMap {
  return Object.fromEntries(specs.map(({ name }, i) => [name, tensors[i]]));
}

function decodeEach(frames: readonly Uint8Array[], decoding: CutDecoding): Tensor[] {
  const { cut } = decoding.manifest;
  if (frames.length !== cut.length) {
    throw new JobError('input-mismatch', `request expected ${cut.length} tensors, got ${frames.length}`);
  }
  return cut.map((spec, i) => {
    const name = `frame of tensor '${spec.name}'`;
    if (withJobErrors(name, () => isBundledFrame(frames[i]))) {
      throw new JobError(
        'input-mismatch',
        `${name} expected a self-contained one, got one of an operating point`,
      );
    }
    return decodeSelfContained(spec, frames[i], decoding);
  });
}

/** The frame says its point, and that says which tensors it has to hold. */
function decodeBundled(frame: Uint8Array, decoding: CutDecoding): DecodedCut {
  const { manifest, backend, limits, profiles, memory } = decoding;
  const { cut, units = [], operatingPoints } = manifest;
  const candidates = [cut, ...units.map(({ latent }) => latent)].map((specs) => boundsOf(specs, limits));
  const maxElements = Math.max(...candidates.map((bounds) => bounds.reduce((sum, bound) => sum + bound, 0)));
  const options = { profiles, backend, limits: { maxElements }, allocate: memory.allocate };
  const name = cut.length === 1 ? `frame of tensor '${cut[0].name}'` : 'frame';
  return withJobErrors(name, () => {
    let point = 0;
    const specsOfPoint = (): readonly TensorSpec[] => codedTensors(manifest, operatingPoints[point]);
    const accept: DecodeOptions['accept'] = (tensors, bundled) => {
      point = bundled!.point; // `isBundledFrame` has told
      const specs = specsOfPoint();
      checkTensors(tensors, specs, boundsOf(specs, limits));
    };
    const decoded = decodeTensors(frame, { ...options, accept });
    const unit = unitOfPoint(manifest, operatingPoints[point]);
    return { tensors: tensorsByName(specsOfPoint(), decoded), unit, point };
  });
}

function decodeSelfContained(
  spec: TensorSpec,
  frame: Uint8Array,
  { backend, limits, memory }: CutDecoding,
): Tensor {
  const bounds = boundsOf([spec], limits);
  const options = { backend, limits: { maxElements: bounds[0] }, allocate: memory.allocate };
  return withJobErrors(`frame of tensor '${spec.name}'`, () => {
    const accept: DecodeOptions['accept'] = (tensors) => checkTensors(tensors, [spec], bounds);
    return decodeTensors(frame, { ...options, accept })[0];
  });
}

/**
 * Most elements of each tensor; a tensor of blocks may have more coefficients than elements, so that fixed shapes alone are
 * too tight a bound. Element types and shapes are compared before anything of a claimed size is allocated.
 */
function boundsOf(specs: readonly TensorSpec[], limits: CutDecoding['limits']): number[] {
  return specs.map((spec) => Math.max(staticElementCount(spec) ?? 0, limits.maxElementsPerTensor));
}

function checkTensors(
  found: readonly FrameHeader[],
  specs: readonly TensorSpec[],
  bounds: readonly number[],
): void {
  if (found.length !== specs.length) {
    throw new JobError('input-mismatch', `frame expected ${specs.length} tensors, got ${found.length}`);
  }
  for (const [i, spec] of specs.entries()) {
    const { dtype, shape } = found[i];
    if (!fitsSpec(found[i], spec)) {
      const expected = `${spec.dtype} [${spec.shape.join(', ')}]`;
      const got = `${dtype} [${shape.join(', ')}]`;
      throw new JobError('input-mismatch', `tensor '${spec.name}' expected ${expected}, got ${got}`);
    }
    const count = elementCount(shape);
    if (count > bounds[i]) {
      throw new JobError(
        'input-mismatch',
        `tensor '${spec.name}' expected at most ${bounds[i]} elements, got ${count}`,
      );
    }
  }
}

function withJobErrors<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (!(cause instanceof BitstreamError)) throw cause;
    throw new JobError(codeOf(cause), `${what}: ${cause.message}`, { cause });
  }
}

function codeOf({ code }: BitstreamError): RemoteErrorCode {
  switch (code) {
    case 'limit-exceeded':
      return 'input-mismatch';
    case 'unknown-point':
    case 'digest-mismatch':
      return code;
    default:
      return 'bad-frame';
  }
}
