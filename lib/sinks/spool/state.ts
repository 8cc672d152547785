import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { causeOf } from '../gap.js';
import { FILE_MODE } from '../file/open.js';
import { checksum } from './segments.js';

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
  /** What `refused.spool` is still to be told: the refused records that found no room in it. */
  readonly unkept?: PendingGap;
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
