/** Rows of batches, and answers of classifiers. */

/** Rows of a batch as a tensor of its own, [count, …]. */
export function itemsOf({ dtype, shape, data }, row, count = 1) {
  const size = data.length / shape[0];
  return { dtype, shape: [count, ...shape.slice(1)], data: data.slice(row * size, (row + count) * size) };
}

/** Elements of one row of a batch. */
export function rowOf({ shape, data }, row) {
  const size = data.length / shape[0];
  return data.subarray(row * size, (row + 1) * size);
}

/** Labels as rows with one 1 each. */
export function oneHot(labels, classCount) {
  const data = new Float32Array(labels.length * classCount);
  for (const [row, label] of labels.entries()) data[row * classCount + label] = 1;
  return { dtype: 'float32', shape: [labels.length, classCount], data };
}

/** 100 of 1 if the largest score is the label's, 0 of 1 if not. */
export function hit(scores, label) {
  return { numerator: scores.indexOf(Math.max(...scores)) === label ? 100 : 0, denominator: 1 };
}
