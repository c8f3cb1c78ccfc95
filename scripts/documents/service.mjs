/** The tables of the tail service: its cost beside the tail, a client beside hostile ones, an hour with faults, and a fleet. */

const ms = (value) => value.toFixed(2);

export function throughputTable({ command, machine, clients, workers, threads, networks }) {
  const rows = networks.map((row) => {
    const { processes, threads: perProcess, size } = row.best;
    return [
      ...[`${row.network} \`${row.cut}\``, row.requestBytes],
      `${processes} × ${perProcess}, batches of ${size}`,
      ...[ms(row.tailCpuMs), ms(row.serviceCpuMs), ms(row.costMs)],
      ...[row.cpuRatio.toFixed(2), row.throughputRatio.toFixed(2), row.meanRunSize.toFixed(1)],
      ms(row.lone.addedP50Ms),
    ].join(' | ');
  });
  return [
    `From \`${command} > results/service-throughput.json\`: ${clients} clients, ${workers} workers of ${count(threads, 'thread')}; ` +
      `${machineText(machine)}.`,
    '',
    '| cut | bytes of a request | bare tail: processes × threads | its CPU, ms a sample | service, ms a request | beside the tail, ms | ratio by CPU | ratio by requests a second | requests in a run | added for a lone client, ms (p50) |',
    '| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map((row) => `| ${row} |`),
    '',
    `90 % by CPU take a tail of nine times what stands beside it: ${reached(networks)}.`,
  ];
}

function reached(networks) {
  const from = networks.map(({ reachedFromMs }) => reachedFromMs);
  return `from ${Math.min(...from).toFixed(1)} to ${Math.max(...from).toFixed(1)} ms on these`;
}

export function hostileTable({ command, machine, boundBytes, peakBytes, placements, attacks }) {
  const rows = attacks.flatMap((attack) =>
    placements.map(({ name }) => {
      const { alone, beside, p95Ratio } = attack[name];
      return [
        ...[attack.name, name, alone.p95Ms.toFixed(1), beside.p95Ms.toFixed(1), p95Ratio.toFixed(2)],
        ...[beside.queueP95Ms.toFixed(1), beside.cpuShare.toFixed(2), beside.failed],
      ].join(' | ');
    }),
  );
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(0);
  return [
    `From \`${command} > results/hostile-clients.json\`: ${mebibytes(peakBytes)} MiB at most, ${mebibytes(boundBytes)} stated; ` +
      `${machineText(machine)}.`,
    '',
    '| attack | placement | p95 alone, ms | beside it | ratio | p95 in the queue | processors the server takes | failed |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map((row) => `| ${row} |`),
  ];
}

export function soakTable({ command, machine, network, minutes, memory, ...counts }) {
  const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const [middle, last] = memory.heapP10Bytes;
  return [
    `From \`${command} > results/soak.json\`, ${network}; ${machine.cpu}, ${count(machine.cores, 'core')}, Node ${machine.node}:`,
    '',
    '| minutes | answered | lost | wrong | faults | reloads | resident, middle third | last third | heap, middle third (10th percentile) | last third |',
    '| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    `| ${[minutes, counts.answered, counts.lost, counts.wrong, counts.faults, counts.reloads, ...[memory.middleBytes, memory.lastBytes, middle, last].map(mebibytes)].join(' | ')} |`,
  ];
}

export function fleetTable({ command, machine, node, clients, throughput, kills, outage }) {
  return [
    `From \`${command} > results/fleet.json\`, ${clients} clients; ${machineText({ ...machine, node })}:`,
    '',
    '| workers | requests a second | ms of CPU a request | p50, ms | p95, ms | errors |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...throughput.map((row) => {
      const numbers = [
        row.requestsPerSecond.toFixed(0),
        ms(row.cpuMsPerRequest),
        row.roundTripP50Ms.toFixed(0),
      ];
      const workers = row.workers === 0 ? 'one service without a fleet' : row.workers;
      return `| ${[workers, ...numbers, row.roundTripP95Ms.toFixed(0), row.errors].join(' | ')} |`;
    }),
    '',
    `Of ${kills.sent} requests while ${kills.kills} workers were killed ${kills.answered} were answered, ${kills.wrong} wrongly, ` +
      `${kills.lost} without any answer; the gateway sent ${kills.gatewayAnswers} answers. Clients had answers again ` +
      `${outage.recoveryMs} ms after nats-server was back.`,
  ];
}

function machineText({ cpu, cores, node, load }) {
  return `${cpu}, ${count(cores, 'core')}, Node ${node}, load ${load.toFixed(1)}`;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
