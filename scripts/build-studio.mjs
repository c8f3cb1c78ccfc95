/**
 * Builds the studio's page: bundles its scripts for browsers and puts them beside its document and styles into
 * `apps/studio/dist/site`. Packages are taken as they are built.
 *
 * Usage: npm run build:studio
 */
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const studio = new URL('../apps/studio/', import.meta.url);
const path = (name) => fileURLToPath(new URL(name, studio));

rmSync(path('dist/site'), { recursive: true, force: true });
const bundle = await rolldown({
  input: { page: path('src/page/main.ts'), worker: path('src/worker/studio-worker.ts') },
  platform: 'browser',
});
const { output } = await bundle.write({
  dir: path('dist/site'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  minify: true,
});
await bundle.close();
cpSync(path('site'), path('dist/site'), { recursive: true });
const bytes = output.reduce((sum, { code = '' }) => sum + code.length, 0);
process.stderr.write(`studio: ${output.length} scripts, ${bytes} bytes\n`);
