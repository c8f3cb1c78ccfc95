/**
 * Manifest text ↔ manifest record. The canonical form has the keys in the order of the schema, two spaces of
 * indentation and a final newline; the digest of a bundle is the SHA-256 of those bytes.
 */

import type * as z from 'zod/mini';
import { BundleError } from './errors.js';
import { type BundleManifest, MANIFEST_FILE, MANIFEST_FORMAT, MANIFEST_VERSION } from './manifest.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import { manifestSchema } from './manifest-schema.js';

const MAX_REPORTED_ISSUES = 5;
const MAX_SHOWN_CHARACTERS = 60;

/**
 * Reads the text of a manifest, canonical or not.
 * @param text - content of `featherwire.json`, at most `MANIFEST_LIMITS.manifestBytes` characters
 * @throws {BundleError} `invalid-manifest`, naming each wrong field and what was expected there;
 *   `unsupported-version` if the manifest is of another version
 */
export function parseManifest(text: string): BundleManifest {
  if (text.length > MANIFEST_LIMITS.manifestBytes) {
    throw new BundleError(
      'invalid-manifest',
      `manifest expected at most ${MANIFEST_LIMITS.manifestBytes} characters, got ${text.length}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BundleError('invalid-manifest', `manifest expected JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  return checkManifest(value);
}

/**
 * Checks a manifest record and returns a copy with the keys in canonical order.
 * @throws {BundleError} as `parseManifest`
 */
export function checkManifest(value: unknown): BundleManifest {
  checkFormatAndVersion(value);
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const lines = issues.slice(0, MAX_REPORTED_ISSUES).flatMap((issue) => describeIssue(issue, value));
  if (issues.length > MAX_REPORTED_ISSUES) lines.push(`${issues.length - MAX_REPORTED_ISSUES} more`);
  throw new BundleError('invalid-manifest', `manifest: ${lines.join('; ')}`);
}

/**
 * The text in a manifest's bytes.
 * @throws {BundleError} `invalid-manifest` if they are not UTF-8
 */
export function manifestText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BundleError('invalid-manifest', `${MANIFEST_FILE} expected UTF-8, got other bytes`, { cause });
  }
}

/**
 * The canonical text of a manifest.
 * @throws {BundleError} `invalid-manifest` if the record breaks the schema
 */
export function serializeManifest(manifest: BundleManifest): string {
  const text = `${JSON.stringify(checkManifest(manifest), null, 2)}\n`;
  const { manifestBytes } = MANIFEST_LIMITS;
  const { length } = new TextEncoder().encode(text);
  if (length > manifestBytes) {
    throw new BundleError(
      'invalid-manifest',
      `manifest expected at most ${manifestBytes} bytes, got ${length}`,
    );
  }
  return text;
}

/** Other versions may have any other fields, so the version is looked at before the rest. */
function checkFormatAndVersion(value: unknown): void {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  const { format, version } = (isRecord ? value : {}) as { format?: unknown; version?: unknown };
  if (format !== MANIFEST_FORMAT) {
    throw new BundleError(
      'invalid-manifest',
      `manifest: format expected "${MANIFEST_FORMAT}", got ${isRecord ? show(format) : show(value)}`,
    );
  }
  if (typeof version === 'number' && version !== MANIFEST_VERSION) {
    throw new BundleError(
      'unsupported-version',
      `manifest: version expected ${MANIFEST_VERSION}, got ${version}`,
    );
  }
}

type Issue = z.core.$ZodIssue;

/** One line per wrong field: its path, what was expected, what is there. */
function describeIssue(issue: Issue, root: unknown, parentPath: readonly PropertyKey[] = []): string[] {
  const path = [...parentPath, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return [`${pathText(path)} expected only known keys, got ${issue.keys.slice(0, 5).map(show).join(', ')}`];
  }
  const got = shownValue(issue, valueAt(root, path));
  return [`${pathText(path)} expected ${expectation(issue)}, got ${got}`];
}

function shownValue(issue: Issue, value: unknown): string {
  if (issue.code === 'custom' && typeof issue.params?.got === 'string') return issue.params.got;
  if (issue.code === 'too_big' || issue.code === 'too_small') {
    if (typeof value === 'string') return `${value.length} characters`;
    if (Array.isArray(value)) return `${value.length} entries`;
  }
  return show(value);
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'an integer' : issue.expected;
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return issue.values.map(show).join(' or ');
    case 'invalid_union':
      return unionExpectation(issue);
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'invalid_format':
    case 'custom':
      return issue.message;
    default:
      return issue satisfies never;
  }
}

function unionExpectation(issue: z.core.$ZodIssueInvalidUnion): string {
  const { options } = issue as { readonly options?: readonly unknown[] };
  if (issue.discriminator) {
    return options ? `${options.map(show).join(' or ')} as its ${issue.discriminator}` : 'a known kind';
  }
  return [...new Set(issue.errors.flatMap((branch) => branch.map(expectation)))].join(' or ');
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  return text === '' ? 'the top level' : text;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** Never walks into a value: text from outside may be nested deeper than any recursion goes. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text =
    typeof value === 'string' ? JSON.stringify(value.slice(0, MAX_SHOWN_CHARACTERS)) : String(value);
  return typeof value === 'string' && value.length > MAX_SHOWN_CHARACTERS ? `${text}…` : text;
}
