/**
 * What a server counts, in the exposition format of Prometheus. Labels come from the server alone (names of bundles, ids of
 * points, codes), never from bytes of clients, so that their number is bounded.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RemoteErrorCode, StageTimes } from '../../protocol/index.js';

/** What became of one request. */
export interface RequestObservation {
  /** Name of its bundle; undefined if it named none that is served. */
  readonly bundle?: string;
  readonly outcome: 'ok' | RemoteErrorCode;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly times?: StageTimes;
  /** Id of its profiled point, `described` for frames that describe themselves, `picture`. */
  readonly point?: string;
  /** Requests that shared the run. */
  readonly runSize?: number;
}

/** What is looked at when metrics are asked for. */
export interface ServerGauges {
  readonly streams: number;
  readonly bufferedBytes: number;
  readonly inFlight: number;
  readonly connectionsDropped: number;
  readonly bundles: readonly {
    readonly name: string;
    readonly queued: number;
    readonly running: number;
    readonly workers: number;
    readonly restarts: number;
    /** Whether its remote tail takes requests; undefined if its tail is run here. */
    readonly remoteReady?: boolean;
  }[];
}

/** The counters of a server. */
export interface ServerMetrics {
  observe(request: RequestObservation): void;
  /** The text that a scrape gets, and its content type. */
  scrape(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** Seconds: from a fast tail on a fast machine to the default time limit. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
const RUN_SIZES = [1, 2, 4, 8, 16, 32, 64, 128];
const PREFIX = 'featherwire_';
const STAGES = { queue: 'queueMs', decode: 'decodeMs', tail: 'tailMs', respond: 'respondMs' } as const;

/** @param gauges - called at each scrape */
export function createServerMetrics(gauges: () => ServerGauges): ServerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const common = { registers: [registry] };
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter({ ...common, name: `${PREFIX}${name}`, help, labelNames: [...labelNames] });
  const histogram = <T extends string>(name: string, help: string, buckets: number[], labelNames: T[]) =>
    new Histogram({ ...common, name: `${PREFIX}${name}`, help, buckets, labelNames });

  const requests = counter('requests_total', 'Requests by bundle and outcome.', ['bundle', 'outcome']);
  const points = counter('point_requests_total', 'Answered requests by operating point.', [
    'bundle',
    'point',
  ]);
  const received = counter('received_bytes_total', 'Bytes of request messages.');
  const sent = counter('sent_bytes_total', 'Bytes of answer messages.');
  const total = histogram('request_seconds', 'From the last byte to the answer.', SECONDS, ['bundle']);
  const stages = histogram('stage_seconds', 'Stages of answered requests.', SECONDS, ['bundle', 'stage']);
  const runs = histogram('run_size', 'Requests that shared a run, for each answered one.', RUN_SIZES, [
    'bundle',
  ]);
  registerGauges(registry, gauges);

  return {
    observe({ bundle = '', outcome, receivedBytes, sentBytes, times, point, runSize }) {
      requests.inc({ bundle, outcome });
      received.inc(receivedBytes);
      sent.inc(sentBytes);
      if (point !== undefined) points.inc({ bundle, point });
      if (runSize !== undefined) runs.observe({ bundle }, runSize);
      if (!times) return;
      total.observe({ bundle }, times.totalMs / 1000);
      for (const [stage, field] of Object.entries(STAGES)) {
        stages.observe({ bundle, stage }, times[field] / 1000);
      }
    },
    scrape: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}

function registerGauges(registry: Registry, gauges: () => ServerGauges): void {
  const gauge = (name: string, help: string, value: (now: ServerGauges) => number): void => {
    new Gauge({
      ...{ name: `${PREFIX}${name}`, help, registers: [registry] },
      collect() {
        this.set(value(gauges()));
      },
    });
  };
  gauge('streams', 'Open WebSockets.', ({ streams }) => streams);
  gauge('buffered_bytes', 'Bytes of messages that are held.', ({ bufferedBytes }) => bufferedBytes);
  gauge('in_flight_requests', 'Requests without an answer.', ({ inFlight }) => inFlight);
  gauge(
    'dropped_connections',
    'Connections dropped over the limit of an address, since the start.',
    (now) => now.connectionsDropped,
  );
  const bundleGauge = (name: string, help: string, field: 'queued' | 'running' | 'workers' | 'restarts') => {
    new Gauge({
      ...{ name: `${PREFIX}${name}`, help, labelNames: ['bundle'], registers: [registry] },
      collect() {
        this.reset(); // bundles come and go, and several may be of one model
        for (const bundle of gauges().bundles) this.inc({ bundle: bundle.name }, bundle[field]);
      },
    });
  };
  bundleGauge('queued_requests', 'Requests that wait for a worker.', 'queued');
  bundleGauge('busy_workers', 'Workers that run a batch.', 'running');
  bundleGauge('workers', 'Workers that can take requests.', 'workers');
  bundleGauge('worker_restarts', 'Workers replaced since the start.', 'restarts');
  new Gauge({
    ...{ name: `${PREFIX}remote_tail_ready`, help: 'Whether the remote tail takes requests, 1 or 0.' },
    ...{ labelNames: ['bundle'], registers: [registry] },
    collect() {
      this.reset();
      const asked = gauges().bundles.filter(({ remoteReady }) => remoteReady !== undefined);
      // Of several bundles of one model, one that is not ready is told.
      for (const { name } of asked) {
        const isReady = asked.every((other) => other.name !== name || other.remoteReady);
        this.set({ bundle: name }, Number(isReady));
      }
    },
  });
}
