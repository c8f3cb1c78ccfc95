/**
 * The CIFAR-10 images of the evaluation set as inputs of networks, with mirrored and shifted copies for training. The
 * last training images are held out: recipes are compared on them, and the test images choose nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { hit, oneHot, rowOf } from './classes.mjs';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const SIDE = 32;
const PIXELS = SIDE * SIDE;
const CHANNELS = 3;
const IMAGE_BYTES = PIXELS * CHANNELS;
const CLASSES = 10;
/** Classes follow one another in the files, so that the held-out images have as many of each. */
const HELD_OUT = 1000;
/** Largest shift of a copy in pixels. */
const MAX_SHIFT = 4;

/** A network of the evaluation set with its images. */
export function openCifar10(assets, network) {
  const read = (name) => readFileSync(join(assets, 'cifar10', name));
  const bytes = gunzipSync(read('train-images.bin.gz'));
  const labels = read('train-labels.bin');
  const kept = labels.length - HELD_OUT;
  const splits = {
    train: { bytes: bytes.subarray(0, kept * IMAGE_BYTES), labels: labels.subarray(0, kept) },
    heldOut: { bytes: bytes.subarray(kept * IMAGE_BYTES), labels: labels.subarray(kept) },
    test: { bytes: read('images.bin'), labels: read('labels.bin') },
  };
  return {
    model: join(assets, 'models', `${network}.onnx`),
    input: 'input',
    inputShape: [CHANNELS, SIDE, SIDE],
    output: 'logits',
    metric: 'top-1 %',
    counts: Object.fromEntries(Object.entries(splits).map(([name, split]) => [name, split.labels.length])),
    inputs: async (split, items) => inputsOf(splits[split], items),
    labels: (split, items) =>
      oneHot(
        items.map((item) => splits[split].labels[item % splits[split].labels.length]),
        CLASSES,
      ),
    score: (split, item, output, row) => hit(rowOf(output, row), splits[split].labels[item]),
  };
}

/**
 * Inputs [N, 3, 32, 32]; item k is copy ⌊k / images⌋ of image k modulo images. Copy 0 is the image, copy 1 its mirror
 * image, further copies are shifted and, every other one, mirrored.
 */
function inputsOf({ bytes, labels }, items) {
  const data = new Float32Array(items.length * IMAGE_BYTES);
  for (const [row, item] of items.entries()) {
    const start = (item % labels.length) * IMAGE_BYTES;
    placeImage(bytes, start, variation(item, Math.floor(item / labels.length)), data, row * IMAGE_BYTES);
  }
  return { dtype: 'float32', shape: [items.length, CHANNELS, SIDE, SIDE], data };
}

function variation(item, copy) {
  if (copy < 2) return { mirrored: copy === 1, dx: 0, dy: 0 };
  const hash = Math.imul(item ^ 0x9e3779b1, 0x85ebca6b) >>> 8;
  const span = 2 * MAX_SHIFT + 1;
  return {
    mirrored: copy % 2 === 1,
    dx: (hash % span) - MAX_SHIFT,
    dy: ((hash >> 9) % span) - MAX_SHIFT,
  };
}

/** Normalized channels of an image; what a shift leaves open is black. */
function placeImage(bytes, start, { mirrored, dx, dy }, data, at) {
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [fromX, fromY] = [(mirrored ? SIDE - 1 - x : x) + dx, y + dy];
      const isInside = fromX >= 0 && fromX < SIDE && fromY >= 0 && fromY < SIDE;
      for (let c = 0; c < CHANNELS; c++) {
        const byte = isInside ? bytes[start + (fromY * SIDE + fromX) * CHANNELS + c] : 0;
        data[at + c * PIXELS + y * SIDE + x] = (byte / 255 - MEAN[c]) / STD[c];
      }
    }
  }
}
