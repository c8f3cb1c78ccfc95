/** Sources of this repository as modules that a browser loads. */

import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const VITEST = fileURLToPath(new URL('./vitest-in-browser.ts', import.meta.url));

/**
 * Bundles modules; tests among them get `vitest-in-browser.ts` as their vitest.
 * @param entries - absolute paths of modules by the names of the files that they become, without `.js`
 * @returns text of each file by its name
 */
export async function bundleForBrowser(
  entries: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const bundle = await rolldown({
    input: { ...entries },
    platform: 'browser',
    resolve: { alias: { vitest: VITEST } },
    treeshake: false, // tests are side effects, whatever their package says of its sources
  });
  const { output } = await bundle.generate({ format: 'esm', entryFileNames: '[name].js' });
  await bundle.close();
  return new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file.code]] : [])));
}
