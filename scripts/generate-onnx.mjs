// Generates packages/onnx/src/proto/onnx_pb.ts from the vendored packages/onnx/proto/onnx.proto.
// Run by `npm run generate:onnx` after the schema changes; the result is committed.
// Works from npm packages alone: buf compiles the schema, protoc-gen-es writes the TypeScript.
//
// buf's npm package is started through its platform package, so that no install script has to run.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const buf = path.join(path.dirname(require.resolve('@bufbuild/buf/package.json')), 'bin', 'buf');
const plugin = path.join(
  path.dirname(require.resolve('@bufbuild/protoc-gen-es/package.json')),
  'bin',
  'protoc-gen-es',
);

// `.js` suffixes for ESM, erasable syntax because the sources hold no enums.
const template = {
  version: 'v2',
  plugins: [
    {
      local: [process.execPath, plugin],
      out: 'packages/onnx/src/proto',
      opt: ['target=ts', 'import_extension=js', 'erasable_syntax=true'],
    },
  ],
};

const result = spawnSync(
  process.execPath,
  [buf, 'generate', 'packages/onnx/proto', '--template', JSON.stringify(template)],
  { cwd: root, stdio: 'inherit' },
);
if (result.error) throw result.error;
process.exit(result.status ?? 1);
