/**
 * Bundles and minifies the codec as a browser client takes it, kernels included, and fails if it is over 60 kB compressed;
 * tells what all exports would take.
 *
 * Usage: npm run build && npm run check:size
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

/** Of the edge client. */
const MAX_BYTES = 60_000;
const EDGE_CLIENT = 'edge client';
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
  const code = output.map((chunk) => chunk.code ?? '').join('');
  const bytes = gzipSync(code, { level: 9 }).length;
  process.stdout.write(`codec, ${client}: ${bytes} bytes by gzip, ${code.length} minified\n`);
  isOver ||= client === EDGE_CLIENT && bytes > MAX_BYTES;
}
if (isOver) {
  process.stderr.write(`codec expected at most ${MAX_BYTES} bytes by gzip\n`);
  process.exit(1);
}
