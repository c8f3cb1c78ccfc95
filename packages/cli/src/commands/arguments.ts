/** Parsers of arguments and options that several commands share. They refuse with what was expected and what came. */

import type { BackendPreference, LayoutChoice } from '@featherwire/codec';
import { InvalidArgumentError, Option } from 'commander';

/** Parses an integer from `low` to `high`, both included. */
export function integerIn(low: number, high: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= low && value <= high) return value;
    const range = high === Number.MAX_SAFE_INTEGER ? `from ${low}` : `from ${low} to ${high}`;
    throw new InvalidArgumentError(`Expected an integer ${range}.`);
  };
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

/** Parses a list with commas and adds it to what was given before. */
export function listArgument(text: string, list: readonly string[] = []): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('Expected names between commas.');
  return [...list, ...names];
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

/** `--coder`. */
export function coderOption(): Option {
  return new Option('--coder <name>', 'entropy coder; auto takes the smaller, rans is the fastest')
    .choices(['auto', 'rans', 'rans-contexts', 'binary'])
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
    .choices(['auto', 'reference', 'wasm'] satisfies BackendPreference[])
    .default('auto');
}
