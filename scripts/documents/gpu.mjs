/** Tables of the codec on a GPU: what its division costs, and its times where they were measured on one. */

export function gpuTables({ command, machine, rows }) {
  const { vendor, architecture, description } = machine.adapter;
  const encoded = rows.filter(({ direction }) => direction === 'encode');
  return [
    `From \`${command} > results/webgpu-speed.json\`; ${vendor} ${architecture}, ${description}, Node ${machine.node}. Drawn rectified maps, a static coder: models of contexts are designed on the first item, tables on some of its planes. Bytes of the frame:`,
    '',
    '| feature | levels | coder | chunks | divided for a GPU | divided as a CPU chooses | more |',
    '| --- | --: | --- | --: | --: | --: | --: |',
    ...encoded.map(({ shape, levelCount, coder, chunkCount, frameBytes, oneChunkBytes }) => {
      const more = `${(100 * (frameBytes / oneChunkBytes - 1)).toFixed(1)} %`;
      const bytes = [frameBytes, oneChunkBytes].map((count) => count.toLocaleString('en-US'));
      const name = `\`${coder}\``;
      return `| ${[featureName(shape), levelCount, name, chunkCount, ...bytes, more].join(' | ')} |`;
    }),
    '',
    ...timesOf(rows),
  ];
}

function timesOf(rows) {
  const timed = rows.filter(({ wallMs }) => wallMs);
  if (timed.length === 0)
    return ['The adapter is software, whose times say nothing: times on a GPU have not been measured yet.'];
  const span = ({ p10, median, p90 }) => `${median.toFixed(3)} (${p10.toFixed(3)} to ${p90.toFixed(3)})`;
  return [
    'Milliseconds, median (10th to 90th percentile), between the GPU buffer and bytes in host memory at hand; GB/s of float32, one call after the other and several under way:',
    '',
    '| feature | levels | coder | direction | wall | kernels | GB/s | GB/s, several |',
    '| --- | --: | --- | --- | --: | --: | --: | --: |',
    ...timed.map((row) => {
      const times = [span(row.wallMs), row.kernelMs ? span(row.kernelMs) : '-'];
      const rates = [row.gigabytesPerSecond, row.overlappingGigabytesPerSecond];
      const what = [featureName(row.shape), row.levelCount, `\`${row.coder}\``, row.direction];
      return `| ${[...what, ...times, ...rates].join(' | ')} |`;
    }),
  ];
}

function featureName([items, ...item]) {
  return [...(items > 1 ? [items] : []), ...item].join('×');
}
