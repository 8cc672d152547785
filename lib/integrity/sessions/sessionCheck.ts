import type { McpRequests } from '../../schema/record.js';
import { RequestIds } from './requestIds.js';
import { sessionLine } from './sessionLine.js';

/** So many sessions are named; all are counted. */
const NAMED = 20;

/** The sessions of a log, by what their closing records say and what is on file of them. */
export interface Sessions {
  /** Closed, and every request that was sent is on file. */
  readonly complete: number;
  /** Opened and never closed: the process was killed, or they are open still. */
  readonly open: number;
  /** Closed, and what is on file is not what was sent. */
  readonly different: number;
  /** Closed without a count, or begun before this log. */
  readonly uncounted: number;
  /** The first of each, by `session_id`, or `mcp.connection_id` where several connections share one. */
  readonly named: {
    readonly complete: readonly string[];
    readonly open: readonly string[];
    readonly uncounted: readonly string[];
  };
  /** The first of those that differ, and how. */
  readonly differences: readonly { readonly session: string; readonly difference: string }[];
}

interface Session {
  isOpened: boolean;
  isClosed: boolean;
  readonly ids: RequestIds;
  requests: McpRequests | undefined;
}

/** Holds the records of each session against what its closing record says was sent. */
export class SessionCheck {
  readonly #sessions = new Map<string, Session>();
  #complete = 0;
  readonly #named: Record<keyof Sessions['named'], string[]> = { complete: [], open: [], uncounted: [] };

  /** The next line of the log. */
  see(data: Buffer, start: number, end: number): void {
    const line = sessionLine(data, start, end);
    if (line === undefined) return;
    const { key, ids, event, requests } = line;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = { isOpened: false, isClosed: false, ids: new RequestIds(), requests: undefined };
      this.#sessions.set(key, session);
    }
    for (const id of ids) session.ids.add(id);
    if (event === 'opened') session.isOpened = true;
    if (event === 'closed') {
      session.isClosed = true;
      session.requests ??= requests;
    }
    // What was complete at its end is kept no longer: a log has no end of sessions.
    if (session.requests === undefined || differenceOf(session, session.requests) !== undefined) return;
    this.#sessions.delete(key);
    this.#complete++;
    this.#name('complete', key);
  }

  #name(as: keyof Sessions['named'], session: string): void {
    if (this.#named[as].length < NAMED) this.#named[as].push(session);
  }

  finish(): Sessions {
    const found = { complete: this.#complete, open: 0, different: 0, uncounted: 0 };
    const differences: { session: string; difference: string }[] = [];
    for (const [session, { isOpened, isClosed, ids, requests }] of this.#sessions) {
      if (!isClosed) {
        // Records of which neither beginning nor end is here: of what others have traced, or of a log that was cut in parts.
        if (!isOpened) continue;
        found.open++;
        this.#name('open', session);
      } else if (requests === undefined || !isOpened) {
        found.uncounted++;
        this.#name('uncounted', session);
      } else {
        found.different++;
        const difference = differenceOf({ ids }, requests) ?? 'it is complete';
        if (differences.length < NAMED) differences.push({ session, difference });
      }
    }
    return { ...found, named: this.#named, differences };
  }
}

/** In words; nothing where all that was sent, and was not left out by the policy, is on file. */
function differenceOf({ ids }: Pick<Session, 'ids'>, requests: McpRequests): string | undefined {
  const { sent, excluded = 0, missing = 0, sha256 } = requests;
  const wanted = sent - excluded;
  if (ids.size === wanted && ids.digest() === sha256) return undefined;
  const known = missing > 0 ? `, ${missing} of them as the closing record itself says` : '';
  if (ids.size < wanted) return `${wanted - ids.size} of ${wanted} requests are not in this log${known}`;
  if (ids.size > wanted) return `${ids.size - wanted} more requests are in this log than were sent`;
  return 'the requests in this log are others than those that were sent';
}
