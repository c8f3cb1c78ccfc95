/** The error of everything that reads, checks or writes a bundle. */

/** Why a bundle was refused. */
export type BundleErrorCode =
  /** The directory, or the manifest in it, does not exist. */
  | 'not-found'
  /** The manifest is not JSON, or not what the schema demands. */
  | 'invalid-manifest'
  /** The manifest is of a version that this library does not read. */
  | 'unsupported-version'
  /** A file that the manifest names is absent, or is no ordinary file inside the bundle. */
  | 'missing-file'
  /** A file differs from its size or SHA-256 in the manifest. */
  | 'digest-mismatch'
  /** An operating point's profile cannot be read, or is not one of the cut's tensors. */
  | 'invalid-profile'
  /** The target of a write exists, and replacing it was not asked for. */
  | 'exists'
  /** Replacing was asked for, but the target holds something else than one bundle. */
  | 'not-a-bundle'
  /** The operating system refused a write; `cause` is its error. */
  | 'write-failed';

/** A bundle that cannot be read or written; the message says what was expected and what came. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly code: BundleErrorCode;

  constructor(code: BundleErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
