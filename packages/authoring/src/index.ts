/** From a model file to a bundle: load, split, prove, write. */

export { type LoadedModel, loadModel } from './load-model.js';
export {
  type ArgMax,
  type SplitContext,
  type SplitPlan,
  type SplitResult,
  splitToBundle,
} from './split-to-bundle.js';
