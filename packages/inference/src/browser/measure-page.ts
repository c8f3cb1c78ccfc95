/**
 * The module of the page that `node/browser-profile.ts` serves: runs a network on onnxruntime-web's WebAssembly, with and
 * without the engine's profiler in turns, and sends what it took. It imports nothing but the engine, which the server serves.
 */

/** What is to be measured. */
export interface BrowserTask {
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
  readonly threads: number;
  readonly warmUpRuns: number;
  readonly leastRuns: number;
  readonly mostRuns: number;
  readonly budgetMs: number;
}

/** What was measured. */
export interface BrowserTimes {
  /** Of runs without the profiler, in milliseconds. */
  readonly times: readonly number[];
  /** The profiler's trace of as many runs, and of those to warm up. */
  readonly trace: string;
  readonly threads: number;
  readonly parallelism: number;
  readonly userAgent: string;
  readonly engineVersion: string;
}

/** What the page uses of the engine, whose types need not be there. */
interface Engine {
  readonly env: {
    readonly wasm: { numThreads?: number };
    readonly versions: { readonly web?: string; readonly common: string };
  };
  readonly Tensor: new (dtype: string, data: unknown, shape: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<EngineSession>;
  };
}

interface EngineSession {
  run(feeds: Readonly<Record<string, unknown>>): Promise<unknown>;
  endProfiling(): void;
}

/** Bits of 0.5. */
const HALF_AS_FLOAT16 = 0x3800;
/** As `profiledFeeds` fills them. */
const FILLED: Readonly<Record<string, (length: number) => unknown>> = {
  float32: (length) => new Float32Array(length).fill(0.5),
  float64: (length) => new Float64Array(length).fill(0.5),
  float16: (length) => new Uint16Array(length).fill(HALF_AS_FLOAT16),
  int8: (length) => new Int8Array(length),
  uint8: (length) => new Uint8Array(length),
  bool: (length) => new Uint8Array(length),
  int16: (length) => new Int16Array(length),
  uint16: (length) => new Uint16Array(length),
  int32: (length) => new Int32Array(length),
  uint32: (length) => new Uint32Array(length),
  int64: (length) => new BigInt64Array(length),
  uint64: (length) => new BigUint64Array(length),
};

const say = (text: string): void => {
  document.querySelector('output')!.textContent = text;
};

try {
  const times = await measure();
  await post('result', times);
  say('Done. The page can be closed.');
} catch (error) {
  const reason = String(error);
  say(reason);
  await post('failure', { reason });
}

async function measure(): Promise<BrowserTimes> {
  // The engine writes its trace to the console that it finds when it starts.
  const lines: string[] = [];
  const out = globalThis.console;
  const write = out.log;
  out.log = (...parts: unknown[]) => void lines.push(parts.join(' '));
  const engineUrl = new URL('./engine/ort.wasm.min.mjs', location.href).href;
  const engine = (await import(engineUrl)) as Engine;
  const task = (await (await fetch('./task.json')).json()) as BrowserTask;
  // Threads need memory that is shared, which a page has in isolation only.
  const threads = crossOriginIsolated ? task.threads : 1;
  engine.env.wasm.numThreads = threads;
  const model = new Uint8Array(await (await fetch('./model.onnx')).arrayBuffer());
  const options = { executionProviders: ['wasm'], enableCpuMemArena: true };
  const plain = await engine.InferenceSession.create(model, options);
  const traced = await engine.InferenceSession.create(model, { ...options, enableProfiling: true });
  const feeds = Object.fromEntries(
    task.inputs.map(({ name, dtype, shape }) => {
      const data = FILLED[dtype]?.(shape.reduce((product, size) => product * size, 1));
      if (data === undefined) throw new TypeError(`input ${name} expected a type of numbers, got ${dtype}`);
      return [name, new engine.Tensor(dtype, data, shape)];
    }),
  );
  const runBoth = async (): Promise<number> => {
    const start = performance.now();
    await plain.run(feeds);
    const ms = performance.now() - start;
    await traced.run(feeds);
    // A turn of the event loop, so that the page can be closed and drawn.
    await new Promise((resolve) => setTimeout(resolve));
    return ms;
  };
  say('Measuring …');
  for (let run = 0; run < task.warmUpRuns; run++) await runBoth();
  const end = performance.now() + task.budgetMs;
  const times: number[] = [];
  while (times.length < task.leastRuns || (times.length < task.mostRuns && performance.now() < end))
    times.push(await runBoth());
  lines.length = 0;
  traced.endProfiling();
  out.log = write;
  const { versions } = engine.env;
  return {
    times,
    trace: lines.join('\n'),
    threads,
    parallelism: navigator.hardwareConcurrency,
    userAgent: navigator.userAgent,
    engineVersion: versions.web ?? versions.common,
  };
}

async function post(what: 'result' | 'failure', body: object): Promise<void> {
  await fetch(`./${what}`, { method: 'POST', body: JSON.stringify(body) });
}
