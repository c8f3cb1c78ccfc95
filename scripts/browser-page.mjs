/** A page of Chromium that imports the built packages of this repository from a server of its own. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const PATHS = [
  process.env.FEATHERWIRE_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
/** Where Chromium is; undefined if there is none. FEATHERWIRE_CHROMIUM can name one. */
export const CHROMIUM = PATHS.find((path) => path && existsSync(path));
const IMPORTS = {
  '@featherwire/codec': '/packages/codec/dist/index.js',
  '@featherwire/codec/parts': '/packages/codec/dist/parts.js',
  '@featherwire/tensor': '/packages/tensor/dist/index.js',
  '@featherwire/webgpu': '/packages/webgpu/dist/index.js',
};

/**
 * Opens a page, runs a module in it, and closes it afterwards.
 * @param script - text of the module; sets `globalThis.isReady` when it is done
 * @param use - gets the page and the browser's version
 * @param args - more arguments of Chromium
 */
export async function withPage(script, use, args = []) {
  const html = `<!doctype html><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">${script}</script>`;
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = join(root, path);
    if (path === '/') response.setHeader('content-type', 'text/html').end(html);
    else if (['.js', '.mjs'].includes(extname(path)) && existsSync(file))
      response.setHeader('content-type', 'text/javascript').end(await readFile(file));
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...args] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction('globalThis.isReady');
    await use(page, browser.version());
  } finally {
    await browser.close();
    server.close();
  }
}
