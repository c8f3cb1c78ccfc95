/** The training step and the loop over it, on a small network. */

import { decodeFrame, encodeBundledFrame, loadBackend } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import { createRandom, type TensorOf, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { adamCorrections } from '../src/training/adam.js';
import {
  initialState,
  runTraining,
  type StepReport,
  type TrainingState,
  trainedParameters,
} from '../src/training/run-training.js';
import { STEP_INPUT, type StepOptions } from '../src/training/step.js';
import { exportUnit, LATENT_NAME } from '../src/units/export-unit.js';
import { designLatentProfile } from '../src/units/latent-profile.js';
import { settingsOf, tinyTask } from './tiny-task.js';

async function train(
  overrides: Partial<Parameters<typeof settingsOf>[0]> = {},
  stepOptions: Partial<StepOptions> = {},
) {
  const { step, data } = await tinyTask(stepOptions);
  const session = await createLocalSession(serializeModel(step.model));
  const reports: StepReport[] = [];
  const states: TrainingState[] = [];
  try {
    const state = await runTraining({
      ...settingsOf(overrides),
      step,
      data,
      session,
      onStep(report, reached) {
        reports.push(report);
        states.push(reached);
      },
    });
    return { state, states, reports };
  } finally {
    await session.close();
  }
}

const meanOf = (reports: readonly StepReport[], key: 'distortion' | 'rate' | 'loss'): number =>
  reports.reduce((sum, report) => sum + report[key], 0) / reports.length;

describe('training', () => {
  test('distortion falls', async () => {
    const { reports } = await train({ lambda: 0.001 });
    expect(meanOf(reports.slice(-20), 'distortion')).toBeLessThan(
      0.5 * meanOf(reports.slice(0, 5), 'distortion'),
    );
  });

  test('a larger lambda gives a smaller rate and a larger distortion', async () => {
    const [fine, coarse] = [await train({ lambda: 0.001 }), await train({ lambda: 0.1 })];
    expect(meanOf(coarse.reports.slice(-20), 'rate')).toBeLessThan(
      0.7 * meanOf(fine.reports.slice(-20), 'rate'),
    );
    expect(meanOf(coarse.reports.slice(-20), 'distortion')).toBeGreaterThan(
      meanOf(fine.reports.slice(-20), 'distortion'),
    );
  });

  test('free bits cost nothing: loss is distortion and lambda times what is above them', async () => {
    const { reports } = await train({ lambda: 0.5, freeBits: 60 });
    for (const { loss, distortion, rate } of reports) {
      expect(loss).toBeCloseTo(distortion + 0.5 * Math.max(0, rate - 60), 3);
    }
    expect(meanOf(reports.slice(-20), 'rate')).toBeGreaterThan(40);
    expect(meanOf(reports.slice(-20), 'rate')).toBeLessThan(70);
  });

  const OTHER_LOSSES: Readonly<Record<string, Partial<StepOptions>>> = {
    labels: { distortion: [{ kind: 'labels', tensor: 'scores' }] },
    divergence: { distortion: [{ kind: 'divergence', tensor: 'scores' }] },
    'squared error at the cut and at the output': {
      distortion: [
        { kind: 'squared-error', tensor: 'feature' },
        { kind: 'squared-error', tensor: 'scores', weight: 2 },
      ],
    },
    'the absolute sum as the rate': { rate: 'absolute-sum' },
    'a hyperprior as the rate': { rate: 'hyperprior' },
  };
  test.each(Object.entries(OTHER_LOSSES))('%s: the loss falls', async (_, stepOptions) => {
    const { reports } = await train({ lambda: 0.001 }, stepOptions);
    expect(meanOf(reports.slice(-20), 'loss')).toBeLessThan(0.8 * meanOf(reports.slice(0, 5), 'loss'));
  });

  test('targets that the step computes are those that it would be given', async () => {
    const { step } = await tinyTask({ targets: 'computed' });
    expect(step.targets).toEqual([]);
    const [given, computed] = [await train(), await train({}, { targets: 'computed' })];
    // Features are kept in half precision; targets are given from whole ones.
    for (const [i, { distortion }] of computed.reports.slice(0, 5).entries()) {
      expect(distortion / given.reports[i].distortion).toBeCloseTo(1, 2);
    }
  });

  test('labels are given, whatever else the step computes', async () => {
    const distortion = [
      { kind: 'labels', tensor: 'scores' },
      { kind: 'squared-error', tensor: 'r' },
    ] as const;
    const { step } = await tinyTask({ distortion, targets: 'computed' });
    expect(step.targets.map(({ name }) => name)).toEqual(['labels.scores']);
    const { reports } = await train({ lambda: 0.001 }, { distortion, targets: 'computed' });
    expect(meanOf(reports.slice(-20), 'loss')).toBeLessThan(0.8 * meanOf(reports.slice(0, 5), 'loss'));
  });

  test('a run taken up in the middle ends in the same parameters', async () => {
    const { step, data } = await tinyTask();
    const session = await createLocalSession(serializeModel(step.model));
    const settings = settingsOf({});
    const half = { ...(await train()).state };
    let middle = initialState(step, settings.seed);
    const stop = new AbortController();
    const first = runTraining({
      ...settings,
      step,
      data,
      session,
      signal: stop.signal,
      onStep(report, state) {
        if (report.step < 37) return;
        middle = state;
        stop.abort(new Error('stopped'));
      },
    });
    await expect(first).rejects.toThrow('stopped');
    const rest = await runTraining({ ...settings, step, data, session, from: middle });
    await session.close();
    expect(middle.step).toBe(37);
    expect(rest.parameters).toEqual(half.parameters);
    expect(rest.average).toEqual(half.average);
  });

  test('what a run comes to is the mean of the parameters of its last steps', async () => {
    const { state, states } = await train();
    const averaged = states.slice(-30).map(({ parameters }) => parameters); // a fifth of 150
    expect(states.filter(({ average }) => average)).toHaveLength(averaged.length);
    for (const [i, mean] of trainedParameters(state).entries())
      expect(mean).toBeCloseTo(averaged.reduce((sum, vector) => sum + vector[i], 0) / averaged.length, 5);
    expect(trainedParameters(state)).not.toEqual(state.parameters);
    expect(trainedParameters(states[0])).toBe(states[0].parameters);
  });

  test('with steps of a size by item, larger ones cost fewer bits and more distortion', async () => {
    const settled = (size: number) =>
      train({ stepSizes: { smallest: size, largest: size } }, { latentSteps: 'by-item' });
    const [fine, coarse] = [await settled(0.5), await settled(4)];
    const rates = [fine, coarse].map(({ reports }) => reports[0].rate);
    expect(rates[1]).toBeLessThan(0.7 * rates[0]);
    expect(coarse.reports[0].distortion).toBeGreaterThan(fine.reports[0].distortion);
  });

  test('steps of 1 by item are those of a step that takes no sizes', async () => {
    const [plain, byItem] = [await train(), await train({}, { latentSteps: 'by-item' })];
    expect(byItem.reports[0].loss).toBeCloseTo(plain.reports[0].loss, 4);
    expect(byItem.reports.at(-1)!.rate / plain.reports.at(-1)!.rate).toBeCloseTo(1, 2);
  });

  test('sizes are refused where a step takes none, and where they are no range', async () => {
    await expect(train({ stepSizes: { smallest: 1, largest: 2 } })).rejects.toThrow('latent steps by item');
    const by = { latentSteps: 'by-item' } as const;
    await expect(train({ stepSizes: { smallest: 2, largest: 1 } }, by)).rejects.toThrow(
      'stepSizes expected a range above 0, got 2 to 1',
    );
  });

  test('a loss that is no number ends the run by its step', async () => {
    await expect(train({ lambda: Number.NaN })).rejects.toMatchObject({ code: 'diverged' });
  });
});

test('a step of Adam is that of the paper, with the gradient scaled down to the longest', async () => {
  const { step, data } = await tinyTask({ maxGradientNorm: 0.01 });
  const session = await createLocalSession(serializeModel(step.model));
  const state = initialState(step, 1);
  const learningRate = 0.25;
  const vector = (content: Float32Array) => tensor('float32', [content.length], content);
  const scalar = (value: number) => tensor('float32', [], Float32Array.of(value));
  const { first, second } = adamCorrections(0);
  const { outputs } = await session.run({
    ...data.batch(Uint32Array.from({ length: step.batchSize }, (_, i) => i)),
    [STEP_INPUT.parameters]: vector(state.parameters),
    [STEP_INPUT.firstMoment]: vector(state.firstMoment),
    [STEP_INPUT.secondMoment]: vector(state.secondMoment),
    [STEP_INPUT.noise]: tensor('float32', step.noiseShape, new Float32Array(step.batchSize * 3 * 16)),
    [STEP_INPUT.learningRate]: scalar(learningRate),
    [STEP_INPUT.firstCorrection]: scalar(first),
    [STEP_INPUT.secondCorrection]: scalar(second),
    [STEP_INPUT.hardness]: scalar(0),
    [STEP_INPUT.lambda]: scalar(0.1),
    [STEP_INPUT.freeBits]: scalar(0),
  });
  await session.close();
  const moment = outputs.nextFirstMoment.data as Float32Array;
  const clipped = moment.map((m) => m / 0.1);
  expect(Math.hypot(...clipped)).toBeCloseTo(0.01, 5);
  const squares = outputs.nextSecondMoment.data as Float32Array;
  const next = outputs.nextParameters.data as Float32Array;
  const far = next.map((value, i) => {
    expect(squares[i]).toBeCloseTo(0.001 * clipped[i] ** 2, 9);
    const expected = state.parameters[i] - (learningRate * clipped[i]) / (Math.abs(clipped[i]) + 1e-8);
    return Math.abs(clipped[i]) > 1e-6 ? Math.abs(value - expected) : 0;
  });
  expect(Math.max(...far)).toBeLessThan(1e-2 * learningRate);
});

async function trainedLatents(): Promise<TensorOf<'float32'>[]> {
  const { unit, data, cut } = await tinyTask();
  const { state } = await train({ lambda: 0.01 });
  const { reduction } = exportUnit(unit, state.parameters, cut);
  const session = await createLocalSession(serializeModel(reduction));
  const latents: TensorOf<'float32'>[] = [];
  for (let item = 0; item < data.count; item++) {
    const { outputs } = await session.run({ [cut]: data.batch(Uint32Array.of(item))[cut] });
    latents.push(outputs[LATENT_NAME] as TensorOf<'float32'>);
  }
  await session.close();
  return latents;
}

describe('the profile of a trained latent', async () => {
  const backend = await loadBackend();
  const latents = await trainedLatents();
  const random = createRandom(2);
  const latent = latents[random.nextInteger(latents.length)];
  const magnitudes = (values: Iterable<number>): number[] => Array.from(values, (x) => Math.abs(x));

  test.each([1, 0.5, 1.5])('has levels %f apart, and frames come back rounded to them', (stepSize) => {
    const profile = designLatentProfile(latents, { stepSize, coder: 'rans', maxLevels: 64, backend });
    const frame = encodeBundledFrame([latent], { point: 0, sequenceNumber: 0, profile, backend });
    const decoded = decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) });
    const rounded = magnitudes(latent.data).map((x) => stepSize * Math.round(x / stepSize));
    for (const [i, value] of magnitudes(decoded.data as Float32Array).entries())
      expect(value).toBeCloseTo(rounded[i], 5);
    expect(frame.length).toBeLessThan(latent.data.length * 4);
  });

  test('with wider levels takes fewer bytes', () => {
    const bytes = [1, 2].map((stepSize) => {
      const profile = designLatentProfile(latents, { stepSize, backend });
      const coding = { point: 0, sequenceNumber: 0, profile, backend };
      return latents.reduce((sum, own) => sum + encodeBundledFrame([own], coding).length, 0);
    });
    expect(bytes[1]).toBeLessThan(0.9 * bytes[0]);
  });

  test('that varies in count takes several items to a frame', () => {
    const profile = designLatentProfile(latents, { variesInCount: true, coder: 'rans', backend });
    const data = Float32Array.from([...latents[0].data, ...latents[1].data]);
    const pair = tensor('float32', [2, ...latents[0].shape.slice(1)], data);
    const frame = encodeBundledFrame([pair], { point: 0, sequenceNumber: 0, profile, backend });
    const decoded = decodeFrame(frame, { backend, profiles: new Map([[0, profile]]) });
    expect(decoded.shape).toEqual(pair.shape);
  });

  test('with a step that is none is refused', () => {
    expect(() => designLatentProfile(latents, { stepSize: 0, backend })).toThrow(
      'stepSize expected a positive number, got 0',
    );
  });
});
