/**
 * What a network was measured to cost on one machine: times of whole runs and of every step that the engine made of its
 * nodes. A profile is a plain record that travels as JSON, so whoever reads one from outside checks it here.
 */

/** Value of `format` in every profile. */
export const PROFILE_FORMAT = 'featherwire-model-profile';

/** The one version of profiles that this library reads and writes. */
export const PROFILE_VERSION = 1;

/** Where something was measured. */
export interface MeasuringMachine {
  /** The processor's name. */
  readonly processor: string;
  /** Threads of the machine that a process may use. */
  readonly parallelism: number;
  /** Operating system and architecture, such as `linux x64`. */
  readonly platform: string;
  /** Engine with its version. */
  readonly engine: string;
}

/** One step of the engine: a node of the network, or what the engine made of several. */
export interface StepProfile {
  /** As the engine names it: the node's name with additions such as `_nchwc`, where the node has a name. */
  readonly name: string;
  readonly opType: string;
  /** Median over the runs, in milliseconds. */
  readonly ms: number;
  /** Bytes of its outputs. */
  readonly outputBytes: number;
}

/** Times of one network on one machine. */
export interface ModelProfile {
  readonly format: typeof PROFILE_FORMAT;
  readonly version: typeof PROFILE_VERSION;
  readonly machine: MeasuringMachine;
  /** Threads inside one operator. */
  readonly threads: number;
  /** Shapes of the inputs that were fed, by name. */
  readonly inputShapes: Readonly<Record<string, readonly number[]>>;
  /** Runs before those that are timed. */
  readonly warmUpRuns: number;
  /** Runs that the medians are over. */
  readonly runs: number;
  /** Wall time of a run without the engine's profiler, in milliseconds: median and 95th percentile. */
  readonly runMs: { readonly p50: number; readonly p95: number };
  /** In the order of execution; their times and `fixedMs` sum up to `runMs.p50`. */
  readonly steps: readonly StepProfile[];
  /** What a run takes before its first step and after its last one. */
  readonly fixedMs: number;
}

/** Longest list of steps that is read. */
const MAX_STEPS = 1_000_000;

/**
 * Checks a profile that came from outside.
 * @throws {TypeError} naming the field, what was expected and what came
 */
export function checkModelProfile(value: unknown): ModelProfile {
  const profile = record('profile', value);
  literal('format', profile.format, PROFILE_FORMAT);
  literal('version', profile.version, PROFILE_VERSION);
  const machine = record('machine', profile.machine);
  for (const field of ['processor', 'platform', 'engine']) text(`machine.${field}`, machine[field]);
  amount('machine.parallelism', machine.parallelism);
  for (const field of ['threads', 'warmUpRuns', 'runs', 'fixedMs']) amount(field, profile[field]);
  const runMs = record('runMs', profile.runMs);
  amount('runMs.p50', runMs.p50);
  amount('runMs.p95', runMs.p95);
  for (const [name, shape] of Object.entries(record('inputShapes', profile.inputShapes))) {
    for (const dimension of list(`inputShapes.${name}`, shape)) amount(`inputShapes.${name}`, dimension);
  }
  for (const entry of list('steps', profile.steps)) {
    const step = record('steps', entry);
    text('steps.name', step.name);
    text('steps.opType', step.opType);
    amount('steps.ms', step.ms);
    amount('steps.outputBytes', step.outputBytes);
  }
  return value as ModelProfile;
}

function record(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw unexpected(name, 'an object', value);
}

function list(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length <= MAX_STEPS) return value;
  throw unexpected(name, `a list of at most ${MAX_STEPS} entries`, value);
}

function literal(name: string, value: unknown, expected: string | number): void {
  if (value !== expected) throw unexpected(name, JSON.stringify(expected), value);
}

function text(name: string, value: unknown): void {
  if (typeof value !== 'string') throw unexpected(name, 'a text', value);
}

function amount(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value)) {
    throw unexpected(name, 'a number from 0', value);
  }
}

function unexpected(name: string, expected: string, value: unknown): TypeError {
  const got = Array.isArray(value) ? `a list of ${value.length}` : (JSON.stringify(value) ?? 'nothing');
  return new TypeError(`${name} expected ${expected}, got ${got.slice(0, 100)}`);
}
