/** Bytes and accuracy of a trained unit: whole bundled frames, decoded again, restored, and through the real tail. */
import { decodeFrame, encodeBundledFrame, writeProfile } from '@featherwire/codec';
import { bootstrapDifference, pooledRatio } from '@featherwire/eval';
import { itemsOf } from './classes.mjs';

/**
 * One point for each coding.
 * @param features - of the split, from `featuresOf`
 * @param codings - with `profile`; `lambda` and `coder` of the frames; `together`, the items of a frame, which divide the batch
 * @param passes - `reduce`, `restore`, `tail`: batches of `batch` items to batches
 */
export async function measureUnit({ subject, split, features, shape, batch, codings, passes, backend }) {
  const points = codings.map(() => ({ bytes: 0, scores: [] }));
  const whole = [];
  for (let from = 0; from < features.count; from += batch) {
    const items = Array.from({ length: batch }, (_, i) => Math.min(from + i, features.count - 1));
    const here = Math.min(batch, features.count - from);
    const feature = features.feature(items, shape);
    const scoresOf = async (output) => {
      const scores = [];
      for (let row = 0; row < here; row++) scores.push(await subject.score(split, from + row, output, row));
      return scores;
    };
    whole.push(...(await scoresOf(features.output(items) ?? (await passes.tail(feature)))));
    const latent = await passes.reduce(feature);
    for (const [c, { profile, lambda, coder, together = 1 }] of codings.entries()) {
      const data = Float32Array.from(latent.data);
      for (let row = 0; row < here; row += together) {
        const count = Math.min(together, here - row);
        const frame = encodeBundledFrame([itemsOf(latent, row, count)], {
          point: 0,
          sequenceNumber: (from + row) / together,
          profile,
          lambda,
          coder,
          backend,
        });
        points[c].bytes += frame.length;
        const decoded = decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) });
        data.set(decoded.data, (row * decoded.data.length) / count);
      }
      const output = await passes.tail(await passes.restore({ ...latent, data }));
      points[c].scores.push(...(await scoresOf(output)));
    }
  }
  return {
    whole: rounded(pooledRatio(whole)),
    points: points.map(({ bytes, scores }, c) => {
      const sides = subject.isError ? [whole, scores] : [scores, whole];
      const loss = bootstrapDifference(...sides);
      return {
        bytes: rounded(bytes / features.count),
        metric: rounded(pooledRatio(scores)),
        loss: rounded(loss.value),
        interval: [rounded(loss.low), rounded(loss.high)],
        profileBytes: writeProfile(codings[c].profile).length,
      };
    }),
  };
}

export function rounded(value) {
  return Number(value.toFixed(3));
}
