/**
 * The claims of the three publications that this project builds on, each with what is measured here under the same
 * definition, or with the reason why nothing is:
 * - A: Sung, Im, Palakonda and Kang, arXiv 2511.11664: quantization, a sparse layout and rANS,
 * - B: Cohen, Choi and Bajić, arXiv 2105.07102 and 2105.06002: clip limits from a model of the activation,
 * - C: Datta, Ahuja, Somayazulu and Tickoo, arXiv 2208.11596, and the neural rate estimator that followed (CVPR 2023):
 *   bottleneck units.
 *
 * Rates and accuracies come from the committed results that are named with each figure, where every rate is that of frames
 * that were decoded before the accuracy was taken. Clip limits and times are measured by this run.
 *
 * Usage: npm run build && node bench/papers.mjs > results/papers.json
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { bestHighOfModel, fitActivationModel, loadBackend } from '@featherwire/codec';
import {
  bitsPerElement,
  bjontegaardQuality,
  bytesOfPixelRate,
  createFrameCoder,
  createPaperACoder,
  factorOverFloat32,
  syntheticFeature,
} from '@featherwire/eval';
import { quantiles } from '@featherwire/inference';

/** Loss in points that A calls near the baseline. */
const NEAR_LOSS = 0.2;
/** The feature that times are of; that of A is not known. */
const TIMED_SHAPE = [128, 28, 28];
const TIMED_BITS = 4;
const ROUNDS = 31;
const WARM_UP = 5;
/** Moments of the features as B gives them, slope of the activation 0.1, with its limits for 2 and 4 levels. */
const PUBLISHED_LIMITS = [
  { id: 'B3', feature: 'ResNet-50, layer 21', mean: 1.1235656, variance: 4.9280124, limits: [5.184, 9.036] },
  { id: 'B4', feature: 'YOLOv3, layer 12', mean: 0.4484323, variance: 0.5742644, limits: [1.674, 2.918] },
];
/** What C splits: elements of the feature, sides of the picture. */
const PUBLISHED_CUTS = { s1: 2048 * 7 * 7, s3: 1024 * 14 * 14, pixels: 224 ** 2 };

const read = (name) => JSON.parse(readFileSync(new URL(`../results/${name}.json`, import.meta.url), 'utf8'));
const round = (value, digits) => Number(value.toFixed(digits));

const claims = [
  sizeClaim(read('accuracy-rates').rows),
  {
    id: 'A2',
    published: '2.8 times smaller than DietGPU (second-hand)',
    reason: 'DietGPU codes bytes of half-precision floats on a GPU by CUDA, which this project does not run.',
  },
  ...(await timeClaims()),
  nearLossClaim(read('accuracy-rates').rows),
  {
    id: 'A6',
    published: 'ResNet, VGG16, MobileNetV2, SwinT, DenseNet121, EfficientNetB0; Llama2 on seven benchmarks',
    figures: breadthFigures(read('accuracy-rates').rows),
    source: 'results/accuracy-rates.json',
    conditions: 'no transformer and no language model: their weights are not among what is evaluated here',
  },
  elementRateClaim(read('accuracy-rates').rows),
  videoClaim(read('x265-rates').rows),
  ...PUBLISHED_LIMITS.map(limitClaim),
  ...unitClaims(read('calibration').rows, read('train-units').rows),
];
const machine = { processor: cpus()[0]?.model.trim(), node: process.version };
const command = 'node bench/papers.mjs';
process.stdout.write(`${JSON.stringify({ command, machine, claims }, null, 1)}\n`);

/** Least bits per element of a coder within a loss; null if it never is. */
function leastRate({ tried }, coders, maxLoss) {
  const rates = tried
    .filter(({ loss }) => loss <= maxLoss)
    .flatMap(({ rates }) => coders.flatMap((coder) => (coder in rates ? [rates[coder]] : [])));
  return rates.length === 0 ? null : Math.min(...rates);
}

/** Rates of a method over all features, those that it reaches. */
function ratesOf(rows, coders, maxLoss) {
  return rows.map((row) => leastRate(row, coders, maxLoss)).filter((rate) => rate !== null);
}

function median(values) {
  return quantiles(values).p50;
}

function sizeClaim(rows) {
  const figure = (label, coders) => {
    const factors = ratesOf(rows, coders, NEAR_LOSS).map(factorOverFloat32);
    return {
      label,
      value: `${round(Math.max(...factors), 1)} at most, ${round(median(factors), 1)} the median of ${factors.length} features`,
    };
  };
  return {
    id: 'A1',
    published: 'up to 7.2 times smaller than binary serialization (second-hand)',
    figures: [figure('A', ['a']), figure('ours', ['contexts', 'binary'])],
    source: 'results/accuracy-rates.json',
    conditions: `times smaller than raw float32, at a loss of at most ${NEAR_LOSS} points; whether the published baseline is float32 or packed integers is not known`,
  };
}

function nearLossClaim(rows) {
  const figure = (label, coders) => {
    const reached = ratesOf(rows, coders, NEAR_LOSS);
    return {
      label,
      value: `reached on ${reached.length} of ${rows.length} features, at a median of ${round(median(reached), 2)} bits per element`,
    };
  };
  return {
    id: 'A5',
    published: 'accuracy within 0.2 points of the baseline (second-hand)',
    figures: [figure('A', ['a']), figure('ours', ['contexts', 'binary'])],
    source: 'results/accuracy-rates.json',
    conditions: `the cheapest setting that loses no more than ${NEAR_LOSS} points on 400 or 120 images, where one image is 0.25 or 0.8 points`,
  };
}

function breadthFigures(rows) {
  const networks = [...new Set(rows.map(({ network }) => network))];
  return [{ label: 'both', value: `${rows.length} features of ${networks.join(', ')}` }];
}

function elementRateClaim(rows) {
  const figure = (label, coders) => {
    const rates = ratesOf(rows, coders, 1);
    const low = rates.filter((rate) => rate <= 0.8).length;
    return {
      label,
      value: `0.8 or less on ${low} of ${rows.length} features, a median of ${round(median(rates), 2)} on the ${rates.length} where the loss is kept`,
    };
  };
  return {
    id: 'B1',
    published: '0.6 to 0.8 bits per element below 1 % of loss, no retraining (abstract)',
    figures: [figure('B', ['b']), figure('ours', ['contexts', 'binary'])],
    source: 'results/accuracy-rates.json',
    conditions:
      'bits per element at a loss of at most one point; other networks than the published ResNet-50 and YOLOv3, without its entropy-constrained quantizer, of up to 16 levels',
  };
}

/** Mean difference of accuracy at equal rate, with uniform levels, which are nearest to B, and with components. */
function videoClaim(rows) {
  const figures = ['levels', 'components 8'].map((way) => {
    const gains = rows.flatMap(({ x265, ours }) => {
      const own = ours.find((one) => one.way === way);
      const curves = [x265, own.points].map((points) =>
        points.map(({ rate, accuracy }) => ({ rate, quality: accuracy })),
      );
      const gain = bjontegaardQuality(...curves, { method: 'linear' });
      return gain === null ? [] : [gain];
    });
    const list = gains.map((gain) => `${gain < 0 ? '−' : '+'}${Math.abs(gain).toFixed(1)}`).join(', ');
    return { label: `ours, ${way}`, value: `${list} points` };
  });
  return {
    id: 'B2',
    published: 'up to 1.3 % more accuracy than HEVC (abstract)',
    figures,
    source: 'results/x265-rates.json',
    conditions:
      'mean difference of accuracy over the rates that both reach, cut by cut; x265 on the tiled feature in place of HM with tools for screen content; 100 or 40 images, so that single points are noise',
  };
}

function limitClaim({ id, feature, mean, variance, limits }) {
  const model = fitActivationModel({ mean, variance }, { slope: 0.1 });
  const own = [2, 4].map((levelCount) => bestHighOfModel(model, levelCount).toFixed(3));
  return {
    id,
    published: `clip limits of ${feature}: ${limits.map((limit) => limit.toFixed(3)).join(' and ')} for 2 and 4 levels`,
    figures: [{ label: 'ours', value: own.join(' and ') }],
    source: 'this run',
    conditions: `the model of the activation fitted to mean ${mean} and variance ${variance}, slope 0.1, lower limit 0`,
  };
}

async function timeClaims() {
  const backend = await loadBackend();
  const feature = syntheticFeature(TIMED_SHAPE);
  const quantizer = { kind: 'asymmetric', bits: TIMED_BITS, range: { kind: 'minmax' } };
  const coders = {
    A: createPaperACoder(TIMED_BITS, backend),
    ours: createFrameCoder('ours', { quantizer, layout: 'dense', coder: 'rans', backend }),
  };
  const times = { A: [], ours: [] };
  for (let turn = 0; turn < WARM_UP + ROUNDS; turn++) {
    for (const [name, coder] of Object.entries(coders)) {
      const { encodeMs, decodeMs } = await coder.code([feature]);
      if (turn >= WARM_UP) times[name].push({ encodeMs, decodeMs });
    }
  }
  const claim = (id, key, published) => ({
    id,
    published,
    figures: Object.entries(times).map(([label, list]) => {
      const { p50, p95 } = quantiles(list.map((one) => one[key]));
      return { label, value: `${p50.toFixed(2)} ms, 95th percentile ${p95.toFixed(2)}` };
    }),
    source: 'this run',
    conditions: `one thread of a processor, ${TIMED_SHAPE.join('×')} at ${TIMED_BITS} bits, a table in every frame, rounds in turns on a shared machine; the published GPU and shape are not known`,
  });
  return [
    claim('A3', 'encodeMs', 'encoding in 0.705 to 0.739 ms on a GPU (second-hand)'),
    claim('A4', 'decodeMs', 'decoding in 0.479 to 0.517 ms on a GPU (second-hand)'),
  ];
}

/** C is of ResNet-50 on ImageNet; the same places in ResNet-56 on CIFAR-10 stand beside it, per element of what is cut. */
function unitClaims(calibrations, units) {
  const published = (pixelRate, elements) => {
    const bytes = bytesOfPixelRate(pixelRate, PUBLISHED_CUTS.pixels);
    return `${Math.round(bytes)} bytes, ${bitsPerElement(bytes, elements).toFixed(4)} bits per element of the uncoded feature`;
  };
  const last = calibrations.find(({ tensor }) => tensor === 'stage3');
  const pointOf = (id) => last.ladder.find((point) => point.id === id);
  const calibrated = ({ bytes, loss }) =>
    `${bytes} bytes, ${bitsPerElement(bytes, last.elements).toFixed(4)} bits per element, ${loss} points of loss`;
  const coarse = last.ladder.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  /** The smallest point of a unit at a cut within a loss; published losses, so that nothing is picked by the result. */
  const unitWithin = (tensor, maxLoss) =>
    units
      .filter((row) => row.tensor === tensor && row.test && row.parameters)
      .flatMap(({ test, parameters, codings }) =>
        test.points.map((point, i) => ({ ...point, parameters, coding: codings[i] })),
      )
      // Published figures are of single pictures.
      .filter(({ loss, coding }) => loss <= maxLoss && !coding.endsWith('items a frame'))
      .reduce((a, b) => (b.bytes < a.bytes ? b : a));
  const withUnit = ({ bytes, loss }, { elements }) => ({
    label: 'ours, with a unit',
    value: `${bytes} bytes, ${bitsPerElement(bytes, elements).toFixed(4)} bits per element, ${loss} points of loss`,
  });
  const middle = calibrations.find(({ tensor }) => tensor === 'stage2');
  const before = unitWithin('stage2', 1.5);
  const other =
    'another network and other pictures: ResNet-56 on CIFAR-10, ten classes, at the same place of the network; per element, since pixels of other pictures say nothing';
  const test = { bytes: last.test.bytes, loss: last.test.loss };
  return [
    {
      id: 'C1',
      published: `before the pooling, 0.7 points of loss: 0.0698 bits per pixel, ${published(0.0698, PUBLISHED_CUTS.s1)}`,
      figures: [
        { label: 'ours, without a unit', value: `${calibrated(test)} on test pictures` },
        withUnit(unitWithin('stage3', 0.7), last),
      ],
      source: `results/calibration.json, ${pointOf('max-loss-1').id}; results/train-units.json`,
      conditions: other,
    },
    {
      id: 'C2',
      published: `before the pooling, 5.4 points of loss: 0.0054 bits per pixel, ${published(0.0054, PUBLISHED_CUTS.s1)}`,
      figures: [{ label: 'ours, without a unit', value: calibrated(coarse) }],
      source: `results/calibration.json, ${coarse.id}`,
      conditions: `${other}; on calibration pictures that nothing was chosen on`,
    },
    {
      id: 'C3',
      published: `before the last stage, 1.5 points of loss: 0.224 bits per pixel, ${published(0.224, PUBLISHED_CUTS.s3)}`,
      figures: [withUnit(before, middle)],
      source: 'results/train-units.json',
      conditions: `${other}; the smallest point within the published loss on the test pictures`,
    },
    {
      id: 'C4',
      published: '0.662 mean overlap of 0.664 at 0.0385 bits per pixel in DeepLab V3, second split',
      reason: 'No unit has been trained for a segmentation network here; the published one is of ResNet-50.',
    },
    {
      id: 'C5',
      published: '0.57 M parameters in a unit, 2.2 % of those of ResNet-50',
      figures: [{ label: 'ours', value: `${before.parameters} parameters in the unit of C3` }],
      source: 'results/train-units.json',
      conditions: 'both halves; ResNet-56 is thirty times as small as ResNet-50',
    },
    {
      id: 'C6',
      published: '74.56 % at 0.094 and 73.5 % at 0.106 bits per pixel without labels',
      reason:
        'The units here that were trained without labels are the start of others and were not measured by themselves.',
    },
    {
      id: 'C, coding',
      published: 'Huffman codes by tables of frequencies, whose redundancy over the entropy is 0.4 to 65 %',
      reason:
        'The published tables and weights are not at hand; `featherwire import-unit` reads them and prints the bytes of their Huffman code beside ours.',
    },
  ];
}
