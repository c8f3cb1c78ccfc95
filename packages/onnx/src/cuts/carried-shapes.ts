/**
 * The few integers that cross beside data: shapes of head tensors that the tail needs and can neither state as numbers
 * nor rebuild from the shapes of the tensors that cross.
 */

import { isRandom, isShapeReader, staticShapeValue } from '../dataflow.js';
import type { GraphIndex } from '../graph.js';
import { walkTail } from '../tail-walk.js';
import type { ShapeTable } from '../value-info.js';
import type { DataGraph } from './data-graph.js';

/** Gives the names of the shapes to carry with data tensors that cross. */
export type CarriedShapes = (cut: readonly string[], isHead: (position: number) => boolean) => string[];

/**
 * Prepares the search for shapes that have to be carried.
 * @returns a function of the data tensors of a cut and of what tells the live nodes of its head
 */
export function carriedShapes({ index, live }: DataGraph, shapes: ShapeTable): CarriedShapes {
  const open = index.nodes.some((node) => isShapeReader(node) && !staticShapeValue(node, shapes));
  if (!open) return () => [];
  // What makes no data is free on both sides but for the shapes behind it, which are taken in the head.
  const aside = index.nodes.flatMap((node, position) => (live[position] || isRandom(node) ? [] : [position]));
  const livePositions = index.nodes.flatMap((_, position) => (live[position] ? [position] : []));
  return (cut, isHead) => {
    const head = new Set([...aside, ...livePositions.filter(isHead)]);
    const { missing } = walkTail(index, new Set(cut), head, shapes);
    return [...missing].sort((a, b) => positionOf(index, a) - positionOf(index, b));
  };
}

function positionOf(index: GraphIndex, name: string): number {
  return index.producer.get(name) ?? -1;
}
