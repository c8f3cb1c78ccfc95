/** The commit that this command was built from. */

import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Hash of the commit, with `+changes` if sources differ from it; null outside a repository. */
export async function sourceCommit(): Promise<string | null> {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', here, ...args])).stdout.trim();
  try {
    const root = await git('rev-parse', '--show-toplevel');
    // A package below somebody else's repository has no commit of its own.
    const tracked = await git('-C', root, 'ls-files', 'packages/cli/src/program.ts');
    if (tracked === '') return null;
    const changes = await git('-C', root, 'status', '--porcelain', '--untracked-files=no', 'packages');
    return (await git('rev-parse', 'HEAD')) + (changes === '' ? '' : '+changes');
  } catch {
    return null;
  }
}
