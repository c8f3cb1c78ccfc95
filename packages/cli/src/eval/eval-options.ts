/** Options of `featherwire eval`, as its action and the choice of its targets read them. */

import type { BackendPreference } from '@featherwire/codec';
import type { InputShapes } from '@featherwire/onnx';
import type { BundleContentOptions } from '../split/bundle-content.js';

/** What the options parse to. */
export interface EvalOptions extends BundleContentOptions {
  readonly output: string;
  readonly data?: string;
  readonly calibration?: string;
  readonly at?: readonly string[];
  readonly suite?: string;
  readonly assets?: string;
  readonly quick?: true;
  readonly full?: true;
  readonly samples?: number;
  /** In hundredths of the metric. */
  readonly maxLoss: number;
  readonly deviceSpeed: number;
  readonly seed: number;
  readonly agreement?: true;
  readonly shape?: InputShapes;
  readonly backend: BackendPreference;
  readonly json?: true;
}
