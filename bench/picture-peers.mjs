/** Index planes as a tiled gray picture in lossless JPEG XL and FFV1, where `cjxl` and `ffmpeg` are installed. */
import { codeIndexPlanes, missingPlaneCoder } from '@featherwire/eval';

const CODECS = { jpegXl: 'jpeg-xl', ffv1: 'ffv1' };
/** Which of them can be used. */
export const peers = {};
for (const [peer, codec] of Object.entries(CODECS)) {
  const missing = await missingPlaneCoder(codec);
  peers[peer] = missing === null;
  if (missing) process.stderr.write(`${codec}: ${missing}\n`);
}

/** Adds the bytes of both for the indices of tensors of one shape to `sums.jpegXl` and `sums.ffv1`. */
export async function measurePeers(indices, shape, sums) {
  for (const [peer, codec] of Object.entries(CODECS)) {
    if (!peers[peer]) continue;
    const { bytes } = await codeIndexPlanes(codec, indices, shape);
    sums[peer] += bytes.reduce((sum, each) => sum + each, 0);
  }
}
