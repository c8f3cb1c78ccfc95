/**
 * The codec on a GPU against the reference: what both make of random cases, and of their frames mutated. Runs in Node and in
 * browsers.
 */
import { decodeFrame, encodeBundledFrame, encodeFrame, referenceBackend } from '@featherwire/codec';
import { createRandom, elementCount } from '@featherwire/tensor';
import { gpuCase, POINT } from './gpu-cases.mjs';

const STORAGE = 0x80;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
const MAP_READ = 0x01;

/**
 * Runs cases and compares bytes and elements.
 * @param codec - of `createGpuCodec`
 * @returns a line for each case that differs
 */
export async function compareCases(device, codec, { first = 0, count }) {
  const differences = [];
  for (let seed = first; seed < first + count; seed++) {
    const difference = await compareCase(device, codec, gpuCase(seed));
    if (difference) differences.push(`case ${seed}: ${difference}`);
  }
  return differences;
}

async function compareCase(device, codec, example) {
  const { feature, settings } = example;
  const expected = encodeByReference(example);
  const input = uploadFeature(device, feature);
  const frame =
    example.kind === 'bundled'
      ? await codec.encodeBundledFrame(input, settings)
      : await codec.encodeFrame(input, settings);
  input.buffer.destroy();
  const different = firstDifference(frame, expected);
  if (different >= 0)
    return `byte ${different} of ${frame.length}, reference ${expected.length}: ${describe(feature, settings)}`;
  const profiles = profilesOf(example);
  const decoded = await codec.decodeFrame(frame, { profiles });
  const elements = await downloadFeature(device, decoded);
  decoded.buffer.destroy();
  const reference = decodeFrame(frame, { profiles, backend: referenceBackend });
  const element = firstDifference(elements, new Uint8Array(reference.data.buffer));
  return element >= 0 ? `element ${element >> 2}: ${describe(feature, settings)}` : null;
}

function encodeByReference({ kind, feature, settings }, extras = {}) {
  const options = { ...settings, ...extras, backend: referenceBackend };
  return kind === 'bundled' ? encodeBundledFrame([feature], options) : encodeFrame(feature, options);
}

function profilesOf({ kind, settings }) {
  return new Map(kind === 'bundled' ? [[POINT, settings.profile]] : []);
}

/**
 * Mutates the frames of cases, half of them behind a right checksum, and compares what the GPU makes of them with the
 * reference: the same elements, the same `BitstreamError`, or that the GPU does not know a frame in which the reference finds
 * no defect before its payload.
 * @returns a line for each frame with another outcome
 */
export async function compareMutated(device, codec, { first = 0, count }) {
  const differences = [];
  for (let seed = first; seed < first + count; seed++) {
    const example = gpuCase(seed);
    const random = createRandom(seed + 1_000_000);
    const frame = mutate(encodeByReference(example, { digest: random.nextInteger(4) === 0 }), random);
    const expected = referenceOutcome(frame, profilesOf(example));
    const got = await gpuOutcome(device, codec, frame, profilesOf(example));
    const isUnknown =
      got === 'UnsupportedError' && /^elements|payload-mismatch|digest-mismatch/.test(expected);
    if (got !== expected && !isUnknown) differences.push(`case ${seed}: ${got}, reference ${expected}`);
  }
  return differences;
}

function mutate(frame, random) {
  const mutated = frame.slice(
    0,
    random.nextInteger(8) === 0 ? random.nextInteger(frame.length) : frame.length,
  );
  // Behind the preamble mostly, whose defects are found first.
  for (let i = random.nextInteger(4); i >= 0 && mutated.length > 8; i--) {
    const position = 4 + random.nextInteger(mutated.length - 4);
    mutated[position] ^= 1 << random.nextInteger(8);
  }
  if (random.nextInteger(2) === 0 && mutated.length > 4) {
    const end = mutated.length - 4;
    new DataView(mutated.buffer).setUint32(end, referenceBackend.crc32(mutated.subarray(0, end)), true);
  }
  return mutated;
}

/** Small, so that a mutated shape costs little time. */
const LIMITS = { maxElements: 2 ** 18 };

function referenceOutcome(frame, profiles) {
  try {
    const { shape, data } = decodeFrame(frame, { profiles, limits: LIMITS, backend: referenceBackend });
    return elementsOutcome(shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  } catch (error) {
    return errorOutcome(error);
  }
}

async function gpuOutcome(device, codec, frame, profiles) {
  try {
    const decoded = await codec.decodeFrame(frame, { profiles, limits: LIMITS });
    const bytes = await downloadFeature(device, decoded);
    decoded.buffer.destroy();
    return elementsOutcome(decoded.shape, bytes);
  } catch (error) {
    return error.name === 'UnsupportedError' ? error.name : errorOutcome(error);
  }
}

function elementsOutcome(shape, bytes) {
  return `elements of [${shape}], checksum ${referenceBackend.crc32(bytes)}`;
}

function errorOutcome(error) {
  return `${error.name} ${error.code}: ${error.message}`;
}

function describe({ shape }, { laneCount, chunkCount, coder, quantizer, profile }) {
  const kind = quantizer?.kind ?? profile.tensors[0].quantizer.kind;
  return `[${shape}], ${kind}, ${coder ?? profile.tensors[0].coder.kind}, ${laneCount} lanes, ${chunkCount} chunks`;
}

function firstDifference(bytes, expected) {
  if (bytes.length !== expected.length) return Math.min(bytes.length, expected.length);
  return bytes.findIndex((byte, i) => byte !== expected[i]);
}

/** A feature in a buffer of its own. */
export function uploadFeature(device, { shape, data }) {
  const usage = STORAGE | COPY_SRC | COPY_DST;
  const buffer = device.createBuffer({ label: 'input', size: data.byteLength, usage });
  device.queue.writeBuffer(buffer, 0, data);
  return { shape, buffer };
}

/** The bytes of a feature's elements. */
export async function downloadFeature(device, { shape, buffer }) {
  const size = elementCount(shape) * 4;
  const staging = device.createBuffer({ label: 'output', size, usage: MAP_READ | COPY_DST });
  const commands = device.createCommandEncoder();
  commands.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device.queue.submit([commands.finish()]);
  await staging.mapAsync(1);
  const bytes = new Uint8Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return bytes;
}
