/** Tables of rates beside the accuracy of the real tail: quantizers, calibration, x265. */

import { signedPoints } from './table-values.mjs';

export function accuracyTable({ command, machine, settings, rows }) {
  const percent = (value) => `${(100 * value).toFixed(0)} %`;
  const cell = (found) =>
    found ? `${found.rate.toFixed(3)} (${found.quantizer}; ${signedPoints(found.loss)})` : 'none';
  const savings = (method) =>
    rows.filter((row) => row[method] && row.ours).map((row) => 1 - row.ours.rate / row[method].rate);
  const summary = ['a', 'b'].map((method) => {
    const list = savings(method);
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
    const fewer = list.filter((value) => value > 0).length;
    return `| ${[method.toUpperCase(), `${fewer} of ${rows.length}`, percent(mean), percent(Math.min(...list))].join(' | ')} |`;
  });
  const { testImages, calibrationImages } = settings;
  return [
    `From \`${command} > results/accuracy-rates.json\`, ${Object.values(testImages).join(' and ')} test images (CIFAR-10 and ImageNet), designs from ${Object.values(calibrationImages).join(' and ')} others; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| against | fewer bits | saved, mean | saved, least |',
    '| --- | --- | --- | --- |',
    ...summary,
    '',
    'Bits per element (quantizer; loss in points of top-1):',
    '',
    '| network | tensor | shape | unsplit top-1 | A | B | ours |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const { network, tensor, shape, accuracy, a, b, ours } = row;
      const cells = [
        network,
        `\`${tensor}\``,
        shape.join('×'),
        accuracy.toFixed(1),
        cell(a),
        cell(b),
        cell(ours),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

export function calibrationTable({ command, machine, maxLoss, rows }) {
  const loss = ({ loss, interval: [low, high] }) =>
    `${loss.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const saved = (row, kind) => {
    const found = row.comparisons.find((own) => own.kind === kind);
    return found ? `${found.bytes.toFixed(0)} (${found.savedPercent.toFixed(0)} %)` : '-';
  };
  return [
    `From \`${command}\`, at most ${maxLoss} point of loss; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| network | tensor | elements | coding | bytes | loss claimed | bytes on test | loss on test | one range | one step of coefficients |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const point = row.ladder.find(({ id }) => id === row.chosen);
      if (!point || !row.test)
        return `| ${row.network} | \`${row.tensor}\` | ${row.elements} | none found | - | - | - | - | - | - |`;
      const cells = [
        row.network,
        `\`${row.tensor}\``,
        row.elements,
        point.family,
        point.bytes,
        loss(point),
        row.test.bytes,
        loss(row.test),
        saved(row, 'range'),
        saved(row, 'coefficients'),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    '',
    `Samples: ${rows.map(({ tensor, samples: s }) => `\`${tensor}\` ${s.design} for design, ${s.selection} for choosing, ${s.claim} for the claim, ${s.test} for the test`).join('; ')}.`,
  ];
}

export function videoTable({ command, machine, settings, rows }) {
  const { testImages, calibrationImages, lambda } = settings;
  const percent = (value) =>
    value === null ? 'none shared' : `${value > 0 ? '+' : '−'}${Math.abs(value).toFixed(0)} %`;
  const ways = rows[0].ours.map(({ way }) => way);
  const below = (way, quality) =>
    rows.filter(({ ours }) => (ours.find((one) => one.way === way)[quality] ?? 0) < 0).length;
  return [
    `From \`${command} > results/x265-rates.json\`, ${Object.values(testImages).join(' and ')} test images (CIFAR-10 and ImageNet), bases from ${Object.values(calibrationImages).join(' and ')} others, lambda ${lambda}; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| ours | fewer bits than x265 at equal accuracy | at equal divergence |',
    '| --- | --- | --- |',
    ...ways.map(
      (way) =>
        `| ${way} | ${below(way, 'byAccuracy')} of ${rows.length} | ${below(way, 'byDivergence')} of ${rows.length} |`,
    ),
    '',
    'Bjøntegaard rates against x265, at equal accuracy and at equal divergence:',
    '',
    `| network | tensor | shape | unsplit top-1 | profile, kB | ${ways.join(' | ')} |`,
    `| --- | --- | --- | --- | --- | ${ways.map(() => '---').join(' | ')} |`,
    ...rows.map(({ network, tensor, shape, accuracy, profileBytes, ours }) => {
      const rates = ours.map(
        ({ byAccuracy, byDivergence }) => `${percent(byAccuracy)}, ${percent(byDivergence)}`,
      );
      const cells = [
        network,
        `\`${tensor}\``,
        shape.join('×'),
        accuracy.toFixed(1),
        (profileBytes / 1000).toFixed(0),
      ];
      return `| ${[...cells, ...rates].join(' | ')} |`;
    }),
  ];
}
