/** Outputs of a network as people read them, by the task that the manifest states. */

import { type BundleManifest, decodeCtcIndices, decodeCtcOutput } from '@featherwire/bundle';
import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import type { Answer } from '../messages.js';

const TOP_COUNT = 5;
const SHOWN_VALUES = 8;
/** Sums of probabilities are this close to 1. */
const SUM_TOLERANCE = 1e-3;

/** The first sample's answer. */
export function answerOf({ task, outputs: [first] }: BundleManifest, outputs: TensorMap): Answer {
  const output = outputs[task?.output ?? first.name];
  if (task?.kind === 'classification' && output.dtype === 'float32') return topClasses(output, task.classes);
  if (task?.kind === 'ctc-text') return { kind: 'text', text: textOf(output, task.alphabet) };
  const shown = Array.from(output.data.slice(0, SHOWN_VALUES), Number);
  return { kind: 'values', name: task?.output ?? first.name, shape: output.shape.join(' × '), first: shown };
}

/** Whether two answers say the same: the best class, the text, or the first values to float32's precision. */
export function answersAgree(a: Answer, b: Answer): boolean {
  if (a.kind === 'classes' && b.kind === 'classes') return a.top[0]?.label === b.top[0]?.label;
  if (a.kind === 'text' && b.kind === 'text') return a.text === b.text;
  if (a.kind === 'values' && b.kind === 'values') {
    return a.first.every((value, i) => Math.abs(value - b.first[i]) <= 1e-4 * Math.max(1, Math.abs(value)));
  }
  return false;
}

function textOf(output: Tensor, alphabet: readonly string[]): string {
  if (output.dtype === 'float32') return decodeCtcOutput(output, alphabet)[0];
  const steps = output.shape[1] ?? output.data.length;
  return decodeCtcIndices(Array.from(output.data.slice(0, steps), Number), alphabet);
}

function topClasses(output: Tensor, classes: readonly string[] | undefined): Answer {
  const scores = Array.from(output.data.slice(0, output.shape.at(-1)), Number);
  const shares = asShares(scores);
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const top = order
    .slice(0, TOP_COUNT)
    .map((i) => ({ label: classes?.[i] ?? `class ${i}`, share: shares[i] }));
  return { kind: 'classes', top };
}

/** Probabilities as they are, logits by softmax. */
function asShares(scores: readonly number[]): number[] {
  const sum = scores.reduce((total, score) => total + score, 0);
  if (Math.abs(sum - 1) < SUM_TOLERANCE && scores.every((score) => score >= 0)) return [...scores];
  const highest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - highest));
  const total = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / total);
}
