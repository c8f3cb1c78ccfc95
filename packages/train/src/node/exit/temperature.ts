/**
 * Temperature scaling (Guo and others, "On Calibration of Modern Neural Networks", 2017): one number that scores are divided by, so
 * that the softmax of what is left is how often the best class is right.
 */

/** Natural logarithms between which the temperature is looked for. */
const LOWEST_LOG = -9;
const HIGHEST_LOG = 5;
/** The interval becomes smaller by the golden ratio each time: to a millionth. */
const STEPS = 36;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Scores of classes, and the class that is right. */
export interface LabeledScores {
  readonly scores: Float32Array;
  readonly label: number;
}

/**
 * The temperature of the least mean negative logarithm of the right class's probability. That is convex in 1 / temperature and
 * so has one minimum, which golden sections find.
 * @param samples - at least one, none of which the scores were fitted to
 */
export function fitTemperature(samples: readonly LabeledScores[]): number {
  const costAt = (log: number): number => {
    const scale = Math.exp(-log);
    return samples.reduce((sum, sample) => sum + negativeLogOf(sample, scale), 0);
  };
  let [low, high] = [LOWEST_LOG, HIGHEST_LOG];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [costLeft, costRight] = [costAt(left), costAt(right)];
  for (let step = 0; step < STEPS; step++) {
    if (costLeft <= costRight) {
      [high, right, costRight] = [right, left, costLeft];
      left = high - GOLDEN * (high - low);
      costLeft = costAt(left);
    } else {
      [low, left, costLeft] = [left, right, costRight];
      right = low + GOLDEN * (high - low);
      costRight = costAt(right);
    }
  }
  return Math.exp((low + high) / 2);
}

function negativeLogOf({ scores, label }: LabeledScores, scale: number): number {
  const largest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const sum = scores.reduce((total, score) => total + Math.exp((score - largest) * scale), 0);
  return Math.log(sum) - (scores[label] - largest) * scale;
}
