/**
 * The ImageNet pictures of the evaluation set: 300 of which the last are held out, and the 200 that `bench/calibration.mjs`
 * tests on. Copies for training differ in scale and are mirrored; labels are for the test alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import { tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { hit, rowOf } from './classes.mjs';

const SIDE = 224;
const SHORT_SIDE = 256;
const TEST = 200;
const HELD_OUT = 50;
/** Short sides that copies are scaled to before the center is taken, one after another. */
const COPY_SHORT_SIDES = [256, 256, 288, 240, 320, 272];

/** MobileNets with their pictures. */
export function openImagenet(assets, network) {
  const all = JSON.parse(readFileSync(join(assets, 'imagenet/labels.json'), 'utf8'));
  const every = all.length / TEST;
  const isTest = (i) => Math.floor((i + 1) / every) > Math.floor(i / every);
  const others = all.filter((_, i) => !isTest(i));
  const splits = {
    train: others.slice(0, -HELD_OUT),
    heldOut: others.slice(-HELD_OUT),
    test: all.filter((_, i) => isTest(i)),
  };
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
        const picture = await readPicture(join(assets, 'imagenet', file), Math.floor(item / pictures.length));
        data.set(picture, row * picture.length);
      }
      return { dtype: 'float32', shape: [items.length, 3, SIDE, SIDE], data };
    },
    score: (split, item, output, row) => hit(rowOf(output, row), splits[split][item].label),
  };
}

async function readPicture(file, copy) {
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
