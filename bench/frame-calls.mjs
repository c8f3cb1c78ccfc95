/** Whole calls that benchmarks of speed time, in Node and in browsers. */
import { decodeFrame, decodeFrameInto, designTensorProfile, encodeBundledFrame } from '@featherwire/codec';

/**
 * A copy of a float32 tensor, and bundled frames of it by each static coder.
 * @returns calls by name; encoders with the bits per element of their frames
 */
export function frameCalls(feature, quantizer, backend) {
  const { data } = feature;
  const target = new Float32Array(data.length);
  const calls = [{ name: 'copy of the tensor', run: () => target.set(data) }];
  for (const coder of ['rans', 'rans-packed', 'rans-contexts']) {
    const profile = { tensors: [designTensorProfile([feature], { quantizer, coder, backend })] };
    const profiles = new Map([[0, profile]]);
    const settings = { profile, point: 0, sequenceNumber: 1, backend };
    const frame = encodeBundledFrame([feature], settings);
    const bits = (8 * frame.length) / data.length;
    const name = `bundled frame, ${coder}`;
    calls.push({ name: `${name}: encode`, bits, run: () => encodeBundledFrame([feature], settings) });
    calls.push({ name: `${name}: decode`, run: () => decodeFrame(frame, { backend, profiles }) });
    const into = () => decodeFrameInto(frame, target, { backend, profiles });
    calls.push({ name: `${name}: decode into memory at hand`, run: into });
  }
  return calls;
}
