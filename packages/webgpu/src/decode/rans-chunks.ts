/** The chunks of a frame whose sections are rANS, under a table or a context model that the section or a profile holds. */

import type { ContextModel, RansPayload, StaticCoder, TableDescription } from '@featherwire/codec';
import { type CodedChunk, elementsOf } from '@featherwire/codec/parts';
import { UnsupportedError } from '../errors.js';

/** A table of indices or packed symbols. */
export type TableCoder = Extract<StaticCoder, { readonly table: TableDescription }>;
/** A context model. */
export type ContextCoder = Extract<StaticCoder, { readonly model: ContextModel }>;

/** A chunk of rANS. */
export interface RansChunk<Coder extends StaticCoder = StaticCoder> {
  readonly geometry: CodedChunk['geometry'];
  /** Elements of the tensor before it. */
  readonly firstElement: number;
  readonly coder: Coder;
  readonly payload: RansPayload;
  /** Where the payload begins in the frame. */
  readonly byteOffset: number;
}

/**
 * @param frame - the bytes that the chunks are of
 * @throws {UnsupportedError} if a section is not rANS under a table or contexts, or under a fine model
 */
export function chunksOfRans(frame: Uint8Array, chunks: readonly CodedChunk[]): RansChunk[] {
  let elements = 0;
  return chunks.map(({ geometry, section }) => {
    const firstElement = elements;
    elements += elementsOf(geometry);
    const coder = section.kind === 'static' ? section.coder : section;
    const isKnown = coder.kind === 'rans' || coder.kind === 'rans-packed' || coder.kind === 'rans-contexts';
    if (!('payload' in section) || !isKnown) throw new UnsupportedError('frame', 'rans', coder.kind);
    if (coder.kind === 'rans-contexts' && coder.model.slotBits !== 8)
      throw new UnsupportedError('frame', 'contexts of 256 slots', 'a fine model');
    const { payload } = section;
    return {
      geometry,
      firstElement,
      coder,
      payload,
      byteOffset: payload.bytes.byteOffset - frame.byteOffset,
    };
  });
}

/** Whether a table codes the chunk. */
export function isOfTable(chunk: RansChunk): chunk is RansChunk<TableCoder> {
  return chunk.coder.kind !== 'rans-contexts';
}

/** Whether a context model codes the chunk. */
export function isOfContexts(chunk: RansChunk): chunk is RansChunk<ContextCoder> {
  return chunk.coder.kind === 'rans-contexts';
}
