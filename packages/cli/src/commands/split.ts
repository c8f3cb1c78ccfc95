/** `featherwire split`: a model to a bundle of head and tail. */

import { type Command, Option } from 'commander';
import type { SplitOptions } from '../actions/split.js';
import type { CommandContext } from '../context.js';
import { integerIn, jsonOption, listArgument, shapeOption, valueOption } from './arguments.js';

const EXAMPLES = `
Examples:
  $ featherwire split model.onnx --at relu5 -o bundle
  $ featherwire split ocr.onnx --at p2o.AveragePool.1 --shape x=1,3,48,320 -o ocr-bundle \\
      --argmax softmax_11.tmp_0 --preprocessing ocr-input.json --task ocr-task.json
  $ featherwire split model.onnx --at a,b --runs 0 --input sample.npy -o bundle --force

A model with several inputs takes --input a=a.npy,b=b.npy.

FILE.json holds the fields "preprocessing" or "task" of a bundle's manifest, for example
  {"kind": "image", "input": "x", "channelOrder": "RGB", "height": 224, "width": 224, "fit": "center-crop",
   "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
  {"kind": "ctc-text", "output": "scores", "alphabet": ["", "a", "b"]}`;

const DEFAULT_RUNS = 3;

/** Adds the command to the program. */
export function addSplitCommand(program: Command, context: CommandContext): void {
  program
    .command('split')
    .summary('cut a model in two and write the bundle')
    .description(
      'Cuts a model in two at one or several tensors, proves on random inputs that head and tail ' +
        'together are the whole, and writes both as a bundle.',
    )
    .argument('<model>', 'ONNX file')
    .addOption(
      new Option('--at <tensors>', 'tensors to cut at, with commas; see `featherwire cuts`')
        .argParser(listArgument)
        .makeOptionMandatory(),
    )
    .requiredOption('-o, --output <bundle>', 'directory to write')
    .addOption(shapeOption())
    .addOption(valueOption())
    .option(
      '--argmax <output[:axis]>',
      'let the tail answer with the index of the largest score (axis: last)',
    )
    .option('--preprocessing <file.json>', 'how a picture becomes the input')
    .option('--task <task>', 'what the output means: classification, segmentation, or a JSON file')
    .option('--keep-whole', 'put the uncut model into the bundle too, for pictures sent as they are')
    .option('--force', 'replace a bundle that is there')
    .addOption(
      new Option('--runs <count>', 'random inputs that the proof runs on')
        .argParser(integerIn(0))
        .default(DEFAULT_RUNS),
    )
    .addOption(
      new Option('--input <file.npy>', 'an input that the proof runs on too; repeatable').argParser(
        (text: string, files: readonly string[] = []) => [...files, text],
      ),
    )
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: SplitOptions) => {
      const { split } = await import('../actions/split.js');
      await split(file, options, context);
    });
}
