import type { CallerCommitments } from '../../schema/parts.js';
import type { AuditRecord, McpDetail } from '../../schema/record.js';
import { isRequest } from '../input/request.js';

/** A typed array that grows: one field of all records. A million objects of the same fields would take several times the memory. */
class Column<T extends Float64Array | Uint32Array | Uint8Array> {
  #data: T;
  readonly #make: (length: number) => T;

  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#data = make(1 << 12);
  }

  get(index: number): number {
    return this.#data[index] ?? 0;
  }

  set(index: number, value: number): void {
    if (index >= this.#data.length) {
      const larger = this.#make(Math.ceil(Math.max(index + 1, this.#data.length * 1.5)));
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data[index] = value;
  }
}

const float = () => new Column((length) => new Float64Array(length));
/** A column of whole numbers of 32 bits. */
export const word = () => new Column((length) => new Uint32Array(length));
/** A column of whole numbers of 8 bits. */
export const byte = () => new Column((length) => new Uint8Array(length));

/** Texts that many records share, by small numbers; 0 is no text. */
class Texts {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [''];

  numberOf(text: string | undefined): number {
    if (text === undefined || text === '') return 0;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  text(number: number): string {
    return this.#texts[number] ?? '';
  }
}

/** Two rounds of FNV-1a with different primes as one number of 53 bits; 0 only for no text. */
function hash53(text: string): number {
  let high = 0x811c9dc5;
  let low = 0x9e3779b9;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b);
    low ^= low >>> 13;
  }
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0) || 1;
}

/** A hole in the numbers of a log: records that were there, or should have been. */
export interface Hole {
  readonly first: number;
  readonly last: number;
  /** When the records before and after it ended, in milliseconds. */
  readonly after: number;
  readonly before: number;
}

/** What one log says of itself. */
export class LogFacts {
  readonly name: string;
  records = 0;
  /** Records of requests that it made, and of requests that it answered. */
  asks = 0;
  answers = 0;
  firstTime = Number.POSITIVE_INFINITY;
  lastTime = Number.NEGATIVE_INFINITY;
  /** Whether its last record says that it ended in good order. */
  isStopped = false;
  /** Whether its policy leaves some operations out (level `None`). */
  leavesOut = false;
  /** The records that it says were lost, with the time that they are of. */
  readonly losses: { count: number; first: number; last: number }[] = [];
  readonly holes: Hole[] = [];
  readonly #last = new Map<string, { seq: number; time: number }>();

  constructor(name: string) {
    this.name = name;
  }

  note(record: AuditRecord): void {
    this.records++;
    const start = Date.parse(record.time);
    const end = start + record.duration_ms;
    this.firstTime = Math.min(this.firstTime, start);
    this.lastTime = Math.max(this.lastTime, end);
    this.isStopped = record.resource === 'audit/stop';
    this.#number(record.log_id ?? '', record.seq, end);
    if (record.mcp === undefined && record.resource.startsWith('audit/')) this.#noteOwn(record);
  }

  #number(counter: string, seq: number, time: number): void {
    const last = this.#last.get(counter);
    if (last !== undefined && seq > last.seq + 1)
      this.holes.push({ first: last.seq + 1, last: seq - 1, after: last.time, before: time });
    if (last === undefined || seq > last.seq) this.#last.set(counter, { seq, time });
  }

  #noteOwn({ resource, data }: AuditRecord): void {
    const facts = (data ?? {}) as Record<string, unknown>;
    if (resource === 'audit/start') {
      const { levels } = (facts['policy'] ?? {}) as { levels?: unknown };
      if (JSON.stringify(levels ?? {}).includes('"None"')) this.leavesOut = true;
    }
    if (resource !== 'audit/gap') return;
    const count = Number(facts['count']);
    const [first, last] = ['first_time', 'last_time'].map((name) => Date.parse(String(facts[name])));
    if (count > 0 && first !== undefined && last !== undefined) this.losses.push({ count, first, last });
  }
}

/** Where a record of the store stands, and what it says of itself. */
export interface Entry {
  readonly log: string;
  readonly line: number;
  readonly record_id: string;
  readonly time: string;
  readonly outcome: string;
  readonly error?: string;
  readonly duration_ms: number;
}

/** Which request a record is of: its method, and the tool, prompt or resource. */
export interface Target {
  readonly method: string;
  readonly target?: string;
}

/** Further ids of the requests that one operation took. */
interface Leg {
  readonly index: number;
  readonly byTrace: number;
  readonly bySession: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SERVED: readonly (McpDetail['served_from'] | undefined)[] = [undefined, 'wire', 'cache', 'local'];
/** The part of a digest that is kept, in words of 32 bits: 128 bits are enough to tell two apart. */
const DIGEST_WORDS = 4;

/**
 * All records of requests, of all logs: what is needed to pair and compare them, in about 180 bytes each. `asks` are of the party that
 * made a request, `answers` of the one that answered it.
 */
export class Store {
  readonly logs: LogFacts[] = [];
  /** The records of each side. */
  readonly records = { client: 0, server: 0 };
  readonly asks: number[] = [];
  readonly answers: number[] = [];
  /** Operations that were about to be sent, by the id that joins them with their end. */
  readonly #intents = new Map<string, number>();
  readonly legs: Leg[] = [];
  readonly #texts = new Texts();
  readonly #ids = new Map<number, string>();
  #size = 0;
  readonly log = word();
  readonly line = float();
  readonly #recordId = word();
  readonly time = float();
  readonly duration = float();
  /** The keys that pairs are found by: 0 where there is none. */
  readonly byCommitment = float();
  readonly bySpan = float();
  readonly byParent = float();
  readonly byTrace = float();
  readonly bySession = float();
  readonly trace = float();
  readonly method = word();
  readonly target = word();
  /** The session in the words of its own log. */
  readonly session = word();
  /** The name of the client. */
  readonly client = word();
  readonly outcome = word();
  readonly answer = word();
  readonly error = word();
  readonly #arguments = word();
  readonly #result = word();
  readonly #digests = byte();
  readonly matches = byte();
  readonly requests = word();
  readonly httpStatus = word();
  readonly #servedFrom = byte();
  readonly isOfServer = byte();
  readonly isIntent = byte();

  /** Takes a record of the log that was added last. Records that are of no request are counted only. */
  add(record: AuditRecord, line: number): void {
    this.logs.at(-1)?.note(record);
    if (!isRequest(record)) return;
    const { mcp } = record;
    const index = this.#size++;
    const isOfServer = mcp.side === 'server';
    const asks = isOfServer === (mcp.requested_by === 'server');
    (asks ? this.asks : this.answers).push(index);
    const log = this.logs.at(-1);
    if (log !== undefined) log[asks ? 'asks' : 'answers']++;
    this.log.set(index, this.logs.length - 1);
    this.line.set(index, line);
    this.isOfServer.set(index, Number(isOfServer));
    this.records[isOfServer ? 'server' : 'client']++;
    this.time.set(index, Date.parse(record.time));
    this.duration.set(index, record.duration_ms);
    this.#setId(index, record.record_id);
    this.method.set(index, this.#texts.numberOf(mcp.method));
    this.target.set(index, this.#texts.numberOf(mcp.tool_name ?? mcp.prompt_name ?? mcp.resource_uri));
    this.session.set(index, this.#texts.numberOf(`${record.log_id ?? ''} ${record.session_id}`));
    this.client.set(index, this.#texts.numberOf(record.client_id));
    this.outcome.set(index, this.#texts.numberOf(record.outcome));
    this.answer.set(index, this.#texts.numberOf(mcp.answer));
    this.error.set(index, this.#texts.numberOf(record.error?.type));
    this.httpStatus.set(index, mcp.http_status ?? 0);
    this.#servedFrom.set(index, Math.max(0, SERVED.indexOf(mcp.served_from)));
    this.#setKeys(index, record, mcp, asks);
    this.#setContent(index, record, asks);
    this.#joinIntent(index, record);
  }

  #setId(index: number, id: string): void {
    if (!UUID.test(id)) {
      this.#ids.set(index, id);
      return;
    }
    const digits = id.replaceAll('-', '');
    for (let part = 0; part < 4; part++)
      this.#recordId.set(index * 4 + part, Number.parseInt(digits.slice(part * 8, part * 8 + 8), 16));
  }

  #setKeys(index: number, record: AuditRecord, mcp: McpDetail, asks: boolean): void {
    const { trace_id: trace, span_id: span, parent_span_id: parent } = record;
    // Its own id for who asked; for who answered, the one that the request named.
    const committed = asks ? record.record_id : record.commitments?.caller?.record_id;
    if (committed !== undefined) this.byCommitment.set(index, hash53(committed));
    this.trace.set(index, hash53(trace));
    this.bySpan.set(index, hash53(trace + span));
    if (parent !== undefined) this.byParent.set(index, hash53(trace + parent));
    const direction = mcp.requested_by ?? '';
    const keys = (id: string) => ({
      byTrace: hash53(`${trace}\n${id}\n${mcp.method}\n${direction}`),
      bySession:
        mcp.session_id === undefined ? 0 : hash53(`${mcp.session_id}\n${id}\n${mcp.method}\n${direction}`),
    });
    this.requests.set(index, mcp.legs?.length ?? (mcp.request_id === undefined ? 0 : 1));
    if (mcp.request_id === undefined) return;
    const { byTrace, bySession } = keys(mcp.request_id);
    this.byTrace.set(index, byTrace);
    this.bySession.set(index, bySession);
    for (const { request_id: id } of mcp.legs ?? [])
      if (id !== mcp.request_id) this.legs.push({ index, ...keys(id) });
  }

  #setContent(index: number, { commitments }: AuditRecord, asks: boolean): void {
    const said: Partial<CallerCommitments> | undefined = asks ? commitments : commitments?.caller;
    if (said === undefined) return;
    const digests = [said.arguments, said.result].map((digest, place) => {
      if (digest === undefined || !/^[0-9a-f]{64}$/.test(digest)) return 0;
      const column = place === 0 ? this.#arguments : this.#result;
      for (let part = 0; part < DIGEST_WORDS; part++)
        column.set(index * DIGEST_WORDS + part, Number.parseInt(digest.slice(part * 8, part * 8 + 8), 16));
      return 1 << place;
    });
    this.#digests.set(index, (digests[0] ?? 0) | (digests[1] ?? 0));
    if (!asks && said.matches !== undefined) this.matches.set(index, said.matches ? 1 : 2);
  }

  /** An intent counts where nothing says how its operation ended. */
  #joinIntent(index: number, { operation_id: operation, stage }: AuditRecord): void {
    if (operation === undefined) return;
    if (stage !== undefined) {
      this.isIntent.set(index, 1);
      this.#intents.set(operation, index);
      return;
    }
    const intent = this.#intents.get(operation);
    if (intent === undefined) return;
    this.isIntent.set(intent, 2);
    this.#intents.delete(operation);
  }

  /** Whether it is an intent whose operation has a record of its end. */
  isDone(index: number): boolean {
    return this.isIntent.get(index) === 2;
  }

  /** Whether both have a commitment to that part; and if so, whether it is the same. */
  compareContent(part: 'arguments' | 'result', one: number, other: number): boolean | undefined {
    const bit = part === 'arguments' ? 1 : 2;
    const column = part === 'arguments' ? this.#arguments : this.#result;
    if ((this.#digests.get(one) & this.#digests.get(other) & bit) === 0) return undefined;
    for (let at = 0; at < DIGEST_WORDS; at++)
      if (column.get(one * DIGEST_WORDS + at) !== column.get(other * DIGEST_WORDS + at)) return false;
    return true;
  }

  servedFrom(index: number): McpDetail['served_from'] | undefined {
    return SERVED[this.#servedFrom.get(index)];
  }

  end(index: number): number {
    return this.time.get(index) + this.duration.get(index);
  }

  text(column: Column<Uint32Array>, index: number): string {
    return this.#texts.text(column.get(index));
  }

  targetOf(index: number): Target {
    const target = this.text(this.target, index);
    return { method: this.text(this.method, index), ...(target !== '' && { target }) };
  }

  entry(index: number): Entry {
    const error = this.text(this.error, index);
    const ids = Array.from({ length: 4 }, (_, part) =>
      this.#recordId
        .get(index * 4 + part)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
    const uuid = ids.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    return {
      log: this.logs[this.log.get(index)]?.name ?? '',
      line: this.line.get(index),
      record_id: this.#ids.get(index) ?? uuid,
      time: new Date(this.time.get(index)).toISOString(),
      outcome: this.text(this.outcome, index),
      ...(error !== '' && { error }),
      duration_ms: this.duration.get(index),
    };
  }
}
