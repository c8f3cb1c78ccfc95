/** How much longer than this machine the two ends take, from their profiles or from a stated speed. */

import type { EndFactors } from '../measure/measured-way.js';
import { type CutTimes, cutTimes, type RunTimes, wholeMs } from '../profile/cut-times.js';
import { type EndProfile, type ProfiledGraph, runTimesOn, type TimesOnEnd } from '../profile/end-profile.js';

/** An end: this machine at a stated speed, or another one by its profile. */
export type End =
  /** `speed` times as fast as this machine; 1 is this machine. */
  | { readonly kind: 'speed'; readonly speed: number }
  | { readonly kind: 'profile'; readonly profile: EndProfile };

/** Both ends for one model. */
export interface Ends {
  /** Whether the times of an end are measured, or computed from a speed or from the estimate of another model's profile. */
  readonly device: EndBasis;
  readonly server: EndBasis;
  /** Times of a cut's sides: the head on the device, the tail on the server. */
  cut(tensors: readonly string[]): CutTimes;
  /** Factors on what is measured here. @param tensors - of the cut; empty for the whole network on either end */
  factors(tensors: readonly string[]): EndFactors;
}

/** What the times of an end rest on. */
export type EndBasis =
  | 'this machine'
  | 'stated speed'
  | 'profile'
  | 'estimate from the profile of another model';

/**
 * Puts the ends of a model together.
 * @param here - this machine's profile of the model
 */
export function endsOf(graph: ProfiledGraph, here: EndProfile, device: End, server: End): Ends {
  const hereTimes = runTimesOn(here, graph);
  const deviceTimes = timesOn(device, graph, hereTimes);
  const serverTimes = timesOn(server, graph, hereTimes);
  const sides = (times: RunTimes, tensors: readonly string[]): CutTimes =>
    tensors.length > 0
      ? cutTimes(graph.index, tensors, times)
      : { headMs: wholeMs(times), tailMs: wholeMs(times) };
  return {
    device: basisOf(device, deviceTimes),
    server: basisOf(server, serverTimes),
    cut: (tensors) => ({
      headMs: sides(deviceTimes, tensors).headMs,
      tailMs: sides(serverTimes, tensors).tailMs,
    }),
    factors(tensors) {
      const local = sides(hereTimes, tensors);
      return {
        deviceNetwork: ratio(sides(deviceTimes, tensors).headMs, local.headMs),
        serverNetwork: ratio(sides(serverTimes, tensors).tailMs, local.tailMs),
        deviceCoding: ratio(wholeMs(deviceTimes), wholeMs(hereTimes)),
        serverCoding: ratio(wholeMs(serverTimes), wholeMs(hereTimes)),
      };
    },
  };
}

/** Factors of ends that are this machine at stated speeds. */
export function factorsOfSpeeds(deviceSpeed: number, serverSpeed: number): EndFactors {
  return {
    deviceNetwork: 1 / deviceSpeed,
    deviceCoding: 1 / deviceSpeed,
    serverNetwork: 1 / serverSpeed,
    serverCoding: 1 / serverSpeed,
  };
}

function timesOn(end: End, graph: ProfiledGraph, here: TimesOnEnd): TimesOnEnd {
  if (end.kind === 'profile') return runTimesOn(end.profile, graph);
  const { kind, nodeMs, fixedMs } = here;
  return { kind, nodeMs: nodeMs.map((ms) => ms / end.speed), fixedMs: fixedMs / end.speed };
}

function basisOf(end: End, { kind }: TimesOnEnd): EndBasis {
  if (end.kind === 'speed') return end.speed === 1 ? 'this machine' : 'stated speed';
  return kind === 'measured' ? 'profile' : 'estimate from the profile of another model';
}

function ratio(a: number, b: number): number {
  return b > 0 ? a / b : 1;
}
