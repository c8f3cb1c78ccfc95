/**
 * The tail alone, as a process of its own: told a model, then batch sizes and times. `createBareTails` is the other end: crews
 * of such processes that keep all cores busy, one with a thread for each core or several of one thread.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createLocalSession } from '@featherwire/inference/node';
import { tensor } from '@featherwire/tensor';

/**
 * Starts a crew.
 * @param tail - path of the model
 * @param input - name and shape of what it takes, with any first dimension
 * @returns `run(size, seconds)`: samples a second of all together, and milliseconds of CPU for a sample
 */
export async function createBareTails({ tail, input, processes, threads }) {
  const crew = Array.from({ length: processes }, () =>
    fork(fileURLToPath(import.meta.url), [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
  );
  const tell = (message) =>
    Promise.all(
      crew.map(
        (child) =>
          new Promise((resolve) => {
            child.once('message', resolve);
            child.send(message);
          }),
      ),
    );
  await tell({ tail, input, threads });
  return {
    async run(size, seconds) {
      const results = await tell({ size, seconds });
      const count = results.reduce((sum, result) => sum + result.count, 0);
      return {
        perSecond: results.reduce((sum, result) => sum + result.count / result.seconds, 0),
        cpuMs: results.reduce((sum, result) => sum + result.cpuMs, 0) / count,
      };
    },
    close() {
      for (const child of crew) child.kill();
    },
  };
}

if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) answerParent();

function answerParent() {
  let session;
  let model;
  process.on('message', async (message) => {
    if (message.tail) {
      model = message;
      session = await createLocalSession(model.tail, { intraOpThreads: model.threads });
      process.send('ready');
      return;
    }
    const shape = [message.size, ...model.input.shape.slice(1)];
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5);
    const feeds = { [model.input.name]: tensor('float32', shape, data) };
    await session.run(feeds);
    const [cpu, start] = [process.cpuUsage(), performance.now()];
    let count = 0;
    while (performance.now() - start < 1000 * message.seconds) {
      await session.run(feeds);
      count += message.size;
    }
    const used = process.cpuUsage(cpu);
    const seconds = (performance.now() - start) / 1000;
    process.send({ count, seconds, cpuMs: (used.user + used.system) / 1000 });
  });
}
