import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { causeOf, Gap, gapToldBy, type GapRecordFactory } from '../gap.js';
import { FILE_MODE } from '../file/open.js';
import { checksum } from './segments.js';
import { newRecordId } from '../../schema/ids.js';
import type { AuditRecord } from '../../schema/record.js';

/** Records that are lost and that the receiver has not been told of. */
export interface PendingGap {
  readonly count: number;
  readonly firstTime: string;
  readonly lastTime: string;
  readonly seq: number;
  readonly causes: readonly string[];
  /** The id of the record that tells of them. */
  readonly id?: string;
  /** Whether `seq` is that of the last of them, and not a guess. */
  readonly exact?: boolean;
}

/** Up to where the receiver has everything. */
export interface Cursor {
  readonly segment: number;
  /** Bytes into that segment. */
  readonly offset: number;
  /** The place of the next entry: all before it are with the receiver, or lost and told of. What counts, wherever it lies. */
  readonly n: number;
  /** The number of the last record before it. */
  readonly seq?: number;
  /** What the receiver is still to be told. */
  readonly gap?: PendingGap;
}

/** What a spool knows of itself beside its entries: enough to see that some of them are missing. */
export interface SpoolState {
  readonly cursor: Cursor;
  /** The place that the next entry gets. */
  readonly next: number;
  /** The number of the last record that was put in. */
  readonly lastSeq?: number;
}

const NAMES = ['cursor.json', 'head.json'] as const;
/** The files are written over in their places, which is cheap and leaves no draft behind: their length must not change. */
const BYTES = 2_048;

/**
 * Keeps a spool's state twice, in `cursor.json` and `head.json`. Whichever of them is removed, damaged or replaced by an older
 * one, the other tells.
 */
export class StateFiles {
  constructor(private readonly folder: string) {}

  /** What the files say together, and which of them are damaged or missing. */
  load(): { readonly state: SpoolState | undefined; readonly unsound: readonly string[] } {
    const found = NAMES.map((name) => ({ name, state: this.#read(name) }));
    const states = found.flatMap(({ state }) => (typeof state === 'object' ? [state] : []));
    const unsound = found.flatMap(({ name, state }) =>
      state === 'damaged' || (state === 'missing' && states.length > 0) ? [name] : [],
    );
    return { state: states.length === 0 ? undefined : states.reduce(newer), unsound };
  }

  /** One after the other: when the process dies in between, or half-way through one, the other is whole. */
  save(state: SpoolState): void {
    const text = format(state).padEnd(BYTES);
    for (const name of NAMES) overwrite(join(this.folder, name), text);
  }

  #read(name: string): SpoolState | 'damaged' | 'missing' {
    try {
      return parse(readFileSync(join(this.folder, name), 'utf8')) ?? 'damaged';
    } catch (error) {
      return causeOf(error) === 'ENOENT' ? 'missing' : 'damaged';
    }
  }
}

function overwrite(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'r+' });
  } catch (error) {
    if (causeOf(error) !== 'ENOENT') throw error;
    writeFileSync(path, text, { mode: FILE_MODE });
  }
}

/** Both only ever grow. */
function newer(a: SpoolState, b: SpoolState): SpoolState {
  const { cursor } = b.cursor.n > a.cursor.n ? b : a;
  const { next, lastSeq } = b.next > a.next ? b : a;
  return { cursor, next, ...(lastSeq !== undefined && { lastSeq }) };
}

function format(state: SpoolState): string {
  return `${JSON.stringify({ sum: checksum(Buffer.from(JSON.stringify(state))), state })}\n`;
}

/** Only what was written here has the sum: nothing else of it needs a check. */
function parse(text: string): SpoolState | undefined {
  try {
    const { sum, state } = JSON.parse(text) as { sum: unknown; state: SpoolState };
    return sum === checksum(Buffer.from(JSON.stringify(state))) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Records that the receiver of a spool will never get and has not been told of, however many processes it takes to tell it. */
export class UntoldGap {
  readonly #gap = new Gap();
  /** The id of the record that tells of it: the same after a crash, so that the receiver can drop the second one. */
  #id = newRecordId();
  /** Whether its number is that of the last lost record, and not a guess from the places that were empty. */
  #exact = false;

  constructor(kept?: PendingGap) {
    if (kept === undefined) return;
    this.#gap.merge(kept);
    this.#id = kept.id ?? this.#id;
    this.#exact = kept.exact ?? false;
  }

  /** How many records there are. */
  get count(): number {
    return this.#gap.count;
  }

  /** What is kept with the cursor; nothing when nothing is missing. */
  get pending(): PendingGap | undefined {
    const { count, firstTime, lastTime, seq, causes } = this.#gap;
    if (count === 0) return undefined;
    return { count, firstTime, lastTime, seq, causes: [...causes], id: this.#id, exact: this.#exact };
  }

  /** Counts a record that the receiver refused; one that told of a gap counts for what it told of. Returns how many these are. */
  lose(record: AuditRecord, cause: string): number {
    const told = gapToldBy(record);
    if (told === undefined) this.#gap.add(record, cause);
    else this.#gap.merge({ ...told, causes: [cause] });
    this.#grown(true);
    return told === undefined ? 1 : 0;
  }

  /** Counts records that are nowhere in the spool; `seq` is about the number of the last of them. */
  miss(count: number, about: { readonly time: string; readonly seq: number }, cause: string): void {
    const { time, seq } = about;
    this.#gap.merge({ count, firstTime: time, lastTime: time, seq, causes: [cause] });
    this.#grown(false);
  }

  /**
   * The record that tells of them: the same one on every attempt, until there are more.
   *
   * @param next - the number of the record that follows, where one does.
   */
  record(sink: string, factory: GapRecordFactory, next: number | undefined): AuditRecord {
    if (!this.#exact && next !== undefined && next > 0) {
      this.#gap.seq = next - 1;
      this.#exact = true;
    }
    return { ...this.#gap.record(sink, factory), record_id: this.#id, seq: this.#gap.seq };
  }

  #grown(exact: boolean): void {
    this.#exact = exact;
    this.#id = newRecordId();
  }
}
