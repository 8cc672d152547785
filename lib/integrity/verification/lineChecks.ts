import { createHash } from 'node:crypto';
import { ChunkSearch } from './sessions.js';

/** `{"record_id":"` and a UUID stand before it in the fixed order of fields. */
const SEQ_AT = '{"record_id":"'.length + 36;
const SEQ = Buffer.from('","seq":');
const [ZERO, NINE, OPEN, CLOSE, COMMA] = [0x30, 0x39, 0x7b, 0x7d, 0x2c];
/** More digits than a safe integer has. */
const MAX_DIGITS = 16;

/**
 * The `seq` of a record, without parsing the line where its fields stand in the usual order.
 *
 * @returns nothing if the line is no audit record.
 */
export function seqOf(data: Buffer, start: number, end: number): number | undefined {
  if (data[start] !== OPEN || data[end - 1] !== CLOSE) return undefined;
  let at = start + SEQ_AT;
  for (let i = 0; i < SEQ.length; i++) if (data[at + i] !== SEQ[i]) return parsedSeq(data, start, end);
  at += SEQ.length;
  let seq = 0;
  let digits = 0;
  for (let byte = data[at]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = data[++at]) {
    seq = seq * 10 + (byte - ZERO);
    digits++;
  }
  // A fraction or an exponent may follow the digits.
  const whole = data[at] === COMMA || data[at] === CLOSE;
  return at < end && whole && digits > 0 && digits < MAX_DIGITS ? seq : parsedSeq(data, start, end);
}

function parsedSeq(data: Buffer, start: number, end: number): number | undefined {
  try {
    const { record_id: id, seq } = JSON.parse(data.toString('utf8', start, end)) as Record<string, unknown>;
    return typeof id === 'string' && Number.isSafeInteger(seq) ? (seq as number) : undefined;
  } catch {
    return undefined;
  }
}

/** Holes in `seq` that are told apart; more are counted. */
const MAX_HOLES = 5;

/** Follows `seq` through a log: it has to rise; a hole is a record that this log never had. */
export class OrderCheck {
  #last: number | undefined;
  #holes = 0;
  #missing = 0;
  /** In words, the first few holes. */
  readonly warnings: string[] = [];

  /** @returns whether the record may stand after those before it. */
  follows(seq: number, index: number): boolean {
    const last = this.#last ?? seq - 1;
    if (seq <= last) return false;
    if (seq > last + 1) this.#hole(last + 1, seq - 1, index);
    this.#last = seq;
    return true;
  }

  #hole(first: number, last: number, index: number): void {
    this.#missing += last - first + 1;
    if (++this.#holes > MAX_HOLES) return;
    const range = first === last ? `seq ${first} is` : `seq ${first} to ${last} are`;
    this.warnings.push(
      `${range} not in this log (before index ${index}): lost before it was written, or filtered`,
    );
  }

  /** The warnings, with a sum if not all holes were told. */
  summary(): string[] {
    if (this.#holes <= MAX_HOLES) return this.warnings;
    return [...this.warnings, `${this.#holes} such holes in all, of ${this.#missing} records`];
  }
}

const CUT = 'data.definition';

/** Holds the tool definitions of a log against their content addresses. */
export class DefinitionCheck {
  readonly #resource = new ChunkSearch('"resource":"audit/tool-definition"', '/tool-');

  /** What is wrong with the next line of the log, if it keeps a definition that is not the one its address names. */
  see(data: Buffer, start: number, end: number): string | undefined {
    if (this.#resource.behind(data, start, end) === -1) return undefined;
    const { resource, data: detail, truncated } = parsed(data.toString('utf8', start, end));
    if (resource !== 'audit/tool-definition' || typeof detail !== 'object' || detail === null)
      return undefined;
    const { definition, definition_sha256: address } = detail;
    // Of a definition that was cut, the address is that of the whole.
    const cut = Array.isArray(truncated) && truncated.some((entry: Cut | null) => entry?.path === CUT);
    if (typeof definition !== 'string' || cut || sha256(definition) === address) return undefined;
    return 'keeps a tool definition that does not match its address (data.definition_sha256)';
  }
}

interface Cut {
  readonly path?: unknown;
}

interface Parsed {
  readonly resource?: unknown;
  readonly data?: { readonly definition?: unknown; readonly definition_sha256?: unknown } | null;
  readonly truncated?: unknown;
}

function parsed(line: string): Parsed {
  try {
    return JSON.parse(line) as Parsed;
  } catch {
    // That it is no record is said elsewhere.
    return {};
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
