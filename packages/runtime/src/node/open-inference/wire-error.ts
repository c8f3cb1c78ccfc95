/** What is wrong with a body of the Open Inference Protocol. */

/** A body is not what the protocol says; the message is fit for whoever sent it. */
export class WireError extends Error {
  override readonly name = 'WireError';
}
