/** Tables of studies, of the publications' claims and of what features give away. */

import { bytesOf, contendersOf, familiesAtLoss } from '@featherwire/report';

export function papersTable({ command, machine, claims }) {
  const measured = claims.filter(({ figures }) => figures);
  return [
    `From \`${command} > results/papers.json\`; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| claim | published | here | under which conditions | source |',
    '| --- | --- | --- | --- | --- |',
    ...measured.map(({ id, published, figures, conditions, source }) => {
      const list = figures.map(({ label, value }) => `${label}: ${value}`).join('<br>');
      return `| ${[id, published, list, conditions, source].join(' | ')} |`;
    }),
    '',
    'Not compared:',
    '',
    ...claims
      .filter(({ reason }) => reason)
      .map(({ id, published, reason }) => `- **${id}**, ${published}. ${reason}`),
  ];
}

export function privacyTable({ command, machine, settings, rows }, source) {
  const estimate = ({ value, low, high }, digits) =>
    `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  const quality = ({ psnr, ssim }) => [estimate(psnr, 2), estimate(ssim, 3)];
  const { knownPictures, testPictures, seed } = settings;
  return [
    `From \`${command} > ${source}\`: ${testPictures} test pictures, fitted to ${knownPictures} training pictures, seed ${seed}; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| cut | shape | what is seen | bytes | bits per element | PSNR, dB | SSIM |',
    '| --- | --- | --- | ---: | ---: | --- | --- |',
    ...rows.flatMap(({ cut, shape, meanPicture, points }) => {
      const place = [`\`${cut}\``, shape.join('×')];
      return [
        [...place, 'nothing: the mean picture', '0', '0', ...quality(meanPicture)],
        ...points.map((point) => [
          ...place,
          ...[point.method, point.bytes.toFixed(0), point.bitsPerElement.toFixed(3), ...quality(point)],
        ]),
      ].map((cells) => `| ${cells.join(' | ')} |`);
    }),
  ];
}

/** Where splitting loses, then every family of each cut at the loss that is allowed. */
export function evaluationTables(report) {
  const { command, commit, machine, seed, subjects, maxLoss } = report;
  const percent = (value) => `${(100 * value).toFixed(2)} %`;
  const bytes = (row) => (row ? bytesOf(row).toFixed(0) : 'never');
  const list = subjects.map((subject) => contendersOf(subject, maxLoss));
  const order = ['loses', 'open', 'wins', 'unopposed'];
  list.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const losing = list.filter(({ verdict }) => verdict === 'loses').length;
  const opposed = list.filter(({ verdict }) => verdict !== 'unopposed').length;
  const share = ({ headMacs, wholeMacs }) =>
    headMacs && wholeMacs ? `${((100 * headMacs) / wholeMacs).toFixed(0)} %` : 'unknown';
  return [
    `From \`${command}\` at commit ${commit}, seed ${seed}; ${machine.processor}, ${machine.cores} cores, Node ${machine.node}.`,
    '',
    `Splitting takes more bytes than the input on ${losing} of ${opposed} cuts at a loss of at most ${percent(maxLoss)}:`,
    '',
    '| cut | splitting | our bytes | input bytes | best other coder of the feature | MACs on the device | ours | input |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...list.map(({ subject, ours, input, baseline, verdict }) =>
      [
        ...['', subject.name, verdict, bytes(ours), verdict === 'unopposed' ? 'not sent' : bytes(input)],
        ...[baseline ? `${bytes(baseline)}, ${baseline.method}` : 'never', share(subject.detail)],
        ...[ours?.method ?? '', input?.method ?? '', ''],
      ]
        .join(' | ')
        .trim(),
    ),
    ...list.flatMap((contenders) => familyTable(contenders, maxLoss, percent)),
  ];
}

function familyTable({ subject, ours }, maxLoss, percent) {
  const { name, data, metric, skipped } = subject;
  const reference = ours?.family ?? '';
  const reasons = new Map();
  for (const { method, reason } of skipped) reasons.set(reason, [...(reasons.get(reason) ?? []), method]);
  const missing = [...reasons].map(([reason, methods]) => `${methods.join('; ')} (${reason})`);
  return [
    '',
    `**${name}**. ${data}. Unsplit: ${metric.name} ${percent(metric.unsplit)}.`,
    '',
    `| family | setting | bytes | loss | 95 % interval | encode ms | decode ms | programs, ms | ${reference || 'ours'} needs |`,
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...familiesAtLoss(subject, maxLoss, reference).map(({ family, best, bjontegaardRate }) => {
      const difference = bjontegaardRate === null ? '-' : `${bjontegaardRate.toFixed(0)} %`;
      if (!best) return `| ${family} | never within the loss | | | | | | | ${difference} |`;
      const { loss, encodeMs, decodeMs, programs } = best;
      const time = (value) => (value === null ? '-' : value.toFixed(2));
      const cells = [
        ...[family, best.method.replace(`${family}, `, ''), bytesOf(best).toFixed(1), percent(loss.value)],
        ...[`${percent(loss.low)} to ${percent(loss.high)}`, time(encodeMs), time(decodeMs)],
        ...[programs ? `${programs.encodeMs.toFixed(1)} + ${programs.decodeMs.toFixed(1)}` : '-', difference],
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    ...(reasons.size === 0 ? [] : ['', `Not measured: ${missing.join('; ')}.`]),
  ];
}
