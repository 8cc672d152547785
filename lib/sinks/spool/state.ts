import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FILE_MODE } from '../file/open.js';
import type { LogCounter } from '../../schema/record.js';
import { causeOf } from '../gap.js';
import { checksum } from './segments.js';

/** Lost records that no gap record tells of yet. */
export interface StoredGap {
  readonly count: number;
  readonly firstTime: string;
  readonly lastTime: string;
  readonly seq: number;
  readonly counter?: LogCounter | undefined;
  readonly causes: readonly string[];
  /** The id of the gap record. */
  readonly id?: string;
  /** Whether `seq` is that of the last of them; otherwise it is a guess. */
  readonly exact?: boolean;
}

/** How far the receiver has everything. */
export interface Cursor {
  readonly segment: number;
  /** Bytes into that segment. */
  readonly offset: number;
  /** The place of the next entry: all before it are with the receiver, or counted as lost. It counts wherever that entry stands. */
  readonly n: number;
  /** The number of the last record before it, and who gave it. */
  readonly seq?: number;
  readonly counter?: LogCounter | undefined;
  /** Lost records that the receiver has not heard of yet. */
  readonly gap?: StoredGap;
  /** Refused records that found no room in `refused.spool`, and that no gap record in it tells of yet. */
  readonly unkept?: StoredGap;
}

/** What a spool stores beside its entries, which shows when some of them are missing. */
export interface SpoolState {
  readonly cursor: Cursor;
  /** The place that the next entry gets. */
  readonly next: number;
  /** The number of the last record that was put in, and who gave it. */
  readonly lastSeq?: number;
  readonly lastCounter?: LogCounter;
}

const NAMES = ['cursor.json', 'head.json'] as const;
/** The length of the files, in bytes. They are overwritten in place, which is cheap and leaves no drafts, so it must not change. */
const BYTES = 4_096;

/**
 * Stores a spool's state twice, in `cursor.json` and `head.json`: if one is removed, damaged or replaced by an older version, the
 * other one has it.
 */
export class StateFiles {
  constructor(private readonly folder: string) {}

  /** Reads the newest state of both files, and which of them are damaged or missing. */
  load(): { readonly state: SpoolState | undefined; readonly unsound: readonly string[] } {
    const found = NAMES.map((name) => ({ name, state: this.#read(name) }));
    const states = found.flatMap(({ state }) => (typeof state === 'object' ? [state] : []));
    const unsound = found.flatMap(({ name, state }) =>
      state === 'damaged' || (state === 'missing' && states.length > 0) ? [name] : [],
    );
    return { state: states.length === 0 ? undefined : states.reduce(newer), unsound };
  }

  /** Writes one file after the other: when the process dies while it writes, the other file is whole. */
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

/** The newer parts of two states: places only ever grow. */
function newer(a: SpoolState, b: SpoolState): SpoolState {
  const { cursor } = b.cursor.n > a.cursor.n ? b : a;
  const { cursor: _cursor, ...end } = b.next > a.next ? b : a;
  return { cursor, ...end };
}

function format(state: SpoolState): string {
  return `${JSON.stringify({ sum: checksum(Buffer.from(JSON.stringify(state))), state })}\n`;
}

/** The checksum shows that this code wrote the text, so its form needs no further check. */
function parse(text: string): SpoolState | undefined {
  try {
    const { sum, state } = JSON.parse(text) as { sum: unknown; state: SpoolState };
    return sum === checksum(Buffer.from(JSON.stringify(state))) ? state : undefined;
  } catch {
    return undefined;
  }
}
