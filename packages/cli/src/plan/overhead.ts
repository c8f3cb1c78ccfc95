/** What messages of the protocol and WebSocket frames add to what is sent, counted on messages with one frame. */

import type { MessageOverhead } from '@featherwire/planner';
import { serializeMessage } from '@featherwire/runtime';

/** A frame whose length prefix is as long as that of most frames. */
const FRAME = new Uint8Array(1000);
const PREFIX = new Uint8Array(8);
const TIMES = { queueMs: 0, decodeMs: 0, tailMs: 0, respondMs: 0, totalMs: 0 };
/** Header of a WebSocket frame from 126 to 65,535 bytes (RFC 6455 §5.2), with the mask that clients add. */
const SERVER_FRAME_HEADER = 4;
const CLIENT_FRAME_HEADER = 8;

/** Bytes that an exchange over a WebSocket adds to its frames. */
export function messageOverhead(): Pick<MessageOverhead, 'requestBytes' | 'answerBytes'> {
  const frames = [FRAME];
  const request = serializeMessage({ kind: 'feature-request', requestId: 1, bundlePrefix: PREFIX, frames });
  const answer = serializeMessage({ kind: 'response', requestId: 1, times: TIMES, frames });
  return {
    requestBytes: request.length - FRAME.length + CLIENT_FRAME_HEADER,
    answerBytes: answer.length - FRAME.length + SERVER_FRAME_HEADER,
  };
}
