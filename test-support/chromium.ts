/** The Chromium of this machine, for tests that need a real browser. */

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CANDIDATES = [
  process.env.FEATHERWIRE_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const QUIET = ['--no-sandbox', '--disable-background-networking', '--disable-component-update'];

/** Where Chromium is; undefined if there is none. FEATHERWIRE_CHROMIUM can name one. */
export const CHROMIUM = CANDIDATES.find((file) => file !== undefined && existsSync(file));

/** True without Chromium, which is then said. @param what - that is skipped */
export function skipsWithoutChromium(what: string): boolean {
  if (!CHROMIUM) console.info(`skipped: ${what}; no Chromium found, FEATHERWIRE_CHROMIUM can name one`);
  return !CHROMIUM;
}

/** @param args - beside those that keep it quiet */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: [...QUIET, ...args] });
}
