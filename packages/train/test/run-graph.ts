/** Running a graph of a test at some inputs. */

import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import type { Tensor } from '@featherwire/tensor';
import type { Graph, Value } from '../src/graph/graph.js';

/** The values' tensors, in order. */
export async function runGraph(
  g: Graph,
  values: readonly Value[],
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Tensor[]> {
  const session = await createLocalSession(serializeModel(g.toModel(values)));
  try {
    const { outputs } = await session.run(feeds);
    return values.map(({ name }) => outputs[name]);
  } finally {
    await session.close();
  }
}
