/**
 * The stream of messages as over other links: an upgrade at `/v1/links/NAME/stream` is passed through a lab on this machine to
 * the server's own stream. For pages that show what a link does, not for service: what comes through a lab comes from this
 * machine, as far as limits for each address are concerned.
 */

import type { IncomingMessage, Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { LinkProfile } from '@featherwire/link';
import { STREAM_PATH } from '../../client/websocket-transport.js';
import { type LinkLab, startLinkLab } from '../link-lab/link-lab.js';

/** Links that clients may ask for, by the names in their addresses. */
export type OfferedLinks = Readonly<Record<string, LinkProfile>>;

/** Streams over links. */
export interface ShapedStreams {
  /** Takes an upgrade whose address is that of a link; false for all others. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Ends the labs with all that passes through them. */
  close(): Promise<void>;
}

const PATH_FORM = /^\/v1\/links\/([\w-]+)\/stream(?:\?|$)/;
const LOOPBACK = '127.0.0.1';
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

/**
 * Makes the streams; a lab starts with the first connection over its link.
 * @param server - listens without TLS
 */
export function createShapedStreams(server: Server, links: OfferedLinks): ShapedStreams {
  const labs = new Map<string, Promise<LinkLab>>();
  const labOf = (name: string): Promise<LinkLab> => {
    const { address, port } = server.address() as AddressInfo;
    const host = ANY_ADDRESS.has(address) ? LOOPBACK : address;
    const lab = labs.get(name) ?? startLinkLab({ link: links[name], target: { host, port } });
    labs.set(name, lab);
    return lab;
  };
  return {
    take(request, socket, head) {
      const name = PATH_FORM.exec(request.url ?? '')?.[1];
      if (name === undefined || !Object.hasOwn(links, name)) return false;
      void labOf(name).then(
        ({ port }) => passOn(request, socket, head, port),
        () => socket.destroy(),
      );
      return true;
    },
    async close() {
      await Promise.all([...labs.values()].map(async (lab) => (await lab).close()));
    },
  };
}

/** Says the request again, with the address of the stream, and leaves the two sockets to each other. */
function passOn(request: IncomingMessage, socket: Duplex, head: Buffer, port: number): void {
  const through = connect({ port, host: LOOPBACK, noDelay: true });
  (socket as Socket).setTimeout(0); // the server's own stream watches over the connection
  for (const end of [socket, through]) {
    end.on('error', () => undefined); // 'close' follows
    end.on('close', () => {
      socket.destroy();
      through.destroy();
    });
  }
  const { method = 'GET', httpVersion, rawHeaders } = request;
  const lines = [`${method} ${STREAM_PATH} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  through.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  through.write(head);
  socket.pipe(through).pipe(socket);
}
