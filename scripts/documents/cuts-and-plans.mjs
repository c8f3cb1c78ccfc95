/** Tables of proven cuts, and of plans beside real requests. */

export function cutsTable({ command, machine, rows }) {
  const shapeOf = (shape) => (shape ? shape.join('×') : '?');
  const sum = (list) => list.reduce((total, count) => total + count, 0);
  return [
    `From \`${command} --json results/cuts.json MODEL…\`; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| model | inputs | nodes | cuts | of one tensor | of two | of more | at most | tensors refused | proved | failed | largest error | listing, CPU ms |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const inputs = Object.entries(row.inputs).map(([name, shape]) => `${name} ${shapeOf(shape)}`);
      const values = Object.entries(row.values).map(([name, elements]) => `${name}=${elements.join(',')}`);
      const [one, two, ...more] = row.setsOf;
      const counts = [row.nodes, sum(row.setsOf), one, two, sum(more), row.setsOf.length, row.refused];
      const error = row.worstError === 0 ? '0' : row.worstError.toExponential(1);
      const proof = [row.proved, row.failures, error, row.listCpuMs];
      return `| ${[row.model, [...inputs, ...values].join(', '), ...counts, ...proof].join(' | ')} |`;
    }),
  ];
}

export function planCheckTable({
  command,
  machine,
  settings,
  medianPlannedError,
  medianPredictedError,
  rows,
  breakEvens,
}) {
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  const confirmed = (points) => `${points.filter((point) => point.confirmed).length} of ${points.length}`;
  const { samples, deviceSlowdown, loadBefore, loadAfter } = settings;
  return [
    `From \`${command} > results/plan-check.json\`, ${samples} samples, a device ${deviceSlowdown} times as slow as the machine; ${machine.processor}, ${machine.cores} cores with a load of ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} after, Node ${machine.node}.`,
    '',
    `Median error of totals predicted from stages measured in turns: ${percent(medianPredictedError)}; planned from stages measured beforehand: ${percent(medianPlannedError)}.`,
    '',
    '| way | link | bytes up | planned, ms | predicted, ms | measured, ms | error, planned | error, predicted |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ way, link, bytes, plannedMs, predictedMs, measuredMs, plannedError, predictedError }) => {
      const times = [plannedMs, predictedMs, measuredMs].map((ms) => ms.toFixed(1));
      return `| ${[way, link, Math.round(bytes), ...times, percent(plannedError), percent(predictedError)].join(' | ')} |`;
    }),
    '',
    '| break-even, Mbit/s | below | above | points at which the right one was faster | at Mbit/s: below, above, ms |',
    '| --- | --- | --- | --- | --- |',
    ...breakEvens.map(({ mbps, below, above, points }) => {
      const times = points.map((point) => `${point.mbps}: ${point.belowMs}, ${point.aboveMs}`).join('; ');
      return `| ${[mbps, below, above, confirmed(points), times].join(' | ')} |`;
    }),
  ];
}
