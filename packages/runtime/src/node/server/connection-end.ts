/** What is to be done when a connection ends, for any number of requests on it: with one listener, since Node warns of many. */

import type { Socket } from 'node:net';

const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back when a connection ends; soon, if it has ended.
 * @returns takes the call back
 */
export function onConnectionEnd(socket: Socket, callback: () => void): () => void {
  if (socket.destroyed) {
    queueMicrotask(callback);
    return () => undefined;
  }
  let callbacks = waiting.get(socket);
  if (!callbacks) {
    const own = new Set<() => void>();
    callbacks = own;
    waiting.set(socket, own);
    socket.once('close', () => {
      for (const call of own) call();
    });
  }
  const all = callbacks;
  all.add(callback);
  return () => all.delete(callback);
}
