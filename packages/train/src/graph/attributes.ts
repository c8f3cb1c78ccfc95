/** Reading attribute records with a default. */

import type { AttributeRecord } from '@featherwire/onnx';

/** An integer. */
export function intAttribute(attributes: AttributeRecord, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : fallback;
}

/** A list of integers, or undefined. */
export function intsAttribute(attributes: AttributeRecord, name: string): readonly number[] | undefined {
  const value = attributes[name];
  return Array.isArray(value) ? (value as readonly number[]) : undefined;
}

/** A real number. */
export function floatAttribute(attributes: AttributeRecord, name: string, fallback: number): number {
  const value = attributes[name];
  return typeof value === 'object' && 'float' in value ? value.float : fallback;
}

/** A list of real numbers, or undefined. */
export function floatsAttribute(attributes: AttributeRecord, name: string): readonly number[] | undefined {
  const value = attributes[name];
  return typeof value === 'object' && 'floats' in value ? value.floats : undefined;
}

/** A string. */
export function stringAttribute(attributes: AttributeRecord, name: string, fallback: string): string {
  const value = attributes[name];
  return typeof value === 'string' ? value : fallback;
}
