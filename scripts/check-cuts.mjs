/**
 * Proves cuts: lists every set of tensors at which a model can be cut, cuts it there, and compares head + tail with the
 * whole on random inputs. The engine's fusions are off: nearly all cuts then give the very bits of the whole. Prints one
 * line for each model, and each cut that fails; exits with 1 if one does.
 *
 * Usage: npm run build
 *        node scripts/check-cuts.mjs [--shape x=1,3,48,160] [--value sr=16000] [--max-tensors 4] [--runs 2]
 *          [--tolerance 1e-6] [--sample 50] [--log proved.jsonl] [--json results/cuts.json] MODEL…
 *
 * --tolerance is the largest error allowed, relative to the output's range. --sample N takes N cuts of each model,
 * spread over the list. --log writes a line for each proved cut and skips those that it already has, so that a run can
 * be taken up again. --json adds one row for each model to a file of results, in place of one of the same name, inputs
 * and limit.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel } from '@featherwire/authoring';
import { createLocalSession } from '@featherwire/inference/node';
import { indexGraph, listCutSets, serializeModel, splitModel, verifySplit } from '@featherwire/onnx';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: 'string', multiple: true, default: [] },
    value: { type: 'string', multiple: true, default: [] },
    'max-tensors': { type: 'string', default: '4' },
    runs: { type: 'string', default: '2' },
    tolerance: { type: 'string', default: '1e-6' },
    sample: { type: 'string' },
    log: { type: 'string' },
    json: { type: 'string' },
  },
});
/** Fusions differ between a model and its parts, and with them the rounding. */
const ENGINE = { graphOptimization: 'disabled' };

const numbersByName = (texts) =>
  Object.fromEntries(
    texts.map((text) => {
      const at = text.lastIndexOf('=');
      return [
        text.slice(0, at),
        text
          .slice(at + 1)
          .split(',')
          .map(Number),
      ];
    }),
  );
const shapes = numbersByName(values.shape);
const fixedValues = numbersByName(values.value);
const maxTensors = Number(values['max-tensors']);
const runs = Number(values.runs);
const tolerance = Number(values.tolerance);

let failed = false;
for (const file of positionals) {
  const row = await checkModel(file);
  failed ||= row.failures > 0;
  print(describe(row));
  if (values.json) addRow(values.json, row);
}
process.exit(failed ? 1 : 0);

async function checkModel(file) {
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);
  const loaded = await loadModel(file, shapes, fixedValues);
  const { model } = loaded;
  const started = process.cpuUsage();
  const { sets, refused } = listCutSets(model, { shapes: loaded.shapes, sizes: loaded.sizes, maxTensors });
  const spent = process.cpuUsage(started);
  const known = provedCuts(digest);
  const chosen = sampled(sets, values.sample === undefined ? sets.length : Number(values.sample));
  const whole = await rememberingSessions(serializeModel(model));
  const errors = [];
  let constantOutputs = 0;
  let failures = 0;
  for (const [i, set] of chosen.entries()) {
    const names = set.tensors.map(({ name }) => name);
    const key = JSON.stringify([names, values.shape, values.value, runs]);
    let proof = known.get(key);
    if (!proof) {
      proof = await prove(loaded, names, whole);
      if (proof.message) print(`  FAILED ${basename(file)} at ${names.join(', ')}: ${proof.message}`);
      else if (values.log) appendFileSync(values.log, `${JSON.stringify({ digest, key, ...proof })}\n`);
    }
    if (proof.message) failures++;
    else errors.push(proof.error);
    if (proof.constant) constantOutputs++;
    if (process.stderr.isTTY)
      process.stderr.write(`\r${basename(file)}: ${i + 1} of ${chosen.length}\x1b[K\r`);
  }
  await whole.close();
  return {
    model: basename(file),
    digest,
    inputs: Object.fromEntries(
      indexGraph(model).inputs.map((name) => [name, loaded.sizes.get(name)?.shape ?? null]),
    ),
    values: fixedValues,
    nodes: indexGraph(model).nodes.length,
    setsOf: Array.from(
      { length: maxTensors },
      (_, i) => sets.filter((set) => dataCount(set) === i + 1).length,
    ),
    carryingShapes: sets.filter((set) => dataCount(set) < set.tensors.length).length,
    refused: refused.length,
    listCpuMs: Math.round((spent.user + spent.system) / 1000),
    proved: errors.length,
    failures,
    constantOutputs,
    worstError: errors.reduce((worst, error) => Math.max(worst, error), 0),
    runs,
    tolerance,
  };
}

async function prove({ model, shapes }, names, whole) {
  try {
    const { head, tail } = splitModel(model, names, { shapes });
    const report = await verifySplit(whole.bytes, head, tail, { sessions: whole.sessions, runs, tolerance });
    const constant = Object.values(report.perOutput).some(({ range }) => range === 0);
    return { error: report.maxRelativeError, constant };
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

/** Sessions in this thread; the whole model is loaded once, and what it gives is kept: its inputs are seeded. */
async function rememberingSessions(bytes) {
  const session = await createLocalSession(bytes, ENGINE);
  const answers = [];
  const remembering = () => {
    let run = 0;
    return {
      inputs: session.inputs,
      outputs: session.outputs,
      async run(feeds) {
        answers[run] ??= await session.run(feeds);
        return answers[run++];
      },
      async close() {},
    };
  };
  return {
    bytes,
    sessions: async (model) => (model === bytes ? remembering() : createLocalSession(model, ENGINE)),
    close: () => session.close(),
  };
}

function provedCuts(digest) {
  if (!values.log || !existsSync(values.log)) return new Map();
  const lines = readFileSync(values.log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return new Map(lines.filter((line) => line.digest === digest).map((line) => [line.key, line]));
}

function sampled(list, count) {
  if (count >= list.length) return list;
  return Array.from({ length: count }, (_, i) => list[Math.floor(((i + 0.5) * list.length) / count)]);
}

function dataCount({ tensors }) {
  return tensors.filter(({ content }) => content === 'data').length;
}

function describe({
  model,
  nodes,
  setsOf,
  carryingShapes,
  refused,
  listCpuMs,
  proved,
  failures,
  constantOutputs,
  worstError,
}) {
  const total = setsOf.reduce((sum, count) => sum + count, 0);
  return [
    `${model}: ${nodes} nodes, ${total} cuts of 1 to ${setsOf.length} tensors (${setsOf.join(' + ')})`,
    `${carryingShapes} with shapes, ${refused} tensors refused, listed in ${listCpuMs} ms of CPU time`,
    `${proved} of ${total} proved, ${failures} failed, worst error ${worstError.toExponential(1)} of the output's range`,
    ...(constantOutputs > 0 ? [`${constantOutputs} with a constant output`] : []),
  ].join('; ');
}

function addRow(file, row) {
  const empty = { command: 'node scripts/check-cuts.mjs', machine: {}, rows: [] };
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : empty;
  const key = ({ model, inputs, setsOf }) => JSON.stringify([model, inputs, setsOf.length]);
  results.machine = { processor: cpus()[0].model, node: process.version };
  results.rows = [...results.rows.filter((other) => key(other) !== key(row)), row];
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
