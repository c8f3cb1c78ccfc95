/**
 * One direction of a connection through a lab: reads from one stream, splits into segments, lets the model say when each
 * goes and arrives, and writes to the other stream in order. Bytes are neither changed nor reordered nor dropped.
 */

import type { Readable, Writable } from 'node:stream';
import { SEGMENT_BYTES } from '@featherwire/link';
import type { LabClock } from './lab-clock.js';
import type { SegmentModel } from './segment-model.js';

/** What a shaped stream is made of. */
export interface ShapedStreamOptions {
  readonly source: Readable;
  readonly target: Writable;
  readonly model: SegmentModel;
  readonly clock: LabClock;
  /** On the clock, when the lab began. */
  readonly begunMs: number;
  /** Bytes that are held, on the way or waiting for it; the source is not read beyond it. */
  readonly maxHeldBytes: number;
}

/** Half of the timers' resolution: what is due this soon is due now. */
const RESOLUTION_MS = 0.5;

/** A direction of a connection. */
export class ShapedStream {
  readonly #options: ShapedStreamOptions;
  /** Read and not let go. */
  readonly #waiting: Uint8Array[] = [];
  /** Let go and not arrived; arrivals ascend. */
  readonly #underway: { readonly segment: Uint8Array; readonly arrivalMs: number }[] = [];
  #heldBytes = 0;
  #passedBytes = 0;
  #hasEnded = false;
  #targetIsFull = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: ShapedStreamOptions) {
    this.#options = options;
    const { source, target } = options;
    source.on('data', (chunk: Uint8Array) => this.#take(chunk));
    source.on('end', () => {
      this.#hasEnded = true;
      this.#run();
    });
    target.on('drain', () => {
      this.#targetIsFull = false;
      this.#run();
    });
  }

  /** Bytes held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Bytes handed on so far. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** Forgets what is held; neither stream is touched. */
  close(): void {
    this.#cancelTimer?.();
    this.#waiting.length = 0;
    this.#underway.length = 0;
    this.#heldBytes = 0;
  }

  #take(chunk: Uint8Array): void {
    for (let start = 0; start < chunk.length; start += SEGMENT_BYTES) {
      this.#waiting.push(chunk.subarray(start, start + SEGMENT_BYTES));
    }
    this.#heldBytes += chunk.length;
    if (this.#heldBytes >= this.#options.maxHeldBytes) this.#options.source.pause();
    this.#run();
  }

  /** Does what is due, and sets the timer for what is due next. */
  #run(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { clock, begunMs, target } = this.#options;
    const nowMs = clock.now() - begunMs;
    const opensAtMs = this.#letGo(nowMs);
    this.#handOn(nowMs);
    const isEmpty = this.#waiting.length === 0 && this.#underway.length === 0;
    if (isEmpty && this.#hasEnded) target.end();
    const arrivalMs = this.#targetIsFull ? undefined : this.#underway[0]?.arrivalMs;
    const nextMs = Math.min(opensAtMs ?? Number.POSITIVE_INFINITY, arrivalMs ?? Number.POSITIVE_INFINITY);
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = clock.schedule(Math.max(0, nextMs - nowMs), () => this.#run());
  }

  /** @returns when the window opens for the next segment, undefined if none waits */
  #letGo(nowMs: number): number | undefined {
    const { model } = this.#options;
    let count = 0;
    for (const segment of this.#waiting) {
      const opensAtMs = model.opensAtMs(segment.length, nowMs);
      if (opensAtMs > nowMs) {
        this.#waiting.splice(0, count);
        return opensAtMs;
      }
      this.#underway.push({ segment, arrivalMs: model.send(segment.length, nowMs) });
      count++;
    }
    this.#waiting.length = 0;
    return undefined;
  }

  #handOn(nowMs: number): void {
    const { source, target, maxHeldBytes } = this.#options;
    let count = 0;
    for (const { segment, arrivalMs } of this.#underway) {
      if (this.#targetIsFull || arrivalMs > nowMs + RESOLUTION_MS) break;
      this.#targetIsFull = !target.write(segment);
      this.#heldBytes -= segment.length;
      this.#passedBytes += segment.length;
      count++;
    }
    this.#underway.splice(0, count);
    if (count > 0 && this.#heldBytes < maxHeldBytes / 2 && source.isPaused()) source.resume();
  }
}
