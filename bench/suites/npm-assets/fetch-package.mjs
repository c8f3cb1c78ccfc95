/** Contents of npm packages without installing them: several that hold networks depend on hundreds of others. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Fetches a tarball by `npm pack`, checks it and unpacks it.
 * @param integrity - as the registry states it, `sha512-…`
 * @returns the directory of the package's files
 * @throws {Error} if the package cannot be had or is another
 */
export async function unpackPackage({ name, integrity }, work) {
  const directory = path.join(work, name.replaceAll(/[^a-z0-9.]+/gi, '-'));
  await mkdir(directory);
  const { stdout } = await run('npm', ['pack', name, '--silent', '--pack-destination', directory]);
  const tarball = path.join(directory, stdout.trim().split('\n').at(-1));
  const digest = createHash('sha512')
    .update(await readFile(tarball))
    .digest('base64');
  if (`sha512-${digest}` !== integrity)
    throw new Error(`${name} expected integrity ${integrity}, got sha512-${digest}`);
  await run('tar', ['-xzf', tarball, '-C', directory]);
  return path.join(directory, 'package');
}
