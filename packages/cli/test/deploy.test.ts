/** The files of `deploy` do what they say: their commands are taken out of them and run. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeRowsBundle } from '../../runtime/test/test-bundles.js';
import { createWorkDirectory, start } from './command.js';

const TOKEN = 'correct-horse-battery';
const deployed = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../deploy/${name}`, import.meta.url)), 'utf8');
const unit = deployed('featherwire.service');
const image = deployed('Containerfile');
const systemdMissing = spawnSync('systemd-analyze', ['--version']).error ? 'systemd is not installed' : '';
if (systemdMissing) console.info(`a case is skipped: ${systemdMissing}`);

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;

beforeAll(async () => {
  directory = await createWorkDirectory();
  await writeRowsBundle(join(directory.path, 'bundle'));
  writeFileSync(join(directory.path, 'tokens'), `kiosk ${TOKEN}\n`);
});
afterAll(() => directory.remove());

/** Runs a command of `serve` on a free port, asks for something and ends it as a machine that shuts down does. */
async function tryOut(args: readonly string[], ask: (url: string) => Promise<void>): Promise<void> {
  const server = start(args, directory.path);
  const [url] = await server.outputMatch(/http:\/\/[\d.]+:\d+/);
  await ask(url.replace('0.0.0.0', '127.0.0.1'));
  server.child.kill('SIGTERM');
  const { status, errors } = await server.result();
  expect(status).toBe(0);
  expect(errors).toContain('"event":"stopped"');
}

test('the command of the unit serves, and lets in who has a token', async () => {
  const [, command] = /^ExecStart=\/usr\/bin\/featherwire (.*)$/m.exec(unit)!;
  const args = command
    .replace('/var/lib/featherwire/bundle', 'bundle')
    .replace(/\$\{CREDENTIALS_DIRECTORY\}/, directory.path)
    .replace('--port 8350', '--port 0')
    .split(' ');
  await tryOut(args, async (url) => {
    expect((await fetch(`${url}/v1/bundles`)).status).toBe(401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await fetch(`${url}/v1/bundles`, { headers })).status).toBe(200);
  });
});

test.skipIf(systemdMissing)('systemd finds nothing wrong with the unit', () => {
  // It looks for the command, which a test does not install.
  const file = join(directory.path, 'featherwire.service');
  writeFileSync(file, unit.replace('/usr/bin/featherwire', process.execPath));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', file]);
  expect({ status, errors: stderr.toString() }).toEqual({ status: 0, errors: '' });
});

test('the command of the image serves, and its health check tells', async () => {
  const [, entry] = /^ENTRYPOINT (\[.*\])$/m.exec(image)!;
  const [, port] = /^EXPOSE (\d+)$/m.exec(image)!;
  const [node, main, ...args] = JSON.parse(entry) as string[];
  expect([node, main]).toEqual(['node', 'packages/cli/dist/main.js']);
  const [, check] = /^ {2}CMD (\[.*\])$/m.exec(image)!;
  const [, flag, script] = JSON.parse(check) as string[];
  const healthOf = (url: string): number | null =>
    spawnSync(process.execPath, [flag, script.replace(`http://127.0.0.1:${port}`, url)]).status;
  await tryOut([...args.with(args.indexOf('5000'), '50'), 'bundle', '--port', '0'], async (url) => {
    expect(healthOf(url)).toBe(0);
  });
  expect(healthOf('http://127.0.0.1:1')).toBe(1);
});
