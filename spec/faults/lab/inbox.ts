import type { ServerOptions } from 'node:https';
import type { AuditRecord } from '../../../lib/schema/record.js';
import {
  startReceiver,
  type Answer,
  type HttpReceiver,
  type ReceivedRequest,
} from '../../support/httpReceiver.js';
import type { FoundLog } from './judge.js';

/** What a receiver does with one request: whether it keeps the records, and what it answers. */
export interface Reply {
  readonly takes: boolean;
  readonly answer: Answer;
}

export const TAKEN: Reply = { takes: true, answer: 200 };

/** A receiver that keeps what it takes, whatever it answers then. */
export class Inbox {
  readonly taken: AuditRecord[] = [];
  /** When each request had arrived, in milliseconds. */
  readonly arrivals: number[] = [];

  private constructor(private readonly receiver: HttpReceiver) {}

  /** @param reply - what to do with the n-th request, from 0. */
  static async open(reply: (nth: number) => Reply = () => TAKEN, tls?: ServerOptions): Promise<Inbox> {
    const inbox = new Inbox(await startReceiver(tls));
    inbox.receiver.answer = (response, request) => {
      const { takes, answer } = reply(inbox.arrivals.length);
      inbox.arrivals.push(performance.now());
      if (takes) inbox.taken.push(...recordsOf(request));
      if (typeof answer === 'number') response.writeHead(answer).end();
      else answer(response, request);
    };
    return inbox;
  }

  get url(): string {
    return this.receiver.url;
  }

  get requests(): readonly ReceivedRequest[] {
    return this.receiver.requests;
  }

  /** What it has, as a log. */
  get log(): FoundLog {
    return { records: this.taken, broken: [] };
  }

  close(): Promise<void> {
    return this.receiver.close();
  }
}

/** The records of a request: JSON, or a line of it each. */
export function recordsOf({ headers, body }: ReceivedRequest): AuditRecord[] {
  if (!/json/.test(headers['content-type'] ?? '')) return [];
  return body
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditRecord);
}
