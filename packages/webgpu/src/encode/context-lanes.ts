/** Lanes under contexts: indices and their entries for all elements at once, then the lanes. */

import type { GpuContext } from '../device/gpu-context.js';
import {
  CONTEXT_LANE_GROUP,
  ELEMENT_GROUP,
  ENCODE_CONTEXT_LANES,
  FIND_ENTRIES,
  QUANTIZE_ELEMENTS,
} from '../shaders/encode-context-shaders.js';
import { CONTEXT_PAYLOAD } from '../shaders/section-shaders.js';
import { type CodedLanes, chunkRecords } from './coded-lanes.js';
import { type ContextPlan, type FramePlan, symbolCounts } from './frame-plan.js';

const WORD_BYTES = 4;

/** @throws {GpuError} if a kernel cannot be made */
export async function contextLanes(
  context: GpuContext,
  plan: FramePlan,
  { model, planes, sectionHead }: ContextPlan,
): Promise<CodedLanes> {
  const [quantizeElements, findEntries, encodeLanes] = await Promise.all([
    context.pipeline('quantize elements', QUANTIZE_ELEMENTS),
    context.pipeline('find entries', FIND_ENTRIES),
    context.pipeline('encode lanes under contexts', ENCODE_CONTEXT_LANES),
  ]);
  const { chunkCount, laneCount } = plan.coding;
  const counts = symbolCounts(plan);
  const elementCount = counts.reduce((a, b) => a + b, 0);
  const elementGroups = Math.ceil(counts.reduce((a, b) => Math.max(a, b)) / ELEMENT_GROUP);
  return {
    form: CONTEXT_PAYLOAD,
    chunks: chunkRecords(plan, (i) => ({
      head: 0,
      headLength: sectionHead.length,
      own: [planes[i].rows, planes[i].columns],
    })),
    heads: [sectionHead],
    add(call, feature, { coding, chunks, thresholds, emitted, states, tileWords, report }) {
      const models = call.upload('model', model);
      const indices = call.scratch('indices', elementCount * WORD_BYTES);
      const quantized = [coding, chunks, feature.buffer, thresholds, indices, report];
      call.dispatch(quantizeElements, quantized, elementGroups, chunkCount);
      call.dispatch(findEntries, [coding, chunks, models, indices, emitted], elementGroups, chunkCount);
      const lanes = [coding, chunks, models, emitted, states, tileWords];
      call.dispatch(encodeLanes, lanes, Math.ceil((chunkCount * laneCount) / CONTEXT_LANE_GROUP));
    },
  };
}
