/** What several tables take from their rows. */

export function groupBy(list, keyOf) {
  const groups = new Map();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

export function signedPoints(loss) {
  return `${loss > 0 ? '−' : '+'}${Math.abs(loss).toFixed(1)}`;
}

export function elementsOf(shape) {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
