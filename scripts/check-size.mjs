/**
 * Bundles and minifies the codec as a browser client takes it, kernels included, and fails if it is over 60 kB compressed;
 * tells what all exports would take. Files that only engines without WebAssembly SIMD load are counted by themselves.
 *
 * Usage: npm run build && npm run check:size
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/** Of the edge client. */
const MAX_BYTES = 60_000;
const EDGE_CLIENT = 'edge client';
/** In the name of files that only engines without WebAssembly SIMD load. */
const FALLBACK = 'javascript-backend';
const ENTRY = 'virtual:client';
/** What an edge client imports, and everything there is. */
const CLIENTS = {
  [EDGE_CLIENT]: ['encodeFrame', 'encodeBundledFrame', 'readProfile', 'decodeFrame', 'loadBackend'],
  'all exports': ['*'],
};

const codec = fileURLToPath(new URL('../packages/codec/dist/index.js', import.meta.url));
let isOver = false;
for (const [client, names] of Object.entries(CLIENTS)) {
  const exported = names[0] === '*' ? '*' : `{ ${names.join(', ')} }`;
  const bundle = await rolldown({
    input: ENTRY,
    platform: 'browser',
    preserveEntrySignatures: 'allow-extension', // as applications are bundled: what files share stays in the first
    plugins: [
      {
        name: 'client',
        resolveId: (id) => (id === ENTRY ? id : null),
        load: (id) => (id === ENTRY ? `export ${exported} from ${JSON.stringify(codec)};` : null),
      },
    ],
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const fallback = output.filter(({ fileName }) => fileName.includes(FALLBACK));
  const bytes = gzipBytes(output.filter((chunk) => !fallback.includes(chunk)));
  process.stdout.write(
    `codec, ${client}: ${bytes} bytes by gzip, and ${gzipBytes(fallback)} without WebAssembly SIMD\n`,
  );
  isOver ||= client === EDGE_CLIENT && bytes > MAX_BYTES;
}

/** Files are compressed one by one, as a server sends them. */
function gzipBytes(chunks) {
  return chunks.reduce((sum, { code = '' }) => sum + gzipSync(code, { level: 9 }).length, 0);
}

if (isOver) {
  process.stderr.write(`codec expected at most ${MAX_BYTES} bytes by gzip\n`);
  process.exit(1);
}
