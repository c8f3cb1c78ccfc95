/**
 * Feeds the decoder with mutated, truncated and random frames of every mode, on all backends, until the time is up.
 * Each must end in a tensor or a `BitstreamError`, the same on all. A finding is written to a file and ends the run
 * with status 1. With the same seed the same frames come.
 *
 * Usage: npm run fuzz -- [--seconds 60] [--seed 1]
 */
import { writeFileSync } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import {
  BitstreamError,
  decodeTensors,
  loadBackend,
  loadWasmBackend,
  readProfile,
  referenceBackend,
  writeProfile,
} from '@featherwire/codec';
import { bytesOfData, createRandom } from '@featherwire/tensor';
import { randomFrame, randomProfiles } from './random-frames.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string', default: '1' } },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
/** Bounds the time of one frame: a mutated shape may grow up to this. */
const LIMITS = { maxElements: 2 ** 16 };
const MUTATIONS_PER_FRAME = 200;

const random = createRandom(seed);
const backends = [referenceBackend, await loadBackend('javascript'), await loadWasmBackend()];
const end = Date.now() + seconds * 1000;
const outcomes = new Map();
let frames = 0;
const profiles = randomProfiles(random, backends[2]);
while (Date.now() < end) {
  const frame = randomFrame(random, backends[2], profiles);
  for (let i = 0; i < MUTATIONS_PER_FRAME; i++) check(mutated(frame));
  for (const { profile } of profiles.values()) checkProfile(mutated(writeProfile(profile)));
}
const summary = [...outcomes].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count}`);
process.stdout.write(`fuzz: ${frames} frames in ${seconds} s, seed ${seed}: ${summary.join(', ')}\n`);

function check(frame) {
  frames++;
  const results = backends.map((backend) => {
    try {
      const known = new Map([...profiles].map(([point, { profile }]) => [point, profile]));
      const tensors = decodeTensors(frame, { backend, limits: LIMITS, profiles: known });
      const detail = tensors.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(', ');
      return { name: 'tensors', detail, bytes: Buffer.concat(tensors.map(({ data }) => bytesOfData(data))) };
    } catch (error) {
      if (error instanceof BitstreamError)
        return { name: error.code, detail: error.message, bytes: Buffer.alloc(0) };
      return report(frame, `${backend.name}: ${error.stack}`);
    }
  });
  const [first, ...others] = results;
  for (const other of others) {
    const agree =
      first.name === other.name && first.detail === other.detail && first.bytes.equals(other.bytes);
    if (!agree)
      report(frame, `backends differ: ${first.name} ${first.detail}, ${other.name} ${other.detail}`);
  }
  outcomes.set(first.name, (outcomes.get(first.name) ?? 0) + 1);
}

/** A profile that is read must be the same after it is written and read again; its bytes may have been longer. */
function checkProfile(bytes) {
  frames++;
  let name = 'profile';
  try {
    const profile = readProfile(bytes);
    const again = readProfile(writeProfile(profile));
    if (!isDeepStrictEqual(again, profile)) report(bytes, 'a profile changes when written again');
  } catch (error) {
    if (!(error instanceof BitstreamError)) report(bytes, error.stack);
    name = error.code;
  }
  outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
}

function report(frame, reason) {
  const file = `fuzz-finding-${seed}-${frames}.fwf`;
  writeFileSync(file, frame);
  process.stderr.write(`fuzz: ${reason}\nthe frame is in ${file}\n`);
  process.exit(1);
}

/** The frame with some bytes changed, cut, repeated or dropped; most get a right checksum again. */
function mutated(frame) {
  const isShort = frame[0] === 0xf6;
  const magic = frame.slice(0, isShort ? 1 : 4);
  let bytes = frame.slice();
  for (let edits = random.nextInteger(4); edits > 0; edits--) {
    const at = random.nextInteger(bytes.length + 1);
    const kind = random.nextInteger(8);
    if (kind === 0) bytes = bytes.slice(0, at);
    else if (kind === 1)
      bytes = Uint8Array.of(...bytes.subarray(0, at), random.nextInteger(256), ...bytes.subarray(at));
    else if (kind === 2) bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1));
    else if (kind === 3 && at < bytes.length) bytes[at] ^= 1 << random.nextInteger(8);
    else if (at < bytes.length) bytes[at] = random.nextInteger(256);
    if (kind === 4) bytes.set(magic.slice(0, bytes.length));
  }
  if (random.nextInteger(8) > 0 && bytes.length > 8) {
    const view = new DataView(bytes.buffer);
    const crc = (size, polynomial) => reflectedCrc(bytes.subarray(0, -size), 8 * size, polynomial);
    if (isShort) view.setUint16(bytes.length - 2, crc(2, 0x8408), true);
    else view.setUint32(bytes.length - 4, crc(4, 0xedb88320), true);
  }
  return bytes;
}

/** A reflected CRC, bit by bit: an implementation of its own, so that it checks the codec's. */
function reflectedCrc(bytes, width, polynomial) {
  const ones = 2 ** width - 1;
  let crc = ones;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? polynomial : 0);
  }
  return (crc ^ ones) >>> 0;
}
