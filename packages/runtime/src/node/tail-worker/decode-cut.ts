/** The frames of a feature request to the tensors of the cut, checked against the bundle before anything is decoded. */

import type { BundleManifest, TensorSpec } from '@featherwire/bundle';
import {
  type Backend,
  BitstreamError,
  type CodingProfile,
  decodeTensors,
  inspectFrame,
  isBundledFrame,
  type TensorDescription,
} from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import { elementCount, type Tensor } from '@featherwire/tensor';
import type { RemoteErrorCode } from '../../protocol/index.js';
import { fitsSpec, staticElementCount } from '../../tensor-spec.js';
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
}

/** A decoded cut. */
export interface DecodedCut {
  readonly features: TensorMap;
  /** Position of the profiled point that it came by; null if its frames described themselves. */
  readonly point: number | null;
}

/**
 * Decodes the cut.
 * @param frames - one bundled frame of all tensors, or a self-contained one for each, in manifest order
 * @throws {JobError} with the code that the client gets (docs/protocol.md §4)
 */
export function decodeCut(frames: readonly Uint8Array[], decoding: CutDecoding): DecodedCut {
  const { cut } = decoding.manifest;
  const isProfiled = frames.length === 1 && withJobErrors('frame', () => isBundledFrame(frames[0]));
  const { tensors, point } = isProfiled
    ? decodeFor(cut, frames[0], decoding)
    : { tensors: decodeEach(frames, decoding), point: null };
  return { features: Object.fromEntries(cut.map(({ name }, i) => [name, tensors[i]])), point };
}

function decodeEach(frames: readonly Uint8Array[], decoding: CutDecoding): Tensor[] {
  const { cut } = decoding.manifest;
  if (frames.length !== cut.length) {
    throw new JobError('input-mismatch', `request expected ${cut.length} tensors, got ${frames.length}`);
  }
  return cut.flatMap((spec, i) => {
    const name = `frame of tensor '${spec.name}'`;
    if (withJobErrors(name, () => isBundledFrame(frames[i]))) {
      throw new JobError(
        'input-mismatch',
        `${name} expected a self-contained one, got one of an operating point`,
      );
    }
    return decodeFor([spec], frames[i], decoding).tensors;
  });
}

/** Element types and shapes are compared before anything of a claimed size is allocated. */
function decodeFor(
  specs: readonly TensorSpec[],
  frame: Uint8Array,
  { backend, limits, profiles }: CutDecoding,
): { readonly tensors: Tensor[]; readonly point: number | null } {
  const name = specs.length === 1 ? `frame of tensor '${specs[0].name}'` : 'frame';
  // A tensor of blocks may have more coefficients than elements, so that fixed shapes alone are too tight a bound.
  const bounds = specs.map((spec) => Math.max(staticElementCount(spec) ?? 0, limits.maxElementsPerTensor));
  const options = {
    profiles,
    backend,
    limits: { maxElements: bounds.reduce((sum, bound) => sum + bound, 0) },
  };
  return withJobErrors(name, () => {
    const { tensors, bundled } = inspectFrame(frame, options);
    checkTensors(tensors, specs, bounds);
    return { tensors: decodeTensors(frame, options, specs.length), point: bundled?.point ?? null };
  });
}

function checkTensors(
  found: readonly TensorDescription[],
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
