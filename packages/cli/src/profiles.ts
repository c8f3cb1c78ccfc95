/** Profiles of bundled frames as commands name them. */

import { type CodingProfile, readProfile } from '@featherwire/codec';
import { inFile, readInput } from './files.js';
import type { Terminal } from './terminal/terminal.js';

/** Reads profiles. @param files - by operating point */
export async function readProfiles(
  files: ReadonlyMap<number, string> = new Map(),
  terminal: Terminal,
): Promise<Map<number, CodingProfile>> {
  const profiles = new Map<number, CodingProfile>();
  for (const [point, file] of files) {
    const bytes = await readInput(file, terminal);
    profiles.set(point, await inFile(file, () => readProfile(bytes)));
  }
  return profiles;
}
