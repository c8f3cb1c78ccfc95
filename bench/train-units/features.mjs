/**
 * Features of a subject's inputs: the head runs once for each input and copy, and what it gives is kept in a file as
 * float16, with the output of the uncut network for classifiers, so that all runs at one cut share it. Targets inside the
 * tail are kept likewise: a step that is given them need not run the tail twice.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { float16FromFloat32, float16Value } from '@featherwire/tensor';

/** Outputs of more elements are not kept: the step computes its targets, and scoring runs the tail. */
const LARGEST_OUTPUT = 1024;
/** A look-up is several times faster than taking the bits apart. */
const VALUES = Float32Array.from({ length: 65_536 }, (_, bits) => float16Value(bits));

/**
 * Features of a split.
 * @param options.copies - of each input; item k is that of copy ⌊k / inputs⌋
 * @param options.file - where they are kept, without its ending
 * @param options.runHead, options.runTail - on batches of `batch` items
 */
export async function featuresOf({ subject, split, copies, batch, file, runHead, runTail, log }) {
  const own = subject.counts[split];
  const kept = [];
  for (let copy = 0; copy < copies; copy++) {
    const files = [`${file}-copy${copy}.f16`, `${file}-copy${copy}.outputs`];
    const note = (done) => log(`features of ${split}, copy ${copy}: ${done} of ${own}`);
    const items = { split, from: copy * own, count: own };
    if (!existsSync(files[1])) await writeFeatures(files, items, { subject, batch, runHead, runTail, note });
    kept.push({ halves: numbersOf(files[0], Uint16Array), outputs: numbersOf(files[1], Float32Array) });
  }
  const halves = kept.map((copy) => copy.halves);
  const outputs = kept.map((copy) => copy.outputs);
  return {
    count: own * copies,
    /** Features of items [N, …]. @param shape - of one item */
    feature: (items, shape) => gather(items, shape, { copies: halves, own }, (half) => VALUES[half]),
    /** Outputs of the uncut network for items; undefined if they are not kept. */
    output: (items) =>
      outputs[0].length > 0
        ? gather(items, [outputs[0].length / own], { copies: outputs, own }, (x) => x)
        : undefined,
  };
}

/**
 * Targets inside the tail, which follow from the features and are kept beside them as float16.
 * @param options.features - from `featuresOf`, of `copies` copies, of items of shape `shape`
 * @param options.targets - of a training step
 * @param options.file - of the features, without its ending
 * @param options.open - gives a function from batches of `batch` features to batches of all targets, by name
 * @returns for each name a function from items to their targets [N, …]
 */
export async function targetsOf({ features, copies, shape, targets, file, batch, open, log }) {
  const own = features.count / copies;
  const filesOf = (copy) =>
    targets.map(({ tensor }) => `${file}-copy${copy}-${tensor.replaceAll('/', '_')}.f16`);
  const missing = [...Array(copies).keys()].filter((copy) => !filesOf(copy).every(existsSync));
  const run = missing.length > 0 && (await open());
  for (const copy of missing) {
    log(`targets of copy ${copy}`);
    const columns = targets.map(() => []);
    for (let from = 0; from < own; from += batch) {
      const items = Array.from({ length: batch }, (_, i) => copy * own + Math.min(from + i, own - 1));
      const outputs = await run(features.feature(items, shape));
      const share = Math.min(batch, own - from) / batch;
      for (const [t, { name }] of targets.entries()) {
        const { data } = outputs[name];
        columns[t].push(float16FromFloat32(data.subarray(0, data.length * share)));
      }
    }
    for (const [t, target] of filesOf(copy).entries()) {
      writeFileSync(`${target}.unfinished`, Buffer.concat(columns[t].map(bytesOf)));
      renameSync(`${target}.unfinished`, target);
    }
  }
  return new Map(
    targets.map(({ name, shape: [, ...itemShape] }, t) => {
      const halves = Array.from({ length: copies }, (_, copy) => numbersOf(filesOf(copy)[t], Uint16Array));
      return [name, (items) => gather(items, itemShape, { copies: halves, own }, (half) => VALUES[half])];
    }),
  );
}

/** Runs head and tail on the items of one copy. The file of the outputs is written last and stands for both. */
async function writeFeatures([halvesFile, outputsFile], { split, from: first, count }, passes) {
  const { subject, batch, runHead, runTail, note } = passes;
  const unfinished = openSync(`${halvesFile}.unfinished`, 'w');
  const outputs = [];
  for (let from = 0; from < count; from += batch) {
    if (from % (100 * batch) === 0) note(from);
    const items = Array.from({ length: batch }, (_, i) => first + Math.min(from + i, count - 1));
    const feature = await runHead(await subject.inputs(split, items));
    const share = Math.min(batch, count - from) / batch;
    const kept = ({ data }) => data.subarray(0, data.length * share);
    writeSync(unfinished, new Uint8Array(float16FromFloat32(kept(feature)).buffer));
    const output = await runTail(feature);
    if (output.data.length <= LARGEST_OUTPUT * batch) outputs.push(kept(output));
  }
  closeSync(unfinished);
  renameSync(`${halvesFile}.unfinished`, halvesFile);
  writeFileSync(outputsFile, Buffer.concat(outputs.map(bytesOf)));
}

function bytesOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function numbersOf(file, Type) {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  return new Type(buffer, byteOffset, byteLength / Type.BYTES_PER_ELEMENT);
}

function gather(items, shape, { copies, own }, read) {
  const size = shape.reduce((product, length) => product * length, 1);
  const data = new Float32Array(items.length * size);
  let at = 0;
  for (const item of items) {
    const numbers = copies[Math.floor(item / own)];
    const start = (item % own) * size;
    for (let i = start; i < start + size; i++) data[at++] = read(numbers[i]);
  }
  return { dtype: 'float32', shape: [items.length, ...shape], data };
}
