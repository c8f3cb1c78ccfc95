/**
 * Bundles and minifies what a browser loads to be an edge client, kernels included, and fails if the codec's part is over
 * 60 kB compressed: the codec is bundled with the very exports that the runtime's client uses, and those that load a backend and profiles.
 * The client of `@featherwire/runtime/browser`, page and worker together, has a limit of its own, beside onnxruntime-web.
 * Tells the size of the whole client and of all the codec's exports too. Files that only some browsers load are counted by
 * themselves: those of engines without WebAssembly SIMD, and those of heads on WebGPU, which have a limit too.
 *
 * Usage: npm run build && npm run check:size
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/** Of the codec in an edge client. */
const MAX_BYTES = 60_000;
/** Of the browser's client: everything that page and worker load but onnxruntime-web. */
const MAX_BROWSER_BYTES = 100_000;
/** Of what the browser's client loads beside that if its head runs on WebGPU. */
const MAX_WEBGPU_BYTES = 20_000;
/** In the names of files that only some browsers load. */
const LAZY = { withoutSimd: ['javascript-backend', 'reference'], onWebGpu: ['gpu-encoder'] };
const ENTRY = 'virtual:client';
const CODEC = '@featherwire/codec';
/** What an application adds to the client: a backend, and the profiles of operating points. */
const ADDED = 'loadBackend, readProfile';

const codec = fileURLToPath(new URL('../packages/codec/dist/index.js', import.meta.url));
const runtime = fileURLToPath(new URL('../packages/runtime/dist/index.js', import.meta.url));
const client = reexport('createEdgeClient, createFetchTransport', runtime);

const used = await namesImported(client, CODEC);
const { bytes } = await report('codec, edge client', reexport([...used, ADDED].join(', '), codec));
await report('runtime and codec, edge client', `${client}\n${reexport(ADDED, codec)}`);
await report('codec, all exports', `export * from ${JSON.stringify(codec)};`);
const page = await report(
  "page of the browser's client",
  reexport('createBrowserClient', browserFile('index.js')),
);
const worker = await report(
  "worker of the browser's client",
  `import ${JSON.stringify(browserFile('worker-entry.js'))};`,
);
const browserBytes = page.bytes + worker.bytes;
const failures = [
  ...(bytes > MAX_BYTES ? [`codec of an edge client expected at most ${MAX_BYTES} bytes by gzip`] : []),
  ...(browserBytes > MAX_BROWSER_BYTES
    ? [`the browser's client expected at most ${MAX_BROWSER_BYTES} bytes by gzip, got ${browserBytes}`]
    : []),
  ...(worker.onWebGpu > MAX_WEBGPU_BYTES
    ? [`the codec on WebGPU expected at most ${MAX_WEBGPU_BYTES} bytes by gzip, got ${worker.onWebGpu}`]
    : []),
];
for (const failure of failures) process.stderr.write(`${failure}\n`);
if (failures.length > 0) process.exit(1);

function browserFile(name) {
  return fileURLToPath(new URL(`../packages/runtime/dist/browser/${name}`, import.meta.url));
}

function reexport(names, file) {
  return `export { ${names} } from ${JSON.stringify(file)};`;
}

/** Names that all modules behind `code` together import of a package. */
async function namesImported(code, packageName) {
  const [{ code: bundled }] = await bundleOf(code, { external: [packageName], minify: false });
  const list = new RegExp(`import \\{([^}]*)\\} from "${packageName}"`).exec(bundled);
  if (!list) throw new Error(`the edge client expected imports of ${packageName}, got none`);
  return list[1].split(',').map((name) => name.trim().split(' ')[0]);
}

/** Prints the size of a client. @returns bytes of the files that every browser loads, and of others */
async function report(name, code) {
  const output = await bundleOf(code, { minify: true });
  const sizeOf = (isCounted) => gzipBytes(output.filter(({ fileName }) => isCounted(fileName)));
  const isOf = (parts, file) => parts.some((part) => file.includes(part));
  const bytes = sizeOf((file) => !isOf(Object.values(LAZY).flat(), file));
  const withoutSimd = sizeOf((file) => isOf(LAZY.withoutSimd, file));
  const onWebGpu = sizeOf((file) => isOf(LAZY.onWebGpu, file));
  process.stdout.write(
    `${name}: ${bytes} bytes by gzip, and ${withoutSimd} without WebAssembly SIMD${
      onWebGpu > 0 ? `, ${onWebGpu} on WebGPU` : ''
    }\n`,
  );
  return { bytes, onWebGpu };
}

async function bundleOf(code, { external = [], minify }) {
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'browser',
    external,
    preserveEntrySignatures: 'allow-extension', // as applications are bundled: what files share stays in the first
    plugins: [
      {
        name: 'client',
        resolveId: (id) => (id === ENTRY ? id : null),
        load: (id) => (id === ENTRY ? code : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify });
  await bundle.close();
  return output;
}

/** Files are compressed one by one, as a server sends them. */
function gzipBytes(chunks) {
  return chunks.reduce((sum, { code = '' }) => sum + gzipSync(code, { level: 9 }).length, 0);
}
