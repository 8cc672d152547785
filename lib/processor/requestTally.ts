import { RequestIds } from '../integrity/verification/requestIds.js';
import type { McpRequests } from '../schema/record.js';

/** At most so many ids of missing requests are named; all are counted. */
const NAMED = 20;

/** At most so many characters of each id, since a program may choose any. */
const LONGEST = 64;

/** The requests of a connection, as one log knows them. */
class LogTally {
  readonly sent = new RequestIds();
  /** Requests that were sent and whose operations the log has not received. */
  readonly open = new RequestIds();
  readonly excluded = new RequestIds();
  recorded = 0;
}

/** Compares the requests that a connection sent with those that each log received. */
export class RequestTally {
  readonly #tallies = new WeakMap<object, LogTally>();
  readonly #pending: (log: object) => Iterable<string>;

  /** @param pending The ids of requests whose operations are under way; that log will receive them. */
  constructor(pending: (log: object) => Iterable<string>) {
    this.#pending = pending;
  }

  /** Notes a request that is being sent. */
  sent(logs: readonly object[], id: string): void {
    for (const log of distinct(logs)) {
      const tally = this.#of(log);
      tally.sent.add(id);
      tally.open.add(id);
    }
  }

  /** Notes that a log received an operation, or that its policy left the operation out. */
  settled(log: object, ids: readonly string[], how: 'recorded' | 'excluded'): void {
    const tally = this.#of(log);
    for (const id of distinct(ids)) {
      if (!tally.open.delete(id)) continue;
      if (how === 'recorded') tally.recorded++;
      else tally.excluded.add(id);
    }
  }

  /** The counts for the closing record. */
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

/** The items without repetitions; a single item needs no set. */
function distinct<T>(items: readonly T[]): Iterable<T> {
  return items.length < 2 ? items : new Set(items);
}

function firstOf(ids: RequestIds): string[] {
  const first: string[] = [];
  for (const id of ids) if (first.push(id.slice(0, LONGEST)) === NAMED) break;
  return first;
}
