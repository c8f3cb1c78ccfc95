/** Terms of the distortion as runs of the plan weigh them. */

export const labels = (weight) => ({ kind: 'labels', tensor: 'logits', weight });
export const logits = (weight) => same('logits', weight);
export const divergence = (tensor, weight) => ({ kind: 'divergence', tensor, weight });
export const same = (tensor, weight) => ({ kind: 'squared-error', tensor, weight });
