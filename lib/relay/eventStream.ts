import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { Packing } from './bodies.js';
import { runFor } from './callers.js';
import { BEFORE_DATA, EventCutter, eventOf, readEvent, withData, type EventPiece } from './events.js';
import type { LongMessage } from './longMessage.js';
import { OrderedWriter } from './orderedWriter.js';
import type { Session } from './sessions.js';

/** A stream of the server's that is to reach the client. Its beginning, the response's headers, has been handed on. */
export interface EventPassage {
  readonly upstream: IncomingMessage;
  readonly response: ServerResponse;
  readonly session: Session;
  /** Whether the client goes on with a stream that broke off. */
  readonly isResumed: boolean;
  /** An answer of ours that goes before what the server says. */
  readonly first: Buffer | undefined;
  /** Where the server takes messages, as it says (transport of revision 2024-11-05); gives what the client is told. */
  readonly onEndpoint: (address: string) => string;
}

/**
 * Hands a stream on, event by event, as each is on record. Resolves when it has ended.
 *
 * @returns Whether the client has left it.
 */
export async function passEvents(passage: EventPassage): Promise<{ isCut: boolean }> {
  const { upstream, response, session, first } = passage;
  const streams = new Packing(upstream.headers['content-encoding']).streams();
  const input = streams === undefined ? upstream : upstream.pipe(streams.decoder);
  const output = streams?.encoder ?? response;
  streams?.encoder.pipe(response);
  const writer = new OrderedWriter(output, input);
  if (first !== undefined) writer.write(Promise.resolve(eventOf(first.toString())), first.length);
  const cutter = new EventCutter();
  let long: LongMessage | undefined;
  const pass = (piece: EventPiece): Promise<Buffer | undefined> => {
    if (piece.kind === 'event') return passEvent(passage, piece.bytes);
    if (piece.isFirst) long = session.exchange.long('server');
    return long?.pass(piece) ?? Promise.resolve(undefined);
  };
  const take = (piece: EventPiece): void => {
    const { caller } = session;
    const passing = caller === undefined ? pass(piece) : runFor(caller, () => pass(piece));
    writer.write(passing, piece.bytes.length);
  };
  const isWhole = await new Promise<boolean>((resolve) => {
    input.on('data', (bytes: Buffer) => {
      for (const piece of cutter.cut(bytes)) take(piece);
    });
    input.once('end', () => resolve(true));
    for (const stream of [upstream, input]) stream.once('error', () => resolve(false));
    upstream.once('close', () => upstream.complete || resolve(false));
    response.once('close', () => resolve(false));
  });
  for (const piece of cutter.end()) take(piece);
  const isCut = response.destroyed;
  await writer.settled;
  if (isWhole) output.end();
  else {
    upstream.destroy();
    response.destroy();
  }
  return { isCut };
}

async function passEvent(
  { session, isResumed, onEndpoint }: EventPassage,
  bytes: Buffer,
): Promise<Buffer | undefined> {
  const { type, id, data } = readEvent(bytes);
  if (id !== undefined) session.isResumable = true;
  if (data === undefined || data.length === 0) return bytes;
  if (type === 'endpoint') return withData(bytes, Buffer.from(onEndpoint(data.toString())));
  if (type !== 'message') return bytes;
  const passed = await session.exchange.fromServer(data, isResumed);
  return passed === data ? bytes : withData(bytes, passed);
}

/** Who takes the messages of a stream. */
export interface EventTaker {
  readonly take: (data: Buffer) => Promise<void>;
  /** Takes one that is too long to be read. */
  readonly takeLong: (pieces: Readable) => Promise<void>;
  /** Resolves while more may come. */
  readonly ready: () => Promise<void>;
  /** Told where the server takes messages, over the transport of revision 2024-11-05. */
  readonly onEndpoint?: (address: string) => void;
}

/** Where a stream stopped. */
export interface Seen {
  /** The id of its last event that has one. */
  readonly id: string | undefined;
  /** How long to wait before going on, as the server has it, in milliseconds. */
  readonly retry: number | undefined;
  readonly events: number;
}

/** Takes the messages out of a stream of the server's. Resolves when it has ended or broken off. */
export async function takeEvents(upstream: IncomingMessage, taker: EventTaker): Promise<Seen> {
  let seen: Seen = { id: undefined, retry: undefined, events: 0 };
  const event = async (bytes: Buffer): Promise<void> => {
    const { type, id, retry, data } = readEvent(bytes);
    seen = { id: id ?? seen.id, retry: retry ?? seen.retry, events: seen.events + 1 };
    if (data === undefined || data.length === 0) return;
    if (type === 'endpoint') taker.onEndpoint?.(data.toString());
    if (type === 'message') await taker.take(data);
  };
  const cutter = new EventCutter();
  let long = new PassThrough();
  const part = async ({ bytes, isFirst, isLast }: Extract<EventPiece, { kind: 'part' }>): Promise<void> => {
    if (isFirst) {
      long = new PassThrough();
      void taker.takeLong(long);
    }
    if (!long.write(isFirst ? fromData(bytes) : bytes)) await once(long, 'drain');
    if (isLast) long.end();
  };
  try {
    for await (const chunk of upstream as AsyncIterable<Buffer>) {
      for (const piece of cutter.cut(chunk))
        if (piece.kind === 'event') void event(piece.bytes);
        else await part(piece);
      await taker.ready();
    }
  } catch {
    // It broke off.
  }
  long.end();
  return seen;
}

/** The first piece of an event that is too long to be read, from its data on. */
function fromData(bytes: Buffer): Buffer {
  const before = BEFORE_DATA.exec(bytes.toString('latin1', 0, 4096))?.[0] ?? '';
  return bytes.subarray(before.length);
}
