/**
 * A way to get the network's answer, with everything that was measured of it. These records and a link are all that the
 * choice knows: nothing in this folder measures, draws or reads files.
 */

import type { Quantiles } from '@featherwire/inference';

/** What the device does, and what it sends. */
export type WayKind =
  /** The whole network on the device; nothing is sent. */
  | 'device'
  /** The head on the device, the coded feature to the server. */
  | 'split'
  /** A picture coded with loss to the server, which runs the whole network. */
  | 'picture'
  /** The input coded without loss to the server, which runs the whole network. */
  | 'server';

/** A metric's loss to the unsplit network. */
export interface Loss {
  /** Points (hundredths of the metric) by which the way is worse than the unsplit network on the same samples. */
  readonly points: number;
  /** Paired 95 % interval of `points`; null where the maker of the figure stated none. */
  readonly interval: readonly [low: number, high: number] | null;
}

/** One way, measured. */
export interface Way {
  /** Unique among the ways of a plan. */
  readonly id: string;
  readonly kind: WayKind;
  /** A few words for tables and charts. */
  readonly label: string;
  /** How the input or the feature is coded, in words; empty if nothing is sent. */
  readonly setting: string;
  /** From the input to the first byte sent, and from the last byte received to the answer. */
  readonly deviceMs: Quantiles;
  /** From the last byte received by the server to the first one sent back. */
  readonly serverMs: Quantiles;
  /** What the exchange of messages takes beside both ends' work and the link; 0 if nothing is sent. */
  readonly exchangeMs: Quantiles;
  /** Bytes to the server above TCP, all headers included; 0 if nothing is sent. */
  readonly uplinkBytes: Quantiles;
  /** Bytes of the answer above TCP, all headers included. */
  readonly downlinkBytes: number;
  /** Multiply-accumulate operations of one sample on the device; null if a shape leaves them unknown. */
  readonly deviceMacs: number | null;
  /** Value of the task's metric. */
  readonly metric: number;
  readonly loss: Loss;
  /** Of a split whose bundle has an exit. */
  readonly exit?: WayExit;
}

/** What becomes of a split with its bundle's exit before it, measured on the same samples. */
export interface WayExit {
  /** Of the samples, those that it answers, in [0, 1]. */
  readonly answeredShare: number;
  /** Head and exit on the device: all that such an answer takes. */
  readonly here: Quantiles;
  /** In the place of the way's own, of the samples that are sent; null if none is. */
  readonly sent: Pick<Way, 'deviceMs' | 'uplinkBytes'> | null;
  /** As `uplinkBytes`, mean over all samples. */
  readonly bytesPerDecision: number;
  readonly metric: number;
  readonly loss: Loss;
}
