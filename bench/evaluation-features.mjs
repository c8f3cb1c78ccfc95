/**
 * Features of the evaluation networks at their split tensors, for benchmarks. Networks and images are looked for in
 * FEATHERWIRE_EVAL, then in ../shared/eval; without them a benchmark ends with a line on standard error.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadModel } from '@featherwire/authoring';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import { tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel, splitModel } from '@featherwire/onnx';

const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const TENSORFLOW = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const BYTES = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
const NETWORKS = [
  ['resnet20_cifar10', 32, IMAGENET, ['stem', 'stage1', 'stage2', 'stage3']],
  ['resnet56_cifar10', 32, IMAGENET, ['stem', 'stage1', 'stage2', 'stage3']],
  ['densenet40_cifar10', 32, BYTES, ['block1_concat', 'transition1', 'transition2', 'final_relu']],
  ['squeezenet1_1', 224, IMAGENET, ['pool1', 'pool3', 'pool5', 'fire9']],
  ['mobilenetv1_qat', 224, TENSORFLOW, ['conv5', 'conv9', 'conv13', 'conv23']],
  ['mobilenetv2_qat', 224, TENSORFLOW, ['add10', 'add21', 'dw23', 'add36', 'add58']],
  ['deeplabv3_mnv2_voc', 513, TENSORFLOW, ['add10', 'add21', 'add36', 'concat65']],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const assets = [process.env.FEATHERWIRE_EVAL, join(root, '../shared/eval')].find(
  (path) => path && existsSync(path),
);
if (!assets) {
  process.stderr.write('skipped: no evaluation networks; FEATHERWIRE_EVAL can name their directory\n');
  process.exit(0);
}

/**
 * Runs the head of every split tensor on so many images.
 * @param visit - called with network, tensor and features, one after the other; its results are joined to a list
 */
export async function mapSplitTensors(imageCount, visit) {
  const results = [];
  for (const [network, size, normalization, tensors] of NETWORKS) {
    const model = await loadModel(join(assets, 'models', `${network}.onnx`), { input: [1, 3, size, size] });
    const inputs = await readInputs(size, normalization, imageCount);
    for (const tensor of tensors) {
      const { head } = splitModel(model.model, [tensor], { shapes: model.shapes });
      const session = await createLocalSession(serializeModel(head), { intraOpThreads: 2 });
      const features = [];
      for (const input of inputs) features.push((await session.run({ input })).outputs[tensor]);
      await session.close();
      results.push(...visit(network, tensor, features));
    }
  }
  return results;
}

async function readInputs(size, { mean, std }, count) {
  const preprocessing = {
    kind: 'image',
    input: 'input',
    channelOrder: 'RGB',
    height: size,
    width: size,
    mean,
    std,
  };
  if (size === 32) return readCifar(mean, std, count);
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

/** CIFAR-10 test images, 32 × 32 × 3 bytes each. */
function readCifar(mean, std, count) {
  const bytes = readFileSync(join(assets, 'cifar10/images.bin'));
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
