/** How the latents of trained units are coded for measurement. */

/** Steps that units for a range of rates are compared at. */
const RANGE_STEPS = [1, 1.25, 1.5, 1.75, 2, 2.25, 2.5];

/** The codings of a run's latent, `lambda` being that of rate-distortion optimized quantization. */
export function codingsOf({ codings }) {
  return codings.flatMap((kind) => {
    switch (kind) {
      case 'packed':
        return [
          { name: 'packed', coder: 'packed', design: { coder: 'rans' } },
          {
            name: 'packed, 2 items a frame',
            coder: 'packed',
            together: 2,
            design: { coder: 'rans', variesInCount: true },
          },
        ];
      case 'contexts':
        return [0, 0.1, 0.2].map((lambda) => contexts(lambda, 1));
      case 'table':
        return [{ name: 'one table', lambda: 0, design: { coder: 'rans', maxLevels: 64 } }];
      case 'steps':
        return [1.2, 1.4].flatMap((stepSize) => [0, 0.1].map((lambda) => contexts(lambda, stepSize)));
      case 'finer':
        return [0.9, 0.8].map((stepSize) => contexts(0, stepSize));
      case 'plain':
        return [contexts(0, 1)];
      case 'range':
        return RANGE_STEPS.map((stepSize) => contexts(0, stepSize));
      default:
        throw new RangeError(
          `codings expected packed, contexts, table, steps, finer, plain or range, got ${kind}`,
        );
    }
  });
}

function contexts(lambda, stepSize) {
  return {
    name: `contexts, lambda ${lambda}${stepSize === 1 ? '' : `, steps of ${stepSize}`}`,
    lambda,
    design: { coder: 'rans-contexts', lambda, stepSize },
  };
}
