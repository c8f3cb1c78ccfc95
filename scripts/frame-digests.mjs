/** What an implementation makes of random frames, in short: for `check-conformance.mjs`, in Node and in browsers. */
import { decodeTensors } from '@featherwire/codec';
import { bytesOfData, createRandom } from '@featherwire/tensor';
import { randomFrame, randomProfiles } from './random-frames.mjs';

const FRAMES_PER_SEED = 100;

/** Hash of frame and decoded elements of so many random frames. @returns `count` numbers of 32 bits */
export function frameDigests(backend, count) {
  const digests = [];
  for (let seed = 0; digests.length < count; seed++) {
    const random = createRandom(seed);
    const entries = randomProfiles(random, backend);
    const profiles = new Map([...entries].map(([point, { profile }]) => [point, profile]));
    for (let i = 0; i < FRAMES_PER_SEED && digests.length < count; i++) {
      const frame = randomFrame(random, backend, entries);
      let hash = addBytes(0x811c9dc5, frame);
      for (const { data } of decodeTensors(frame, { backend, profiles }))
        hash = addBytes(hash, bytesOfData(data));
      digests.push(hash);
    }
  }
  return digests;
}

/** FNV-1a. */
function addBytes(hash, bytes) {
  let value = hash;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
