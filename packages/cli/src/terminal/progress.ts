/**
 * Progress of long jobs on standard error: a bar on a terminal once a stage takes over a second, plain lines
 * otherwise. It never writes to standard output.
 */

import type { ProgressReporter } from '@featherwire/demo';
import cliProgress, { type SingleBar } from 'cli-progress';
import { stylesOf, type Terminal } from './terminal.js';

/** A reporter that ends: nothing of it stays on a terminal's last line. */
export interface Progress extends ProgressReporter {
  close(): void;
}

/** Stages shorter than this leave no bar. */
const BAR_DELAY_MS = 1000;
/** Plain lines come at most this often within a stage. */
const LINE_INTERVAL_MS = 5000;

/** Progress for this terminal. */
export function createProgress({ stderr, env }: Terminal): Progress {
  if (stderr.isTTY) return new BarProgress(stderr, env);
  return new LineProgress(stderr);
}

/** One line when a stage begins, and how far it is every few seconds. */
class LineProgress implements Progress {
  readonly #stderr: Terminal['stderr'];
  #label = '';
  #lastLine = 0;

  constructor(stderr: Terminal['stderr']) {
    this.#stderr = stderr;
  }

  stage(label: string): void {
    this.#label = label;
    this.#print(label);
  }

  progress(done: number, total: number): void {
    if (performance.now() - this.#lastLine < LINE_INTERVAL_MS) return;
    this.#print(`${this.#label}: ${done} of ${total}`);
  }

  note(line: string): void {
    this.#print(line);
  }

  close(): void {}

  #print(line: string): void {
    this.#stderr.write(`${line}\n`);
    this.#lastLine = performance.now();
  }
}

/** A bar that appears when its stage has taken a second and goes away with it. */
class BarProgress implements Progress {
  readonly #stderr: Terminal['stderr'];
  readonly #env: Terminal['env'];
  #label = '';
  #started = 0;
  #bar: SingleBar | undefined;
  #waiting: NodeJS.Timeout | undefined;

  constructor(stderr: Terminal['stderr'], env: Terminal['env']) {
    this.#stderr = stderr;
    this.#env = env;
  }

  stage(label: string): void {
    this.close();
    this.#label = label;
    this.#started = performance.now();
    // A stage that never says how far it is still shows what is going on.
    this.#waiting = setTimeout(() => this.#stderr.write(`\r\u001b[K${label} …`), BAR_DELAY_MS);
    this.#waiting.unref();
  }

  progress(done: number, total: number): void {
    if (!this.#bar && performance.now() - this.#started < BAR_DELAY_MS) return;
    this.#bar ??= this.#open(total);
    this.#bar.setTotal(total);
    this.#bar.update(done);
  }

  note(line: string): void {
    const label = this.#label;
    const started = this.#started;
    this.close();
    this.#stderr.write(`${line}\n`);
    if (!label) return;
    this.stage(label);
    this.#started = started; // the bar comes back with the next report
  }

  close(): void {
    clearTimeout(this.#waiting);
    this.#bar?.stop();
    this.#bar = undefined;
    if (this.#label) this.#stderr.write('\r\u001b[K');
    this.#label = '';
  }

  #open(total: number): SingleBar {
    clearTimeout(this.#waiting);
    const { dim } = stylesOf(this.#stderr, this.#env);
    const bar = new cliProgress.SingleBar(
      {
        stream: this.#stderr,
        format: `${this.#label} {bar} {value}/{total} ${dim('{eta_formatted} left')}`,
        barsize: 30,
        hideCursor: false, // nothing would bring it back after a second signal
        clearOnComplete: true,
        etaBuffer: 50,
        gracefulExit: false, // signals are the command's
      },
      cliProgress.Presets.shades_classic,
    );
    bar.start(total, 0);
    return bar;
  }
}
