/** What `featherwire eval` does: opens what is studied, measures, writes the report, prints where splitting loses. */

import path from 'node:path';
import { loadBackend } from '@featherwire/codec';
import { bytesOf, type Contenders, contendersOf, type SweepReport } from '@featherwire/report';
import { runStudy, STUDY_FILES, STUDY_SETTINGS, writeStudy } from '@featherwire/study';
import type { CommandContext } from '../context.js';
import type { EvalOptions } from '../eval/eval-options.js';
import { sourceCommit } from '../eval/source-commit.js';
import { openStudyTargets } from '../eval/study-targets.js';
import { createProgress } from '../terminal/progress.js';
import { formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatPercent } from '../terminal/units.js';

/** Measures and reports. */
export async function evaluate(
  source: string | undefined,
  options: EvalOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context;
  const extent = options.quick ? 'quick' : 'full';
  const progress = createProgress(terminal);
  try {
    const { title, targets } = await openStudyTargets(source, extent, options, { ...context, progress });
    const report = await runStudy(targets, {
      settings: STUDY_SETTINGS[extent],
      seed: options.seed,
      maxLoss: options.maxLoss / 100,
      deviceSlowdown: 1 / options.deviceSpeed,
      directory: options.output,
      backend: await loadBackend(options.backend),
      command: commandOf(source, options),
      commit: await sourceCommit(),
      progress,
      signal,
    });
    progress.stage('draw the figures');
    await writeStudy(report, title, options.output);
    progress.close();
    if (options.json) printJson(terminal.stdout, report);
    else printVerdicts(report, options.output, terminal);
  } finally {
    progress.close();
  }
}

/** The command that makes the report again, with every option that its figures depend on; directories are left out. */
function commandOf(source: string | undefined, options: EvalOptions): string {
  const given = (flag: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [`${flag} ${value}`];
  return [
    'featherwire eval',
    ...(source === undefined ? [] : [path.basename(source)]),
    ...given('--suite', options.suite),
    ...given('--at', options.at?.join(',')),
    ...given('--data', options.data && path.basename(options.data)),
    ...given('--calibration', options.calibration && path.basename(options.calibration)),
    options.quick ? '--quick' : '--full',
    ...given('--samples', options.samples),
    ...given('--max-loss', options.maxLoss),
    ...given('--device-speed', options.deviceSpeed),
    ...given('--seed', options.seed),
    ...Object.entries(options.shape ?? {}).flatMap(([name, dimensions]) =>
      given('--shape', `${name}=${dimensions.join(',')}`),
    ),
    ...given('--preprocessing', options.preprocessing && path.basename(options.preprocessing)),
    ...given('--task', options.task && path.basename(options.task)),
    ...given('--argmax', options.argmax),
    ...(options.agreement ? ['--agreement'] : []),
  ].join(' ');
}

const WORDS = { loses: 'loses', wins: 'wins', open: 'neither', unopposed: 'unopposed' } as const;

function printVerdicts(report: SweepReport, directory: string, { stdout, env }: Terminal): void {
  const { subjects, maxLoss } = report;
  const styles = stylesOf(stdout, env);
  const list = subjects.map((subject) => contendersOf(subject, maxLoss));
  const losing = list.filter(({ verdict }) => verdict === 'loses').length;
  const opposed = list.filter(({ verdict }) => verdict !== 'unopposed').length;
  const bytes = (row: Contenders['ours']): string => (row ? formatCount(Math.round(bytesOf(row))) : 'none');
  printLines(
    stdout,
    `Splitting loses to sending the input on ${losing} of ${opposed} cuts at a loss of at most ${formatPercent(maxLoss)}.`,
    '',
    ...formatTable(
      [
        { header: 'cut' },
        { header: 'splitting' },
        { header: 'our bytes', align: 'right' },
        { header: 'input bytes', align: 'right' },
        { header: 'ours' },
        { header: 'input' },
      ],
      list.map(({ subject, ours, input, verdict }) => [
        subject.name,
        WORDS[verdict],
        bytes(ours),
        bytes(input),
        ours?.method ?? '',
        input?.method ?? '',
      ]),
      styles,
    ),
    '',
    `Report: ${path.join(directory, STUDY_FILES.page)}, points in ${STUDY_FILES.report}, figures beside.`,
  );
}
