/** Tables of speed: whole calls with their stages, and contexts. */

export function codecSpeedTable({ command, machine, settings, rows }) {
  return [
    `From \`${command} > results/codec-speed.json\`, ${settings.rounds} rounds in turns; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| levels | what | bits per element | ms | G elements/s | share of a copy |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ levelCount, name, bitsPerElement, milliseconds, gigaElements, shareOfCopy }) => {
      const bits = bitsPerElement === null ? '-' : bitsPerElement.toFixed(3);
      const figures = [milliseconds.toFixed(3), gigaElements.toFixed(2), shareOfCopy.toFixed(2)];
      return `| ${[levelCount, name, bits, ...figures].join(' | ')} |`;
    }),
  ];
}

export function contextSpeedTable({ command, machine, settings, rows }) {
  return [
    `From \`${command} > results/context-speed.json\`, ${settings.rounds} rounds in turns; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| feature | levels | model for | bits, order-0 | bits, contexts | order-0, M elements/s, encode / decode | contexts | ratio, encode | ratio, decode |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      ({
        name,
        shape,
        levelCount,
        preference,
        order0Bits,
        contextBits,
        encodeRatio,
        decodeRatio,
        ...row
      }) => {
        const rates = row.millionElementsPerSecond;
        const order0 = `${rates.encodeOrder0} / ${rates.decodeOrder0}`;
        const contexts = `${rates.encodeContexts} / ${rates.decodeContexts}`;
        const bits = [order0Bits.toFixed(3), contextBits.toFixed(3)];
        const ratios = [encodeRatio.toFixed(2), decodeRatio.toFixed(2)];
        return `| ${[`${name}, ${shape.join('×')}`, levelCount, preference, ...bits, order0, contexts, ...ratios].join(' | ')} |`;
      },
    ),
  ];
}

/** Two threads against one. */
export function chunkSpeedTable({ command, machine, load, settings, rows }) {
  return [
    `From \`${command} > results/chunk-speed.json\`: ${settings.threads} threads, ${settings.levelCount} levels, the lowest decile of ${settings.rounds} rounds; ` +
      `${machine.processor}, ${machine.cores} cores, Node ${machine.node}, load ${load.before.toFixed(1)} to ${load.after.toFixed(1)}.`,
    '',
    '| elements | coder | what | one thread, ms | threads, ms | times as fast |',
    '| ---: | --- | --- | ---: | ---: | ---: |',
    ...rows.map(
      ({ elements, coder, direction, oneThreadMs, threadsMs, speedup }) =>
        `| ${[elements, coder, direction, oneThreadMs.toFixed(2), threadsMs.toFixed(2), speedup.toFixed(2)].join(' | ')} |`,
    ),
  ];
}
