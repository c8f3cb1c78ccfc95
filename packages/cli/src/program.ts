/** The command line as a whole: its commands, and how parsing fails. */

import { createRequire } from 'node:module';
import { Command } from 'commander';
import { addBenchCommand } from './commands/bench.js';
import { addCalibrateCommand } from './commands/calibrate.js';
import { addCutsCommand } from './commands/cuts.js';
import { addDecodeCommand } from './commands/decode.js';
import { addDemoCommand } from './commands/demo.js';
import { addEncodeCommand } from './commands/encode.js';
import { addEvalCommand } from './commands/eval.js';
import { addGatewayCommand } from './commands/gateway.js';
import { addImportUnitCommand } from './commands/import-unit.js';
import { addInspectCommand } from './commands/inspect.js';
import { addMeasureCommand } from './commands/measure.js';
import { addPlanCommand } from './commands/plan.js';
import { addPrivacyCommand } from './commands/privacy.js';
import { addProbeCommand } from './commands/probe.js';
import { addProfileCommand } from './commands/profile.js';
import { addRunCommand } from './commands/run.js';
import { addServeCommand } from './commands/serve.js';
import { addSplitCommand } from './commands/split.js';
import { addTrainCommand } from './commands/train.js';
import { addTrainExitCommand } from './commands/train-exit.js';
import type { CommandContext } from './context.js';
import { oneLine } from './terminal/errors.js';
import { stylesOf } from './terminal/terminal.js';

const EXAMPLES = `
Examples:
  $ featherwire cuts model.onnx
  $ featherwire plan model.onnx --link 20mbps,40ms --data pictures
  $ featherwire split model.onnx --at relu5 -o bundle
  $ featherwire calibrate bundle --data pictures --max-loss 1
  $ featherwire train bundle --data pictures --minutes 30
  $ featherwire serve bundle
  $ featherwire run bundle --server http://127.0.0.1:8350 --data pictures --levels 16
  $ featherwire demo

Every command has --help. FEATHERWIRE_DEBUG=1 adds the stack to an error.`;

/** The parser; `parseAsync` runs the command and throws what `reportError` takes. */
export function createProgram(context: CommandContext): Command {
  const { stdout, stderr, env } = context.terminal;
  const { red } = stylesOf(stderr, env);
  const program = new Command('featherwire')
    .description('Cuts an ONNX network in two and codes what crosses the cut.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHasColors: () => stdout.isTTY === true,
      getErrHasColors: () => stderr.isTTY === true,
      outputError: (text, write) => write(`${oneLine(text).replace(/^error:/, red('error:'))}\n`),
    })
    .addHelpText('after', EXAMPLES);
  addCutsCommand(program, context);
  addSplitCommand(program, context);
  addCalibrateCommand(program, context);
  addTrainCommand(program, context);
  addTrainExitCommand(program, context);
  addImportUnitCommand(program, context);
  addMeasureCommand(program, context);
  addPlanCommand(program, context);
  addServeCommand(program, context);
  addGatewayCommand(program, context);
  addRunCommand(program, context);
  addEvalCommand(program, context);
  addPrivacyCommand(program, context);
  addProbeCommand(program, context);
  addEncodeCommand(program, context);
  addDecodeCommand(program, context);
  addProfileCommand(program, context);
  addInspectCommand(program, context);
  addBenchCommand(program, context);
  addDemoCommand(program, context);
  return program;
}

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
