/** Where answers to a gateway's attempts arrive: one subscription for all, told apart by the last part of the subject. */

import { randomUUID } from 'node:crypto';
import type { ServerLogger } from '@featherwire/runtime/node';
import type { Msg } from '@nats-io/transport-node';
import type { NatsLink } from './nats-link.js';

/** Subjects for answers. */
export interface Inbox {
  /**
   * Opens a subject.
   * @param receive - called for each message that comes to it
   * @returns the subject, until it is closed
   */
  open(receive: (message: Msg) => void): string;
  /** What comes to the subject from now on is dropped. */
  close(subject: string): void;
}

/** An inbox without subjects. @param logger - told if NATS lets it hear nothing */
export function createInbox({ connection }: NatsLink, logger: ServerLogger): Inbox {
  const prefix = `_INBOX.featherwire.${randomUUID()}.`;
  const receivers = new Map<string, (message: Msg) => void>();
  let count = 0;
  connection.subscribe(`${prefix}*`, {
    callback: (error, message) => {
      if (error) logger.error(`NATS lets this gateway hear no answers: ${error.message}`);
      else receivers.get(message.subject)?.(message);
    },
  });
  return {
    open(receive) {
      count++;
      const subject = `${prefix}${count}`;
      receivers.set(subject, receive);
      return subject;
    },
    close: (subject) => void receivers.delete(subject),
  };
}
