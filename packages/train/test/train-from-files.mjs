/**
 * Trains what `resume.test.ts` has written to a directory, with a checkpoint there, and prints a line for each step. A
 * process of its own, so that it can be killed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseModel } from '@featherwire/onnx';
import { trainedParameters } from '@featherwire/train';
import { trainUnit } from '@featherwire/train/node';

const [directory, checkpointName] = process.argv.slice(2);
const { step, settings, items } = JSON.parse(readFileSync(path.join(directory, 'task.json'), 'utf8'));
const model = parseModel(readFileSync(path.join(directory, 'step.onnx')));
const data = {
  count: items.length,
  batch(wanted) {
    const names = Object.keys(items[0]);
    return Object.fromEntries(
      names.map((name) => {
        const { shape } = items[0][name];
        const values = Float32Array.from([...wanted].flatMap((item) => items[item][name].values));
        return [name, { dtype: 'float32', shape: [wanted.length, ...shape], data: values }];
      }),
    );
  },
};
const state = await trainUnit({
  ...settings,
  step: { ...step, model },
  data,
  checkpoint: { file: path.join(directory, checkpointName), everySteps: 5 },
  onStep: ({ step: done, loss }) => process.stdout.write(`${done} ${loss}\n`),
});
const vectors = { parameters: state.parameters, average: trainedParameters(state) };
for (const [name, vector] of Object.entries(vectors))
  writeFileSync(path.join(directory, `${checkpointName}.${name}`), new Uint8Array(vector.buffer));
