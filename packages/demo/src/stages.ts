/** What every stage of the demo is given. */

import type { Backend } from '@featherwire/codec';
import type { Recognizer } from './recognizer.js';
import type { DemoSize } from './scenario.js';

/** What every stage of the demo is given. */
export interface Stages {
  readonly recognizer: Recognizer;
  readonly size: DemoSize;
  readonly backend: Backend;
  /** A stage begins. @throws the reason of the demo's signal once it is aborted */
  readonly begin: (label: string) => void;
  /** How far the stage is. @throws as `begin` */
  readonly onProgress: (done: number, total: number) => void;
}
