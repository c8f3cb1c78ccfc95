/** Parsers of arguments and options that several commands share. They refuse with what was expected and what came. */

import { readFileSync } from 'node:fs';
import type { BackendPreference, LayoutChoice } from '@featherwire/codec';
import type { InputCopy } from '@featherwire/eval';
import { type LinkProfile, parseLink } from '@featherwire/link';
import { InvalidArgumentError, Option } from 'commander';

const DEFAULT_MEMORY_MIB = 512;
const MAX_MEMORY_MIB = 2 ** 20;

/** Parses an integer from `low` to `high`, both included. */
export function integerIn(low: number, high: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= low && value <= high) return value;
    const range = high === Number.MAX_SAFE_INTEGER ? `from ${low}` : `from ${low} to ${high}`;
    throw new InvalidArgumentError(`Expected an integer ${range}.`);
  };
}

/** Parses a number above 0. */
export function positiveNumber(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a positive number.');
}

/** Parses a number from 0 to 1. */
export function shareArgument(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 1.');
}

/** Parses `NAME=1,3,48,320` and adds it to the shapes given before. */
export function shapeArgument(
  text: string,
  shapes: Readonly<Record<string, readonly number[]>> = {},
): Record<string, readonly number[]> {
  const at = text.lastIndexOf('='); // a tensor's name may hold the sign
  const dimensions = text.slice(at + 1).split(',');
  const isList = dimensions.every((dimension) => /^\d+$/.test(dimension.trim()));
  if (at < 1 || !isList) {
    throw new InvalidArgumentError('Expected NAME=1,3,48,320 with whole numbers.');
  }
  const name = text.slice(0, at);
  if (Object.hasOwn(shapes, name))
    throw new InvalidArgumentError(`Expected each input once, got ${name} twice.`);
  return { ...shapes, [name]: dimensions.map(Number) };
}

/** Parses `NAME=16000` or `NAME=1,2` and adds it to the values given before. */
export function valueArgument(
  text: string,
  values: Readonly<Record<string, readonly number[]>> = {},
): Record<string, readonly number[]> {
  const at = text.lastIndexOf('='); // a tensor's name may hold the sign
  const elements = text
    .slice(at + 1)
    .split(',')
    .map((element) => (element.trim() === '' ? Number.NaN : Number(element)));
  if (at < 1 || !elements.every(Number.isFinite)) {
    throw new InvalidArgumentError('Expected NAME=16000 or NAME=1,2 with numbers.');
  }
  const name = text.slice(0, at);
  if (Object.hasOwn(values, name))
    throw new InvalidArgumentError(`Expected each input once, got ${name} twice.`);
  return { ...values, [name]: elements };
}

/** Parses a list with commas and adds it to what was given before. */
export function listArgument(text: string, list: readonly string[] = []): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('Expected names between commas.');
  return [...list, ...names];
}

/** Parses changed copies of pictures, as in `mirror,shift:4,mirror+shift:4`, and adds them to those given before. */
export function copiesArgument(text: string, copies: readonly InputCopy[] = []): InputCopy[] {
  return [...copies, ...listArgument(text).map(copyArgument)];
}

/** One copy: changes joined by `+`, each at most once. */
function copyArgument(text: string): InputCopy {
  let copy: InputCopy = { isMirrored: false, maxShift: 0 };
  for (const change of text.split('+')) {
    const shift = Number(/^shift:([1-9]\d{0,3})$/.exec(change)?.[1] ?? 0);
    if (change === 'mirror' && !copy.isMirrored) copy = { ...copy, isMirrored: true };
    else if (shift > 0 && copy.maxShift === 0) copy = { ...copy, maxShift: shift };
    else throw new InvalidArgumentError('Expected mirror, shift:PIXELS or mirror+shift:PIXELS, with commas.');
  }
  return copy;
}

/** Parses an address with one of the schemes, such as `http:`. */
export function urlArgument(...schemes: readonly string[]): (text: string) => URL {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url && schemes.includes(url.protocol)) return url;
    const expected = schemes.map((scheme) => `${scheme}//`).join(', ');
    throw new InvalidArgumentError(`Expected an address that begins with ${expected}.`);
  };
}

/** Parses a link: a name, or rates and delays. */
export function linkArgument(text: string): LinkProfile {
  try {
    return parseLink(text, (file) => readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}

/** Parses a time in milliseconds above 0: `100ms`, or the number alone. */
export function millisecondsArgument(text: string): number {
  const value = Number(/^(\d+(?:\.\d+)?)(?:ms)?$/.exec(text.trim())?.[1]);
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a time above 0 as in 100ms.');
}

/** Parses positions in a shape, such as `2,3`. */
export function axesArgument(text: string): number[] {
  return listArgument(text).map(integerIn(0, 7));
}

/** Parses `FILE` or `POINT=FILE` and adds it to the profiles given before. */
export function profileArgument(
  text: string,
  files: ReadonlyMap<number, string> = new Map(),
): ReadonlyMap<number, string> {
  const [, digits = '0', file] = /^(?:(\d+)=)?(.+)$/s.exec(text) ?? [];
  const point = Number(digits);
  if (!file || !Number.isSafeInteger(point)) throw new InvalidArgumentError('Expected FILE or POINT=FILE.');
  if (files.has(point)) throw new InvalidArgumentError(`Expected each point once, got ${point} twice.`);
  return new Map([...files, [point, file]]);
}

/** `--profile`, repeatable. */
export function profilesOption(): Option {
  return new Option(
    '--profile <file>',
    'profile of bundled frames, of operating point 0 or as POINT=FILE; repeatable',
  ).argParser(profileArgument);
}

/** `--json`. */
export function jsonOption(): Option {
  return new Option('--json', 'print one JSON document');
}

/** `--shape`, repeatable. */
export function shapeOption(): Option {
  return new Option(
    '--shape <name=dims>',
    'fix the shape of an input, as in x=1,3,48,320; repeatable',
  ).argParser(shapeArgument);
}

/** `--value`, repeatable. */
export function valueOption(): Option {
  return new Option(
    '--value <name=numbers>',
    'fix the value of an input, as in sr=16000, and inline the branches that follow from it; repeatable',
  ).argParser(valueArgument);
}

/** `--coder`. */
export function coderOption(): Option {
  return new Option(
    '--coder <name>',
    'entropy coder; auto takes the smaller, rans is fast, rans-packed fastest, binary smallest, binary-fast between',
  )
    .choices(['auto', 'rans', 'rans-packed', 'rans-contexts', 'binary', 'binary-fast'])
    .default('auto');
}

/** `--layout`. */
export function layoutOption(): Option {
  return new Option(
    '--layout <name>',
    'arrangement of the indices; auto takes a sparse one where it is smaller',
  )
    .choices(['auto', 'dense', 'csr', 'csr-separate', 'significance'] satisfies LayoutChoice[])
    .default('auto');
}

/** `--backend`. */
export function backendOption(): Option {
  return new Option('--backend <name>', 'what runs the codec; all give the same bytes')
    .choices(['auto', 'reference', 'javascript', 'wasm'] satisfies BackendPreference[])
    .default('auto');
}

/** `--memory`, for commands that keep the features of many samples. */
export function memoryOption(): Option {
  return new Option('--memory <mib>', 'features kept in memory; the rest goes to a temporary file')
    .argParser(integerIn(1, MAX_MEMORY_MIB))
    .default(DEFAULT_MEMORY_MIB);
}
