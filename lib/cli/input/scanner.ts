import type { LogChunk } from '../../integrity/storage/segments.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { WholeLines, type Prefilter } from './prefilter.js';
import type { Moment } from './sequence.js';

const LF = 0x0a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const QUOTE = 0x22;
const R = 0x72;

/** The longest line, in bytes. It is far longer than any record may be (65,535 bytes), so a longer line is no record. */
const LONGEST_LINE = 16 << 20;

/** The place of a line in its file. The scanner reuses one object: copy it to keep it. */
export interface LinePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** In bytes. */
  readonly offset: number;
}

/** Takes one line: the bytes from `start` to `end`, without the line end. They are valid during the call only. */
export type LineVisitor = (data: Buffer, start: number, end: number, place: LinePlace) => void;

/** Takes the number of a record, who gave it, where the record stands, when its operation was, and the record if it was decoded. */
export type OrderVisitor = (
  seq: number,
  counter: LogCounter | undefined,
  place: LinePlace,
  moment: Moment,
  record?: AuditRecord,
) => void;

/** The visitors that a scanner calls. */
export interface ScanEvents {
  /** Takes a line that may be wanted, or that does not look like a record. */
  readonly line: LineVisitor;
  /** Takes the last line of a file where its line end is missing. It may or may not be a whole record. */
  readonly torn: LineVisitor;
  /** Told of a line that is too long to be a record; its bytes are skipped. */
  readonly oversized: (place: LinePlace) => void;
  /** Takes a whole record that the prefilter admits. Without this visitor, `line` takes it. */
  readonly admitted?: LineVisitor | undefined;
  /** Takes the `seq` of a whole record that the prefilter rules out. Without this visitor, the line is skipped. */
  readonly ruledOut?: OrderVisitor | undefined;
}

/**
 * Cuts one file into lines without copying or decoding them. Lines that a prefilter rules out are skipped at the speed of a
 * byte search. Lines that do not begin and end like a record are passed on, so that they are noticed.
 */
export class LineScanner {
  /** How many lines were seen. */
  lines = 0;
  /** Recognises records without decoding, for `admitted` and `ruledOut`. */
  readonly whole = new WholeLines();
  readonly #events: ScanEvents;
  readonly #prefilter: Prefilter | undefined;
  readonly #place: { file: string; line: number; offset: number };
  readonly #undecoded: boolean;
  #carry: Buffer[] = [];
  #carried = 0;
  #skipping = false;

  constructor(file: string, events: ScanEvents, prefilter?: Prefilter) {
    this.#events = events;
    this.#prefilter = prefilter;
    this.#undecoded = events.admitted !== undefined || events.ruledOut !== undefined;
    this.#place = { file, line: 0, offset: 0 };
  }

  /** Takes the next chunk of the file. */
  feed({ data, offset }: LogChunk): void {
    let start = 0;
    if (this.#carried > 0 || this.#skipping) {
      const end = data.indexOf(LF);
      if (end === -1) {
        this.#keep(data);
        return;
      }
      this.#finishCarried(data.subarray(0, end));
      start = end + 1;
    }
    start = this.#scan(data, start, offset);
    if (start < data.length) {
      this.#place.offset = offset + start;
      this.#keep(data.subarray(start));
    }
  }

  /** Takes the rest of the file. Call it at the end. */
  finish(): void {
    if (this.#carried === 0) return;
    const line = Buffer.concat(this.#carry);
    this.#place.line = ++this.lines;
    this.#events.torn(line, 0, line.length, this.#place);
  }

  /** The hot loop: one search for each line end, and the searches of the prefilter, which run ahead over many lines. */
  #scan(data: Buffer, from: number, offset: number): number {
    const place = this.#place;
    // Where `ruledOut` has to see every line, none is skipped.
    const prefilter = this.#events.ruledOut === undefined ? this.#prefilter : undefined;
    this.#enter(data);
    let start = from;
    let skipTo = prefilter?.skipsTo(start) ?? start;
    for (let end = data.indexOf(LF, start); end !== -1; end = data.indexOf(LF, start)) {
      this.lines++;
      if (end > skipTo || !looksLikeRecord(data, start, end)) {
        place.line = this.lines;
        place.offset = offset + start;
        this.#take(data, start, end);
        skipTo = prefilter?.skipsTo(end) ?? end;
      }
      start = end + 1;
    }
    return start;
  }

  #enter(data: Buffer): void {
    this.#prefilter?.enter(data);
    if (this.#undecoded) this.whole.enter(data);
  }

  #take(data: Buffer, start: number, end: number): void {
    const prefilter = this.#prefilter;
    const { line, admitted, ruledOut } = this.#events;
    const wanted =
      prefilter === undefined || !looksLikeRecord(data, start, end) || prefilter.admits(start, end);
    const seq =
      this.#undecoded && prefilter?.isForeign(start, end) !== true ? this.whole.seqOf(start, end) : undefined;
    if (wanted && (seq === undefined || admitted === undefined)) line(data, start, end, this.#place);
    else if (wanted) admitted?.(data, start, end, this.#place);
    else if (ruledOut !== undefined) {
      if (seq === undefined) line(data, start, end, this.#place);
      else ruledOut(seq, this.whole.counter, this.#place, this.whole.moment);
    }
  }

  /** Keeps a copy of the beginning of a line, because the reader reuses its buffers. */
  #keep(part: Buffer): void {
    if (this.#skipping) return;
    this.#carry.push(Buffer.from(part));
    this.#carried += part.length;
    if (this.#carried <= LONGEST_LINE) return;
    this.#skipping = true;
    this.#carry = [];
    this.#carried = 0;
    this.#events.oversized({ ...this.#place, line: this.lines + 1 });
  }

  #finishCarried(part: Buffer): void {
    this.lines++;
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    const whole = Buffer.concat([...this.#carry, part]);
    this.#carry = [];
    this.#carried = 0;
    this.#enter(whole);
    this.#place.line = this.lines;
    this.#take(whole, 0, whole.length);
  }
}

/** Whether a line begins with `{"r` (the first field is `record_id`) and ends with `}`. */
function looksLikeRecord(data: Buffer, start: number, end: number): boolean {
  return (
    data[start] === OPEN && data[start + 1] === QUOTE && data[start + 2] === R && data[end - 1] === CLOSE
  );
}
