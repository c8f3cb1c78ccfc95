/**
 * The ImageNet pictures of the evaluation set: 300 of which the last are held out, and the 200 that `bench/calibration.mjs`
 * tests on. Copies for training differ in scale and are mirrored; or they are random crops, of the pictures for
 * segmentation too. Labels are for the test alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import { tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { hit, rowOf } from './classes.mjs';
import { cropOf } from './crops.mjs';

const SIDE = 224;
const SHORT_SIDE = 256;
const TEST = 200;
const HELD_OUT = 50;
/** Short sides that copies are scaled to before the center is taken, one after another. */
const COPY_SHORT_SIDES = [256, 256, 288, 240, 320, 272];

/**
 * MobileNets with their pictures.
 * @param variety - of the copies that are trained on: `scales`, or `crops`, the first of which is the picture's center
 */
export function openImagenet(assets, network, variety = 'scales') {
  const all = JSON.parse(readFileSync(join(assets, 'imagenet/labels.json'), 'utf8'));
  const every = all.length / TEST;
  const isTest = (i) => Math.floor((i + 1) / every) > Math.floor(i / every);
  const located = all.map(({ file, label }) => ({ file: join(assets, 'imagenet', file), label }));
  const others = located.filter((_, i) => !isTest(i));
  const splits = {
    train: [...others.slice(0, -HELD_OUT), ...(variety === 'crops' ? unlabeledPictures(assets) : [])],
    heldOut: others.slice(-HELD_OUT),
    test: located.filter((_, i) => isTest(i)),
  };
  const readCopy = variety === 'crops' ? readCrop : readScaled;
  return {
    model: join(assets, 'models', `${network}.onnx`),
    input: 'input',
    inputShape: [3, SIDE, SIDE],
    output: 'logits',
    metric: 'top-1 %',
    counts: Object.fromEntries(Object.entries(splits).map(([name, split]) => [name, split.length])),
    async inputs(split, items) {
      const pictures = splits[split];
      const data = new Float32Array(items.length * 3 * SIDE * SIDE);
      for (const [row, item] of items.entries()) {
        const { file } = pictures[item % pictures.length];
        const picture = await readCopy(file, Math.floor(item / pictures.length), item);
        data.set(picture, row * picture.length);
      }
      return { dtype: 'float32', shape: [items.length, 3, SIDE, SIDE], data };
    },
    score: (split, item, output, row) => hit(rowOf(output, row), splits[split][item].label),
  };
}

/** The pictures for segmentation; classes of ImageNet are not told of them. */
function unlabeledPictures(assets) {
  const directory = join(assets, 'segmentation/images');
  return readdirSync(directory)
    .sort()
    .map((name) => ({ file: join(directory, name) }));
}

/** The center of a picture, or a crop of it. @param item - the crop's number */
async function readCrop(file, copy, item) {
  if (copy === 0) return readScaled(file, copy);
  const bytes = await cropOf(file, SIDE, item);
  const data = new Float32Array(bytes.length);
  for (let at = 0; at < SIDE * SIDE; at++)
    for (let channel = 0; channel < 3; channel++)
      data[channel * SIDE * SIDE + at] = bytes[3 * at + channel] / 127.5 - 1;
  return data;
}

async function readScaled(file, copy) {
  const preprocessing = {
    kind: 'image',
    input: 'input',
    channelOrder: 'RGB',
    height: SIDE,
    width: SIDE,
    fit: 'center-crop',
    resizeShortSide: COPY_SHORT_SIDES[copy] ?? SHORT_SIDE,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  };
  const { data } = await tensorOfPicture(readFileSync(file), preprocessing, DEFAULT_PICTURE_LIMITS);
  if (copy % 2 === 1) for (let at = 0; at < data.length; at += SIDE) data.subarray(at, at + SIDE).reverse();
  return data;
}
