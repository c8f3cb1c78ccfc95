/**
 * Real features for benchmarks: the split tensors of the evaluation networks on images of the evaluation data. Networks and
 * images are looked for in FEATHERWIRE_EVAL, then in ../shared/eval.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { loadModel } from '@featherwire/authoring';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import { tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const TENSORFLOW = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const BYTES = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
/** Name, input size, normalization and split tensors of each network. */
export const NETWORKS = [
  ['resnet20_cifar10', 32, IMAGENET, ['stem', 'stage1', 'stage2', 'stage3']],
  ['resnet56_cifar10', 32, IMAGENET, ['stem', 'stage1', 'stage2', 'stage3']],
  ['densenet40_cifar10', 32, BYTES, ['block1_concat', 'transition1', 'transition2', 'final_relu']],
  ['squeezenet1_1', 224, IMAGENET, ['pool1', 'pool3', 'pool5', 'fire9']],
  ['mobilenetv1_qat', 224, TENSORFLOW, ['conv5', 'conv9', 'conv13', 'conv23']],
  ['mobilenetv2_qat', 224, TENSORFLOW, ['add10', 'add21', 'dw23', 'add36', 'add58']],
  ['deeplabv3_mnv2_voc', 513, TENSORFLOW, ['add10', 'add21', 'add36', 'concat65']],
];
/** Share of the elements beyond each clip limit; the lower one of rectified tensors is 0. */
export const CLIPPED_SHARE = 0.005;

/** Directory of networks and images; ends the program, saying so, where there is none. */
export function findAssets() {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const assets = [process.env.FEATHERWIRE_EVAL, join(root, '../shared/eval')].find(
    (path) => path && existsSync(path),
  );
  if (assets) return assets;
  process.stderr.write('skipped: no evaluation networks; FEATHERWIRE_EVAL can name their directory\n');
  process.exit(0);
}

/** A network for one input of its size. */
export function loadNetwork(assets, network, size) {
  return loadModel(join(assets, 'models', `${network}.onnx`), { input: [1, 3, size, size] });
}

/** What a network gives at one of its tensors for each input. */
export async function featuresAt(model, tensor, inputs, inputName = 'input') {
  const { head } = splitModel(model.model, [tensor], { shapes: model.shapes });
  const session = await createLocalSession(serializeModel(head), { intraOpThreads: 2 });
  const features = [];
  for (const input of inputs) features.push((await session.run({ [inputName]: input })).outputs[tensor]);
  await session.close();
  return features;
}

/**
 * Goes through the split tensors of all networks with features of so many images.
 * @param visit - called with network, tensor and features, one after the other; its results are joined to a list
 */
export async function mapSplitTensors(imageCount, visit) {
  const assets = findAssets();
  const results = [];
  for (const [network, size, normalization, tensors] of NETWORKS) {
    const model = await loadNetwork(assets, network, size);
    const inputs = await readInputs(assets, size, normalization, imageCount);
    for (const tensor of tensors)
      results.push(...visit(network, tensor, await featuresAt(model, tensor, inputs)));
  }
  return results;
}

/** Limits that leave a share of the elements out, and whether any element is negative. */
export function clipLimits(features) {
  const all = new Float32Array(features.length * features[0].data.length);
  features.forEach(({ data }, i) => {
    all.set(data, i * data.length);
  });
  all.sort();
  const at = (share) => all[Math.round(share * (all.length - 1))];
  const signed = all[0] < 0;
  return { low: signed ? at(CLIPPED_SHARE) : 0, high: at(1 - CLIPPED_SHARE), signed };
}

/** Inputs for a network, at equal distances in its data set. @param split - `train` has other images for CIFAR-10 */
export async function readInputs(assets, size, { mean, std }, count, split = 'test') {
  const preprocessing = {
    kind: 'image',
    input: 'input',
    channelOrder: 'RGB',
    height: size,
    width: size,
    mean,
    std,
  };
  if (size === 32) return readCifar(assets, mean, std, count, split);
  const fit = size === 224 ? { fit: 'center-crop', resizeShortSide: 256 } : { fit: 'stretch' };
  const labels = JSON.parse(readFileSync(join(assets, 'imagenet/labels.json'), 'utf8'));
  const step = Math.floor(labels.length / count);
  const inputs = [];
  for (let i = 0; i < count; i++) {
    const bytes = readFileSync(join(assets, 'imagenet', labels[i * step].file));
    inputs.push(await tensorOfPicture(bytes, { ...preprocessing, ...fit }, DEFAULT_PICTURE_LIMITS));
  }
  return inputs;
}

/** CIFAR-10 images, 32 × 32 × 3 bytes each. */
function readCifar(assets, mean, std, count, split) {
  const read = (name) => readFileSync(join(assets, 'cifar10', name));
  const bytes = split === 'train' ? gunzipSync(read('train-images.bin.gz')) : read('images.bin');
  const step = Math.floor(bytes.length / 3072 / count);
  return Array.from({ length: count }, (_, i) => {
    const data = new Float32Array(3072);
    for (let pixel = 0; pixel < 1024; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const byte = bytes[i * step * 3072 + pixel * 3 + channel];
        data[channel * 1024 + pixel] = (byte / 255 - mean[channel]) / std[channel];
      }
    }
    return { dtype: 'float32', shape: [1, 3, 32, 32], data };
  });
}
