/**
 * What takes vitest's place where test files are bundled for a browser: its own runner, matchers and spies, which run
 * anywhere, without its command, its workers and its file system.
 */

import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import { type File, startTests, type Task, type VitestRunner } from '@vitest/runner';
import { fn } from '@vitest/spy';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test } from '@vitest/runner';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
  (globalThis as unknown as Record<symbol, object>)[ASYMMETRIC_MATCHERS_OBJECT],
);
Object.defineProperty(globalThis, GLOBAL_EXPECT, { value: expect, configurable: true });
setState({ assertionCalls: 0, isExpectingAssertions: false }, expect as never);
export const vi = { fn };

/** Outcome of a test. */
export interface TestOutcome {
  /** Names of file, groups and test. */
  readonly name: string;
  readonly state: string;
  /** What went wrong, if anything did. */
  readonly errors: readonly string[];
}

const TIMEOUT_MS = 30_000;

/**
 * Runs test files one after another.
 * @param files - functions that import them, by names for the report
 */
export async function runTestFiles(
  files: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<readonly TestOutcome[]> {
  const runner: VitestRunner = {
    config: {
      root: '/',
      setupFiles: [],
      name: undefined,
      passWithNoTests: false,
      testNamePattern: undefined,
      allowOnly: false,
      sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: TIMEOUT_MS,
      hookTimeout: TIMEOUT_MS,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    importFile: (path) => files[path.replace(/^\//, '')](),
  };
  const paths = Object.keys(files).map((path) => ({ filepath: `/${path}` }));
  return (await startTests(paths, runner)).flatMap((file: File) => outcomesOf(file, file.filepath));
}

function outcomesOf(task: Task | File, name: string): TestOutcome[] {
  const errors = task.result?.errors?.map(({ message }) => message) ?? [];
  if (!('tasks' in task)) return [{ name, state: task.result?.state ?? task.mode, errors }];
  const failed = errors.length > 0 ? [{ name, state: 'fail', errors }] : [];
  return [...failed, ...task.tasks.flatMap((inner) => outcomesOf(inner, `${name} > ${inner.name}`))];
}
