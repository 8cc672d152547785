import { RequestIds } from '../integrity/verification/requestIds.js';
import type { McpRequests } from '../schema/record.js';

/** So many ids of requests that are not on record are named; all are counted. */
const NAMED = 20;

/** And no more of each than this many characters: an id is whatever a program made of it. */
const LONGEST = 64;

/** What one log knows of the requests of a connection. */
class LogTally {
  readonly sent = new RequestIds();
  /** Those that were sent and whose operation has not been handed to the log. */
  readonly open = new RequestIds();
  readonly excluded = new RequestIds();
  recorded = 0;
}

/** What went over the wire of one connection, held against what was handed to each log. */
export class RequestTally {
  readonly #tallies = new WeakMap<object, LogTally>();
  readonly #pending: (log: object) => Iterable<string>;

  /** @param pending Ids of requests whose operations are under way, and will be handed to that log. */
  constructor(pending: (log: object) => Iterable<string>) {
    this.#pending = pending;
  }

  /** A request goes out. */
  sent(logs: readonly object[], id: string): void {
    for (const log of distinct(logs)) {
      const tally = this.#of(log);
      tally.sent.add(id);
      tally.open.add(id);
    }
  }

  /** An operation was handed to a log, or left out as its policy wants. */
  settled(log: object, ids: readonly string[], how: 'recorded' | 'excluded'): void {
    const tally = this.#of(log);
    for (const id of distinct(ids)) {
      if (!tally.open.delete(id)) continue;
      if (how === 'recorded') tally.recorded++;
      else tally.excluded.add(id);
    }
  }

  /** What the closing record says. */
  summary(log: object): McpRequests {
    const { sent, open, excluded, recorded } = this.#of(log);
    const missing = open.copy();
    let pending = 0;
    for (const id of new Set(this.#pending(log))) if (missing.delete(id)) pending++;
    const wanted = excluded.size === 0 ? sent : sent.copy();
    for (const id of excluded) wanted.delete(id);
    return {
      sent: sent.size,
      recorded,
      ...(pending > 0 && { pending }),
      ...(excluded.size > 0 && { excluded: excluded.size }),
      ...(missing.size > 0 && { missing: missing.size, missing_ids: firstOf(missing) }),
      sha256: wanted.digest(),
    };
  }

  #of(log: object): LogTally {
    let tally = this.#tallies.get(log);
    if (tally === undefined) this.#tallies.set(log, (tally = new LogTally()));
    return tally;
  }
}

/** Hardly ever more than one: then no set is made of it. */
function distinct<T>(items: readonly T[]): Iterable<T> {
  return items.length < 2 ? items : new Set(items);
}

function firstOf(ids: RequestIds): string[] {
  const first: string[] = [];
  for (const id of ids) if (first.push(id.slice(0, LONGEST)) === NAMED) break;
  return first;
}
