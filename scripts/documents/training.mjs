/** Tables of training steps and of trained units. */

export function trainStepLines({ command, machine, batch, rounds, parameters, ...measured }) {
  const { stepCpuMs, convolutionsCpuMs, stepOverConvolutions, stepMemoryMiB } = measured;
  const spread = ({ median, p10, p90 }, unit) => `${median}${unit} (${p10} to ${p90})`;
  return [
    `From \`${command} > results/train-step.json\` (${machine.processor}, Node ${machine.node}, one thread, median and 10th to 90th percentile of ${rounds} alternating rounds):`,
    '',
    `A step of batch ${batch} with ${parameters} parameters takes ${spread(stepCpuMs, ' ms')} of CPU time, the tail's convolutions alone, forward and backward, ${spread(convolutionsCpuMs, ' ms')}: ${spread(stepOverConvolutions, ' times')}. Loading and running it takes ${stepMemoryMiB} MiB.`,
    '',
  ];
}

export function trainUnitsTable({ command, machine, rows }) {
  const points = (length) => (length < 0 ? '−' : '') + Math.abs(length).toFixed(2);
  const lines = rows
    .filter(({ test }) => test)
    .flatMap(({ id, network, tensor, latentShape, parameters, codings, heldOut, test }) =>
      codings.map((coding, c) => {
        const { bytes, metric, loss, interval } = test.points[c];
        return [
          `${id}: ${network} \`${tensor}\``,
          latentShape ? latentShape.join(' × ') : 'no unit',
          parameters ?? '',
          coding,
          bytes.toFixed(1),
          points(heldOut.points[c].loss),
          `${metric.toFixed(2)} of ${test.whole.toFixed(2)}`,
          `${points(loss)} (${interval.map(points).join(' to ')})`,
        ].join(' | ');
      }),
    );
  return [
    `From \`${command} --out results/train-units.json\` (${machine.processor}, Node ${machine.node}):`,
    '',
    '| unit | latent | parameters | coding | bytes per item | loss on held-out inputs | top-1 %, or character errors % | loss in points (95 %) |',
    '| --- | --- | ---: | --- | ---: | ---: | --- | --- |',
    ...lines.map((line) => `| ${line} |`),
    '',
  ];
}
