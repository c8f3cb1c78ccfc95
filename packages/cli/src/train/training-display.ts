/**
 * Training as it goes, on standard error: on a terminal one line that is drawn again and again, with the curve of the run at
 * hand, its estimated rate and the time that is left; elsewhere a line now and then.
 */

import type { TrainingEvent } from '@featherwire/train/node';
import type { Progress } from '../terminal/progress.js';
import { stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatDuration, formatPercent } from '../terminal/units.js';
import { sparkline } from './sparkline.js';

/** A display of training beside the progress of everything else. */
export interface TrainingDisplay {
  stage(label: string): void;
  progress(done: number, total: number): void;
  step(event: TrainingEvent): void;
  close(): void;
}

const DRAW_INTERVAL_MS = 200;
const LINE_INTERVAL_MS = 10_000;
/** Time after which the time of a step is known well enough. */
const LEAST_KNOWN_MS = 2000;
const CURVE_WIDTH = 24;
/** Reports whose mean is shown as the rate. */
const RATE_WINDOW = 20;
const BITS_PER_BYTE = 8;

/** Makes the display; `progress` shows the stages around training. */
export function createTrainingDisplay({ stderr, env }: Terminal, progress: Progress): TrainingDisplay {
  const isTerminal = stderr.isTTY === true;
  const { dim } = stylesOf(stderr, env);
  const interval = isTerminal ? DRAW_INTERVAL_MS : LINE_INTERVAL_MS;
  let runId = '';
  let losses: number[] = [];
  let rates: number[] = [];
  let begun: { done: number; at: number } | undefined;
  let drawnAt = 0;
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn) stderr.write('\r\u001b[K');
    isDrawn = false;
  };
  return {
    stage(label) {
      clear();
      progress.stage(label);
    },
    progress: (done, total) => progress.progress(done, total),
    step(event) {
      const { done, total, run, report } = event;
      const now = performance.now();
      begun ??= { done: done - 1, at: now };
      if (run.id !== runId) {
        runId = run.id;
        losses = [];
        rates = [];
      }
      losses.push(report.loss);
      rates = [...rates.slice(1 - RATE_WINDOW), report.rate];
      if (now - drawnAt < interval && done < total) return;
      drawnAt = now;
      const msPerStep = (now - begun.at) / Math.max(1, done - begun.done);
      const isKnown = now - begun.at > LEAST_KNOWN_MS;
      const left = isKnown ? `  ${formatDuration((total - done) * msPerStep)} left` : '';
      const bytes = rates.reduce((sum, rate) => sum + rate, 0) / rates.length / BITS_PER_BYTE;
      const text = [
        `train ${event.architecture}, ${run.id}`,
        sparkline(losses, CURVE_WIDTH),
        `loss ${report.loss.toFixed(4)}`,
        `about ${formatCount(Math.round(bytes))} bytes`,
        formatPercent(done / total),
      ].join('  ');
      if (isTerminal) {
        progress.close();
        stderr.write(`\r\u001b[K${text}${dim(left)}`);
        isDrawn = true;
      } else stderr.write(`${text}${left}\n`);
    },
    close: clear,
  };
}
