/** The one error type of this package and its closed set of codes. */

/**
 * Why an operation on a model failed.
 *
 * - `invalid-protobuf`: the bytes are no protobuf message of the ONNX schema
 * - `invalid-model`: a message, but no usable model (no graph, a name read and never made, a cycle, …)
 * - `unknown-tensor`: a name that the graph does not hold; `suggestions` has near names
 * - `not-a-cut`: other tensors cross as well; `missing` names them
 * - `redundant-tensor`: the tail does not read the tensor when the others cross
 * - `constant-tensor`: the tensor does not depend on any input, so it never has to cross
 * - `random-value`: both sides read values that are drawn at random without an input, which can only be drawn once
 * - `empty-side`: head or tail would hold no node
 * - `unknown-type`: element type or rank of a tensor is needed and not known
 * - `unsupported-type`: element type, operator version or layout beyond this package
 * - `shape-mismatch`: given dimensions contradict the model's, or are missing
 * - `name-taken`: a name to be added is already in the graph
 * - `external-data`: a reference to weights outside the model is malformed, escapes its directory or cannot be read
 * - `too-large`: the model does not fit into one protobuf message (2 GiB)
 * - `inference-failed`: the engine refused a model whose shapes were asked for
 * - `verification-failed`: head and tail together differ from the whole
 */
export type OnnxErrorCode =
  | 'invalid-protobuf'
  | 'invalid-model'
  | 'unknown-tensor'
  | 'not-a-cut'
  | 'redundant-tensor'
  | 'constant-tensor'
  | 'random-value'
  | 'empty-side'
  | 'unknown-type'
  | 'unsupported-type'
  | 'shape-mismatch'
  | 'name-taken'
  | 'external-data'
  | 'too-large'
  | 'inference-failed'
  | 'verification-failed';

/** What an `OnnxError` can carry beside its message. */
export interface OnnxErrorDetails extends ErrorOptions {
  readonly missing?: readonly string[];
  readonly suggestions?: readonly string[];
}

/** Thrown for every failure that lies in a model or in what is asked of it. */
export class OnnxError extends Error {
  override readonly name = 'OnnxError';
  readonly code: OnnxErrorCode;
  /** For `not-a-cut` and `random-value`: the tensors that cross too; with them added the cut is complete. Else empty. */
  readonly missing: readonly string[];
  /** For `unknown-tensor`: names in the graph that look alike, best first. Else empty. */
  readonly suggestions: readonly string[];

  constructor(code: OnnxErrorCode, message: string, details: OnnxErrorDetails = {}) {
    super(message, details);
    this.code = code;
    this.missing = details.missing ?? [];
    this.suggestions = details.suggestions ?? [];
  }
}
