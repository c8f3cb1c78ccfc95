/** Both halves of a unit running, each in a worker thread. */

import type { UnitRuns } from '@featherwire/calibration';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import type { Tensor } from '@featherwire/tensor';

/** A unit's models, as bytes or by their paths. */
export interface UnitModelFiles {
  readonly reduction: Uint8Array | string;
  readonly restoration: Uint8Array | string;
}

/** Names of the tensors on both sides, in the orders of the manifest. */
export interface UnitTensorNames {
  readonly cut: readonly string[];
  readonly latent: readonly string[];
}

/** Open halves. */
export interface OpenUnitRuns extends UnitRuns {
  close(): Promise<void>;
}

/** Opens both halves. @throws {InferenceError} `model-rejected`; nothing stays open then */
export async function openUnitRuns(files: UnitModelFiles, names: UnitTensorNames): Promise<OpenUnitRuns> {
  const reducing = await createWorkerSession(files.reduction);
  let restoring: ModelSession;
  try {
    restoring = await createWorkerSession(files.restoration);
  } catch (error) {
    await reducing.close();
    throw error;
  }
  const through =
    (session: ModelSession, from: readonly string[], to: readonly string[]) =>
    async (tensors: readonly Tensor[]): Promise<readonly Tensor[]> => {
      const feeds: TensorMap = Object.fromEntries(from.map((name, i) => [name, tensors[i]]));
      const { outputs } = await session.run(feeds);
      return to.map((name) => outputs[name]);
    };
  return {
    reduce: through(reducing, names.cut, names.latent),
    restore: through(restoring, names.latent, names.cut),
    async close() {
      await Promise.all([reducing.close(), restoring.close()]);
    },
  };
}
