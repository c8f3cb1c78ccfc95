/** A way as it was measured on this machine, and what becomes of it between two ends of other speeds. */

import type { Quantiles } from '@featherwire/inference';
import type { Loss, Way, WayExit, WayKind } from '../choice/way.js';

/** Wall times of the stages, one sample at a time, in milliseconds; 0 for stages that a way does not have. */
export interface WayStages {
  /** Head, or the whole network, on the device. */
  readonly headMs: Quantiles;
  /** Coding of feature, picture or input on the device. */
  readonly encodeMs: Quantiles;
  /** Decoding on the server, for pictures with the preparation of the input. */
  readonly decodeMs: Quantiles;
  /** Tail, or the whole network, on the server. */
  readonly tailMs: Quantiles;
  /** Coding of the answer. */
  readonly respondMs: Quantiles;
  /** Decoding of the answer on the device. */
  readonly readMs: Quantiles;
}

/** What was measured of one way; plain enough to be kept as JSON. */
export interface MeasuredWay {
  readonly id: string;
  readonly kind: WayKind;
  readonly label: string;
  readonly setting: string;
  /** Tensors of the cut; empty if the network is not split. */
  readonly cut: readonly string[];
  readonly stages: WayStages;
  /** Of the whole network, run in turns with the stages, median in milliseconds: how fast the machine was meanwhile. */
  readonly wholeMs: number;
  /** Frames, or the picture, over the samples. */
  readonly payloadBytes: Quantiles;
  /** Frames of the answer, mean over the samples. */
  readonly answerBytes: number;
  readonly deviceMacs: number | null;
  readonly metric: number;
  readonly loss: Loss;
  /** With the bundle's exit before it, where there is one. */
  readonly exit?: MeasuredExit;
}

/** What an exit before a way does to the samples of its measurement. */
export interface MeasuredExit {
  /** Of the samples, those that it answers, in [0, 1]. */
  readonly answeredShare: number;
  /** Of the exit alone. */
  readonly exitMs: Quantiles;
  /** Frames of the samples that are sent; null if none is. */
  readonly sentBytes: Quantiles | null;
  /** Frames, mean over all samples. */
  readonly bytesPerDecision: number;
  readonly metric: number;
  readonly loss: Loss;
}

/** How much longer than this machine the ends take; 1 is this machine. */
export interface EndFactors {
  /** Of the network's part on each end. */
  readonly deviceNetwork: number;
  readonly serverNetwork: number;
  /** Of coding and decoding. */
  readonly deviceCoding: number;
  readonly serverCoding: number;
}

/** What messages add to payload and stages. */
export interface MessageOverhead {
  readonly requestBytes: number;
  readonly answerBytes: number;
  /** What an exchange takes beside stages and link, whatever its size. */
  readonly exchangeMs: Quantiles;
}

/** A stage that a way does not have. */
export const NO_TIME: Quantiles = Object.freeze({ p50: 0, p95: 0 });

/**
 * Ways as if they had been measured at one moment: machines are faster at one time than at another, and a measurement may be
 * a kept one. Stages become longer or shorter as the whole network beside them does, to its median over the ways.
 */
export function atOneSpeed(ways: readonly MeasuredWay[]): MeasuredWay[] {
  const sorted = ways.map(({ wholeMs }) => wholeMs).sort((a, b) => a - b);
  const common = sorted[sorted.length >> 1];
  return ways.map((way) => {
    const factor = common / way.wholeMs;
    const stages = Object.entries(way.stages).map(([stage, time]) => [stage, scale(time, factor)]);
    return {
      ...way,
      wholeMs: common,
      stages: Object.fromEntries(stages) as WayStages,
      ...(way.exit && { exit: { ...way.exit, exitMs: scale(way.exit.exitMs, factor) } }),
    };
  });
}

/** The way between two ends. */
export function wayOf(measured: MeasuredWay, factors: EndFactors, overhead: MessageOverhead): Way {
  const { id, kind, label, setting, stages, payloadBytes, answerBytes, deviceMacs, metric, loss } = measured;
  const sends = kind !== 'device';
  const withHead = (bytes: number): number => (sends ? bytes + overhead.requestBytes : 0);
  const deviceStages = [
    scale(stages.headMs, factors.deviceNetwork),
    scale(stages.encodeMs, factors.deviceCoding),
    scale(stages.readMs, factors.deviceCoding),
  ];
  return {
    ...{ id, kind, label, setting, deviceMacs, metric, loss },
    deviceMs: inSequence(...deviceStages),
    serverMs: inSequence(
      scale(stages.decodeMs, factors.serverCoding),
      scale(stages.tailMs, factors.serverNetwork),
      scale(stages.respondMs, factors.serverCoding),
    ),
    exchangeMs: sends ? overhead.exchangeMs : NO_TIME,
    uplinkBytes: { p50: withHead(payloadBytes.p50), p95: withHead(payloadBytes.p95) },
    downlinkBytes: sends ? answerBytes + overhead.answerBytes : 0,
    ...(measured.exit && { exit: exitOf(measured.exit, deviceStages, factors, overhead) }),
  };
}

/** @param deviceStages - of the way, the head first */
function exitOf(
  { answeredShare, exitMs, sentBytes, bytesPerDecision, metric, loss }: MeasuredExit,
  deviceStages: readonly Quantiles[],
  { deviceNetwork }: EndFactors,
  { requestBytes }: MessageOverhead,
): WayExit {
  const exit = scale(exitMs, deviceNetwork);
  return {
    ...{ answeredShare, metric, loss },
    here: inSequence(deviceStages[0], exit),
    sent: sentBytes && {
      deviceMs: inSequence(...deviceStages, exit),
      uplinkBytes: { p50: sentBytes.p50 + requestBytes, p95: sentBytes.p95 + requestBytes },
    },
    bytesPerDecision: bytesPerDecision + (1 - answeredShare) * requestBytes,
  };
}

/** Stages that follow each other and spread independently, as in `totalOf`. */
function inSequence(...stages: readonly Quantiles[]): Quantiles {
  const p50 = stages.reduce((sum, stage) => sum + stage.p50, 0);
  return { p50, p95: p50 + Math.hypot(...stages.map((stage) => stage.p95 - stage.p50)) };
}

function scale({ p50, p95 }: Quantiles, factor: number): Quantiles {
  return { p50: p50 * factor, p95: p95 * factor };
}
