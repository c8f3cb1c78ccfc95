/** Opens a page in a browser without a window, which ends with the caller's work. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CommandError } from '../terminal/errors.js';

/** A browser that runs. */
export interface OpenedBrowser {
  /** Rejects if the browser ends by itself; else it never settles. */
  readonly ended: Promise<never>;
  close(): Promise<void>;
}

const FLAGS = [
  ...['--headless=new', '--no-first-run', '--no-default-browser-check', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-extensions'],
];
/** How much of what a browser says is told when it ends. */
const TOLD_CHARACTERS = 400;

/**
 * Starts a browser of Chromium's kind.
 * @param program - its executable
 */
export async function openBrowser(program: string, url: string): Promise<OpenedBrowser> {
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-browser-'));
  // As root there is no sandbox; elsewhere it stays.
  const isRoot = process.getuid?.() === 0;
  const flags = [...FLAGS, `--user-data-dir=${directory}`, ...(isRoot ? ['--no-sandbox'] : [])];
  const browser = spawn(program, [...flags, url], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  browser.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-TOLD_CHARACTERS);
  });
  const gone = new Promise<string>((resolve) => {
    browser.once('error', (error) => resolve(error.message));
    browser.once('exit', (code, signal) =>
      resolve(`it ended with ${signal ?? `status ${code}`}: ${said.trim()}`),
    );
  });
  const ended = gone.then((reason): never => {
    throw new CommandError(`${program}: ${reason}`);
  });
  ended.catch(() => undefined); // closed on purpose
  return {
    ended,
    async close() {
      browser.kill();
      await gone;
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
