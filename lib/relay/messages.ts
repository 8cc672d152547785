import { addToMeta, itemsOf, memberOf, valueIn, type Insertion, type Place } from './jsonText.js';
import { AuditError, RefusedError } from '../errors.js';
import { peek, peekText } from '../internal/peek.js';

/** One JSON-RPC message: what it says, and where it stands in the text that it came in. */
export interface Message extends Place {
  readonly value: object;
}

/** What becomes of a message on its way: members that join `params._meta`, another text in its place, or nothing in its place. */
export type Change = { readonly meta: object } | { readonly text: string } | { readonly drop: true };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What arrived in one piece: a message, or a batch of them (JSON-RPC 2.0, section 6; revision 2025-03-26 of the protocol). */
export class Envelope {
  readonly messages: readonly Message[];
  readonly isBatch: boolean;
  readonly #bytes: Buffer;
  readonly #text: string;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = decoder.decode(bytes);
    const value: unknown = JSON.parse(this.#text);
    const place = valueIn(this.#text);
    this.isBatch = Array.isArray(value);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    const places = this.isBatch ? itemsOf(this.#text, place) : [place];
    // What is no object is no message, and the other side will say so.
    this.messages = places.flatMap(({ start, end }, index) => {
      const each = values[index];
      return typeof each === 'object' && each !== null ? [{ value: each, start, end }] : [];
    });
  }

  /** Reads what arrived; undefined where it is not JSON in UTF-8. */
  static open(bytes: Buffer): Envelope | undefined {
    try {
      return new Envelope(bytes);
    } catch {
      return undefined;
    }
  }

  /** The id of a message as its sender wrote it: 12345678901234567890 is another number once it is read. */
  idOf(message: Message): string {
    const id = memberOf(this.#text, message, 'id');
    return id === undefined ? 'null' : this.#text.slice(id.start, id.end);
  }

  /** The text of a message as its sender wrote it. */
  textOf({ start, end }: Message): string {
    return this.#text.slice(start, end);
  }

  /** The bytes to pass on: those that came, but for what is to change. Undefined where nothing is left of them. */
  close(changes: ReadonlyMap<Message, Change>): Buffer | undefined {
    if (changes.size === 0) return this.#bytes;
    const kept = this.messages.filter((message) => !isDrop(changes.get(message)));
    if (kept.length === 0) return undefined;
    if (kept.length === this.messages.length) return Buffer.from(this.#changed(changes));
    const texts = kept.map((message) => this.#apply(message, changes.get(message)));
    return Buffer.from(`[${texts.join(',')}]${this.#text.slice(valueIn(this.#text).end)}`);
  }

  /** The whole text, each message changed in its place. */
  #changed(changes: ReadonlyMap<Message, Change>): string {
    let made = '';
    let copied = 0;
    for (const message of this.messages) {
      made += this.#text.slice(copied, message.start) + this.#apply(message, changes.get(message));
      copied = message.end;
    }
    return made + this.#text.slice(copied);
  }

  #apply(message: Message, change: Change | undefined): string {
    const { start, end } = message;
    if (change === undefined || 'drop' in change) return this.#text.slice(start, end);
    if ('text' in change) return change.text;
    const { at, text }: Insertion = addToMeta(this.#text, message, change.meta);
    return this.#text.slice(start, at) + text + this.#text.slice(at, end);
  }
}

/** Whether nothing goes on in the place of a message. */
export function isDrop(change: Change | undefined): boolean {
  return change !== undefined && 'drop' in change;
}

/** JSON-RPC code of a request that was not sent, of those that JSON-RPC leaves to implementations: `data.reason` says why. */
const REFUSED = -32010;

/** JSON-RPC code of a request that was answered and whose record was lost: `data.answer` is the answer. */
const RECORD_LOST = -32011;

/** JSON-RPC code of a request that got no answer over HTTP: `data.reason` says why. */
const UNANSWERED = -32012;

/** A request was sent over HTTP, or was to be sent, and no answer came. On record as what it is. */
export class UnansweredError extends Error {
  /**
   * `unreachable`: there is no server; `http_status`: it refused the request; `stream_ended`: it began to answer, and stopped;
   * `session_lost`: it has lost the session, and there is no new one.
   */
  readonly reason: 'unreachable' | 'http_status' | 'stream_ended' | 'session_lost';
  /** The HTTP status; read by capture, to which 401 and 403 are of authorization. */
  readonly status: number | undefined;
  readonly code: string | undefined;

  constructor(reason: UnansweredError['reason'], message: string, status?: number) {
    super(message);
    this.name = 'UnansweredError';
    this.reason = reason;
    this.status = status;
    // As the SDK's own error for the end of a connection says it, so that both are one `error.type` on record.
    this.code = status === undefined ? '-32000' : String(status);
  }
}

/** The server began to answer, and stopped. */
export const ENDED = new UnansweredError(
  'stream_ended',
  'Connection closed: the server ended its answer without one to this request',
);

/** A message could not be sent, for a reason that is no answer of the server's. */
export function unsent(error: unknown): UnansweredError {
  return new UnansweredError('unreachable', `the message could not be sent: ${String(error)}`);
}

/** The answer to a request that was not sent. The id is spelled as its sender wrote it. */
export function refusalOf(id: string, reason: unknown): string {
  const { message, ...data } = describe(reason);
  return errorText(id, REFUSED, `not sent: ${message}`, JSON.stringify(data));
}

function describe(reason: unknown): { reason: string; code?: string; message: string } {
  if (reason instanceof RefusedError)
    return { reason: reason.reason, code: reason.code, message: reason.message };
  if (reason instanceof AuditError)
    return { reason: 'audit_unavailable', code: reason.code, message: reason.message };
  return { reason: 'audit_unavailable', message: 'it cannot be put on record' };
}

/** The answer stands in it as it came, so that nobody makes a call twice because its record was lost. */
export function lossText(id: string, { code, message }: AuditError, answer: string): string {
  const data = `{"reason":"record_lost","code":${JSON.stringify(code)},"answer":${answer}}`;
  return errorText(id, RECORD_LOST, `answered, and the record was lost: ${message}`, data);
}

/** The answer to a request that the server did not answer. */
export function unansweredText(id: string, { reason, status, message }: UnansweredError): string {
  const data = JSON.stringify({ reason, ...(status !== undefined && { status }) });
  return errorText(id, UNANSWERED, message, data);
}

/** Why a request has no answer where the server answered with an error of HTTP. */
export function refusedBy(status: number, body: Buffer): UnansweredError {
  const said = Envelope.open(body)?.messages[0]?.value;
  const message = peekText(peek(said, 'error'), 'message') ?? peekText(said, 'error_description');
  const what = `the server answered with HTTP ${status}`;
  return new UnansweredError('http_status', message === undefined ? what : `${what}: ${message}`, status);
}

/** Several answers as one body: a batch is answered by a batch. */
export function together(answers: readonly string[], isBatch: boolean): string | undefined {
  if (answers.length === 0) return undefined;
  return isBatch ? `[${answers.join(',')}]` : answers[0];
}

function errorText(id: string, code: number, message: string, data: string): string {
  const text = JSON.stringify(message);
  return `{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${text},"data":${data}}}`;
}
