/**
 * Checks the import table of docs/architecture.md: packages import downwards only, the codec's stage folders do
 * not import each other, browser-safe files import nothing of Node, no file imports itself in a circle, and every
 * imported package is declared. Prints each violation and exits with 1 if there is any.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Each package with those it may import. */
const TABLE = {
  tensor: [],
  link: [],
  codec: ['tensor'],
  webgpu: ['tensor', 'codec'],
  inference: ['tensor'],
  onnx: ['tensor', 'inference'],
  bundle: ['tensor', 'codec'],
  authoring: ['tensor', 'inference', 'onnx', 'bundle'],
  eval: ['tensor', 'codec', 'inference', 'onnx', 'bundle'],
  calibration: ['tensor', 'codec', 'inference', 'bundle', 'eval'],
  train: ['tensor', 'codec', 'inference', 'onnx', 'bundle', 'eval', 'calibration'],
  planner: ['tensor', 'codec', 'inference', 'onnx', 'bundle', 'authoring', 'eval', 'calibration', 'link'],
  report: ['eval'],
  study: ['tensor', 'codec', 'inference', 'onnx', 'bundle', 'authoring', 'eval', 'calibration', 'report'],
  runtime: ['tensor', 'codec', 'webgpu', 'inference', 'bundle', 'link'],
  fleet: ['bundle', 'runtime'],
  studio: ['tensor', 'link', 'codec', 'inference', 'bundle', 'runtime'],
  demo: ['tensor', 'codec', 'inference', 'onnx', 'bundle', 'authoring', 'eval', 'runtime', 'link'],
  cli: [
    'tensor',
    'codec',
    'inference',
    'onnx',
    'bundle',
    'authoring',
    'eval',
    'calibration',
    'planner',
    'runtime',
    'fleet',
    'demo',
    'link',
    'report',
    'study',
    'train',
    'studio',
  ],
};
/** Packages that run in Node only; in all others Node code lives in `src/node`. */
const NODE_PACKAGES = [
  'authoring',
  'eval',
  'calibration',
  'planner',
  'report',
  'study',
  'fleet',
  'demo',
  'cli',
];
/** Packages without any third-party import. */
const PURE_PACKAGES = ['tensor', 'codec', 'link'];
/** Folders of the codec with the folders they may import, beside the base files; stages first, then what joins them. */
const STAGES = ['bitstream', 'quantizer', 'entropy', 'layout', 'container', 'lossless'];
const CODEC_FOLDERS = {
  bitstream: ['bitstream'],
  quantizer: ['quantizer', 'bitstream'],
  entropy: ['entropy', 'bitstream'],
  layout: ['layout', 'bitstream'],
  container: ['container', 'bitstream'],
  lossless: ['lossless', 'bitstream'],
  backend: ['backend', 'quantizer', 'entropy', 'bitstream'],
  feature: ['feature', 'backend', ...STAGES],
  indices: ['indices', ...STAGES],
  planes: ['planes', 'feature', 'indices', ...STAGES],
  profile: ['profile', 'feature', 'backend', ...STAGES],
  frame: ['frame', 'profile', 'planes', 'indices', 'feature', 'backend', ...STAGES],
  node: ['node', 'frame', 'backend'],
};
/** Files directly in `codec/src` that folders may import. */
const CODEC_BASE_FILES = ['stages', 'errors'];
/** Decoding must not pull in modules that only encoding needs. */
const CODEC_DECODER = 'frame/frame-decoder.ts';
const CODEC_ENCODING_ONLY = [
  'entropy/table-design.ts',
  'entropy/encode-indices.ts',
  'entropy/encode-by-contexts.ts',
  'entropy/encode-packed.ts',
  'entropy/binary/encode-bins.ts',
  'entropy/binary/encode-trees.ts',
  'entropy/binary/index-choice.ts',
  'entropy/binary/range-encoder.ts',
  'entropy/binary/word-range-encoder.ts',
  'entropy/contexts/context-statistics.ts',
  'entropy/contexts/cell-design.ts',
  'entropy/contexts/channel-classes.ts',
  'entropy/contexts/design-context-model.ts',
  'layout/reshape.ts',
  'indices/layout-choice.ts',
  'profile/design-profile.ts',
  'frame/frame-head.ts',
  'frame/frame-outline.ts',
  'profile/feature-summary.ts',
  'feature/rate-distortion.ts',
  'quantizer/lower-envelope.ts',
  'entropy/tree-design.ts',
  'entropy/time-budget.ts',
  'planes/plane-choice.ts',
  'planes/plane-coding.ts',
  'lossless/magnitude-summary.ts',
  'quantizer/range.ts',
  'quantizer/statistics.ts',
  'quantizer/value-histogram.ts',
  'quantizer/distribution.ts',
  'quantizer/uniform-error.ts',
  'quantizer/minimize.ts',
  'quantizer/activation-model.ts',
  'quantizer/entropy-constrained.ts',
  'quantizer/range-design.ts',
  'quantizer/range-search.ts',
  'quantizer/reference-loops.ts',
  'quantizer/channel-statistics.ts',
  'quantizer/basis-design.ts',
  'feature/quantize-feature.ts',
  'feature/fixed-quantizer.ts',
];

const violations = [];
/** Local imports of each file, absolute paths. */
const graph = new Map();

/** Folder of each package, from the root. */
const folders = new Map(
  ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => [name, join(parent, name)]),
  ),
);
for (const [name, folder] of folders) {
  if (!(name in TABLE)) violations.push(`${folder}: not in the import table`);
}
for (const name of Object.keys(TABLE)) checkPackage(name);
checkCycles();
checkDecoder();

if (violations.length > 0) {
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  process.stderr.write(`imports: ${violations.length} violations\n`);
  process.exit(1);
}
process.stdout.write(`imports: ${graph.size} files in ${folders.size} packages follow the table\n`);

function checkPackage(name) {
  const directory = join(root, folders.get(name));
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const { dependencies: needed, peerDependencies, optionalDependencies } = manifest;
  const dependencies = { ...needed, ...peerDependencies, ...optionalDependencies };
  for (const file of sourceFiles(join(directory, 'src'))) {
    const isTest = file.endsWith('.test.ts');
    const local = [];
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) {
        const target = resolveLocal(file, specifier);
        if (!target) report(file, `imports ${specifier}, which does not exist`);
        else local.push(target);
        if (name === 'codec' && target && !isTest) checkCodecImport(file, target);
      } else if (!isTest) {
        checkForeignImport(name, file, specifier, dependencies);
      }
    }
    if (!isTest) graph.set(file, local);
  }
}

function checkForeignImport(name, file, specifier, dependencies) {
  if (specifier.startsWith('node:')) {
    if (!mayUseNode(name, file)) report(file, `imports ${specifier} in a browser-safe file`);
    return;
  }
  const parts = specifier.split('/');
  const dependency = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0];
  if (!(dependency in dependencies))
    report(file, `imports ${dependency}, which its package does not declare`);
  if (!dependency.startsWith('@featherwire/')) {
    if (PURE_PACKAGES.includes(name)) report(file, `imports ${dependency} in a package without dependencies`);
    return;
  }
  const target = dependency.slice('@featherwire/'.length);
  if (!TABLE[name].includes(target)) report(file, `imports ${dependency}: not downwards`);
  if (parts[2] === 'node' && !mayUseNode(name, file))
    report(file, `imports ${specifier} in a browser-safe file`);
}

function mayUseNode(name, file) {
  return NODE_PACKAGES.includes(name) || file.startsWith(join(root, folders.get(name), 'src', 'node') + sep);
}

function checkCodecImport(file, target) {
  const source = join(root, 'packages/codec/src');
  const [from, ...rest] = relative(source, file).split(sep);
  if (rest.length === 0) return;
  const [to, ...inside] = relative(source, target).split(sep);
  const allowed =
    inside.length === 0
      ? CODEC_BASE_FILES.includes(to.replace(/\.ts$/, ''))
      : CODEC_FOLDERS[from]?.includes(to);
  if (!allowed) report(file, `imports ${relative(source, target)}: its folder does not import that`);
}

function checkCycles() {
  const state = new Map();
  const visit = (file, path) => {
    state.set(file, 'open');
    for (const target of graph.get(file) ?? []) {
      if (state.get(target) === 'open') {
        const cycle = [...path.slice(path.indexOf(target)), target];
        violations.push(`cycle: ${cycle.map((entry) => relative(root, entry)).join(' -> ')}`);
      } else if (!state.has(target)) {
        visit(target, [...path, target]);
      }
    }
    state.set(file, 'done');
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file, [file]);
}

function checkDecoder() {
  const source = join(root, 'packages/codec/src');
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const target of graph.get(file) ?? []) visit(target);
  };
  visit(join(source, CODEC_DECODER));
  for (const file of CODEC_ENCODING_ONLY) {
    if (!graph.has(join(source, file)))
      violations.push(`codec: ${file} is listed as encoding only and missing`);
    if (reached.has(join(source, file)))
      violations.push(`codec decoding imports ${file}, which only encoding needs`);
  }
}

/** Everything that a file imports or exports from, dynamic imports included. */
function importsOf(file) {
  return ts
    .preProcessFile(readFileSync(file, 'utf8'), true, true)
    .importedFiles.map(({ fileName }) => fileName);
}

function resolveLocal(file, specifier) {
  const path = join(dirname(file), specifier).replace(/\.js$/, '.ts');
  if (path.endsWith('.generated.ts')) return path;
  return existsSync(path) ? path : null;
}

function sourceFiles(directory) {
  return readdirSync(directory).flatMap((entry) => {
    const path = join(directory, entry);
    if (statSync(path).isDirectory()) return sourceFiles(path);
    return path.endsWith('.ts') && !path.endsWith('.d.ts') ? [path] : [];
  });
}

function report(file, problem) {
  violations.push(`${relative(root, file)} ${problem}`);
}
