/** The table of early exits: what each threshold does to accuracy and to bytes per decision. */

export function earlyExitTable({ command, machine, rows }) {
  const points = (value) => value.toFixed(2).replace('-', '−');
  const interval = (ends) => {
    const [value, low, high] = ends.map(points);
    return `${value} (${low} to ${high})`;
  };
  const lines = rows.flatMap(({ network, tensor, without, chosen, thresholds, pictures, exit }) => {
    const all = [...thresholds, { ...chosen, isChosen: true }].sort((a, b) => b.threshold - a.threshold);
    const rowOf = (way, { answeredPercent, accuracy, differencePoints, bytesPerDecision }) =>
      [
        ...[`${network} \`${tensor}\``, way],
        answeredPercent === undefined ? '' : `${answeredPercent.toFixed(1)} %`,
        accuracy ? interval(accuracy) : '',
        differencePoints ? interval(differencePoints) : '',
        bytesPerDecision.toFixed(0),
      ].join(' | ');
    return [
      rowOf(`all sent; exit of ${exit.bytes} B`, without),
      ...all.map((row) => rowOf(`${row.threshold.toFixed(3)}${row.isChosen ? ' *' : ''}`, row)),
      ...pictures.map((row) =>
        rowOf(`picture, ${row.codec} at ${row.quality}, loss ${points(row.lossPoints)}`, row),
      ),
    ];
  });
  return [
    `From \`${command} > results/early-exit.json\` (${machine.processor}, Node ${machine.node}):`,
    '',
    '| cut | threshold | answered on the device | top-1 % (95 %) | difference in points (95 %) | bytes per decision |',
    '| --- | --- | ---: | --- | --- | ---: |',
    ...lines.map((line) => `| ${line} |`),
    '',
  ];
}
