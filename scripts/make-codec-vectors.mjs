/**
 * Adds decoder vectors: frames in `packages/codec/test/vectors/v1`, each beside the tensor it decodes to, and
 * defective frames in `packages/codec/test/vectors/bad`. Existing vectors are never changed (docs/determinism.md);
 * run it after adding a case here. Usage: node scripts/make-codec-vectors.mjs
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import {
  decodeFrame,
  decodeTensors,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  encodeTensors,
  referenceBackend,
  writeProfile,
} from '@featherwire/codec';
import { writeNpy } from '@featherwire/tensor';
import { bad, handmade, handmadeSection } from './codec-vectors/bad-frames.mjs';
import { features, float32, normal, relu, squareLevels } from './codec-vectors/features.mjs';
import * as fine from './codec-vectors/fine-contexts.mjs';
import { good } from './codec-vectors/good-frames.mjs';

const directory = fileURLToPath(new URL('../packages/codec/test/vectors', import.meta.url));
const minmax = { kind: 'minmax' };

mkdirSync(join(directory, 'v1'), { recursive: true });
mkdirSync(join(directory, 'bad'), { recursive: true });
for (const [name, feature, quantizer, laneCount, coder = 'rans', layout = 'dense'] of good) {
  const frame = encodeFrame(feature, {
    quantizer,
    coder,
    layout,
    backend: referenceBackend,
    ...(laneCount ? { laneCount } : {}),
  });
  add(`v1/${name}.fwf`, frame);
  add(`v1/${name}.npy`, writeNpy(decodeFrame(frame, { backend: referenceBackend })));
}
for (const [name, code, frame] of [...bad, ...fine.bad]) add(`bad/${name}.${code}.fwf`, frame);

addOtherForms();

/** Frames of section 15: bundled ones beside their profile, chunks, digests, several tensors. */
function addOtherForms() {
  const backend = referenceBackend;
  const samples = [30, 31].map((seed) => float32([6, 8, 9], features(432, seed, relu)));
  const groups = {
    kind: 'grouped',
    levelCount: 5,
    axis: 0,
    groupCount: 3,
    range: { kind: 'fixed', limits: [1, 2, 4].map((high) => ({ low: 0, high })) },
  };
  const spectral = {
    kind: 'spectral',
    blockSize: 2,
    levelCount: 15,
    weights: [16, 24, 24, 40],
    steps: [1, 1.5, 2, 1, 0.5, 1].map((step) => step / 64),
    means: [0, 0.25, 0.5, 0, -0.5, 1],
    kept: Array.from({ length: 24 }, (_, at) => at < 20 && at !== 7),
  };
  const squares = squareLevels(6);
  const uniform4 = { kind: 'uniform', levelCount: 4, range: minmax };
  const profiles = {
    'bundled-static-4-levels': [{ quantizer: uniform4 }],
    'bundled-short-4-levels': [{ quantizer: uniform4, varyingAxes: [1] }],
    'bundled-varying-rows-digest': [{ quantizer: squares, varyingAxes: [1] }],
    'bundled-contexts-4-levels': [{ quantizer: uniform4, coder: 'rans-contexts', varyingAxes: [1] }],
    'bundled-packed-3-levels-chunked': [
      { quantizer: { ...uniform4, levelCount: 3 }, coder: 'rans-packed', varyingAxes: [1] },
    ],
    'bundled-spectral-blocks-of-2': [{ quantizer: spectral }],
    'bundled-two-tensors-chunked': [
      { quantizer: groups },
      { quantizer: { kind: 'asymmetric', bits: 9, range: minmax } },
    ],
  };
  for (const [name, tensors] of Object.entries(profiles)) {
    const profile = {
      tensors: tensors.map((options) => designTensorProfile(samples, { ...options, backend })),
      ...(name.includes('short') && { shortFrames: true }),
    };
    const inputs = tensors.map(({ varyingAxes }, i) => {
      const shape = varyingAxes ? [6, 11, 9] : [6, 8, 9];
      return float32(shape, features(shape[0] * shape[1] * shape[2], 40 + i, relu));
    });
    const extras = { digest: name.includes('digest'), chunkCount: name.includes('chunked') ? 4 : 1 };
    const frame = encodeBundledFrame(inputs, { profile, point: 0, sequenceNumber: 1000, ...extras, backend });
    addTensors(`v1/${name}`, frame, { backend, profiles: new Map([[0, profile]]) });
    add(`v1/${name}.fwp`, writeProfile(profile));
  }
  const underFine = new Map([[0, fine.profile]]);
  addTensors('v1/bundled-fine-contexts-6-levels', fine.bundled, { backend, profiles: underFine });
  add('v1/bundled-fine-contexts-6-levels.fwp', fine.profileBytes);
  addTensors('v1/fine-contexts-6-levels', fine.own, { backend });
  addTensors('v1/fine-contexts-of-the-model', fine.unchanged, { backend });
  const quantizer = { kind: 'uniform', levelCount: 9, range: minmax };
  const chunked = encodeFrame(float32([7, 10, 10], features(700, 50, normal)), {
    quantizer,
    chunkCount: 3,
    digest: true,
    backend,
  });
  addTensors('v1/chunks-and-digest', chunked, { backend });
  const several = [
    { feature: float32([5, 6], features(30, 51, normal)), quantizer },
    {
      feature: { dtype: 'uint8', shape: [40], data: new Uint8Array(40).fill(9) },
      quantizer: { kind: 'integer' },
    },
    { feature: float32([2, 0], new Float32Array(0)), quantizer },
  ];
  addTensors('v1/several-tensors', encodeTensors(several, { backend, digest: true }), { backend });
  const bundled = handmade([0x10, 0, 0]);
  add('bad/point-without-a-profile.unknown-point.fwf', bundled);
  add('bad/short-without-a-profile.unknown-point.fwf', Uint8Array.of(0xf6, 0, 0, 0x84, 0, 0));
  add(
    'bad/short-beyond-its-length.invalid-field.fwf',
    Uint8Array.from({ length: 4096 }, (_, i) => (i ? 0 : 0xf6)),
  );
  add('bad/no-options.reserved-bits.fwf', handmade([0x40, 0]));
  add('bad/options-beyond-the-known.reserved-bits.fwf', handmade([0x40, 8]));
  add('bad/several-and-bundled.reserved-bits.fwf', handmade([0x50, 4]));
  add('bad/one-of-several.invalid-field.fwf', handmade([0x40, 4, 1]));
  add('bad/no-chunks.invalid-field.fwf', handmade([0x40, 2, 0x31, 12, 8, 0, 0, 0, 0x80, 0x3f, 0]));
  add('bad/static-coder-of-no-profile.invalid-field.fwf', handmadeSection([0x80, 1]));
  const damaged = chunked.slice();
  damaged[damaged.length - 8] ^= 1;
  new DataView(damaged.buffer).setUint32(damaged.length - 4, crc32(damaged.subarray(0, -4)), true);
  add('bad/digest-of-another-tensor.digest-mismatch.fwf', damaged);
}

/** A frame and the tensors it decodes to, numbered if they are several. */
function addTensors(name, frame, options) {
  add(`${name}.fwf`, frame);
  const tensors = decodeTensors(frame, options);
  tensors.forEach((tensor, i) => {
    add(tensors.length === 1 ? `${name}.npy` : `${name}.${i}.npy`, writeNpy(tensor));
  });
}

function add(file, bytes) {
  const path = join(directory, file);
  if (existsSync(path)) return;
  writeFileSync(path, bytes);
  process.stdout.write(`${file}: ${bytes.length} bytes\n`);
}
