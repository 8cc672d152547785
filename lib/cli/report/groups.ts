import type { AuditRecord } from '../../schema/record.js';
import { SENSITIVITIES } from '../../schema/tables.js';
import type { FailureGroup, TouchedData } from './model.js';

/** How many groups are kept while reading. A report lists the largest. */
const MOST_GROUPS = 5000;
const LISTED = 12;
const NAMED_ACTORS = 3;
/** How many actors of one group are counted. */
const COUNTED_ACTORS = 1000;

interface Group {
  readonly type: string;
  readonly target: string;
  readonly actors: Set<string>;
  count: number;
  last: string;
  trace: string;
}

/** Groups failures by error and target. */
export class FailureGroups {
  readonly #groups = new Map<string, Group>();

  add(record: AuditRecord): void {
    const type = record.error?.type ?? record.outcome.replace('OUTCOME_', '').toLowerCase();
    const key = JSON.stringify([type, record.resource]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= MOST_GROUPS) return;
      group = { type, target: record.resource, actors: new Set(), count: 0, last: '', trace: '' };
      this.#groups.set(key, group);
    }
    group.count++;
    if (group.actors.size < NAMED_ACTORS) group.actors.add(record.actor_id);
    if (record.time >= group.last) {
      group.last = record.time;
      group.trace = record.trace_id;
    }
  }

  finish(): FailureGroup[] {
    return [...this.#groups.values()]
      .sort((a, b) => b.count - a.count || (a.last < b.last ? 1 : -1))
      .slice(0, LISTED)
      .map((group) => ({ ...group, actors: [...group.actors] }));
  }
}

interface Touched {
  sensitivity: number;
  count: number;
  failed: number;
  readonly actors: Set<string>;
  last: string;
}

/** Groups operations by the data that they touched: resources, prompts and tools. */
export class TouchedGroups {
  readonly #touched = new Map<string, Touched>();

  add(record: AuditRecord, failed: boolean): void {
    const name = dataName(record);
    if (name === undefined) return;
    let touched = this.#touched.get(name);
    if (touched === undefined) {
      if (this.#touched.size >= MOST_GROUPS) return;
      this.#touched.set(
        name,
        (touched = { sensitivity: 0, count: 0, failed: 0, actors: new Set(), last: '' }),
      );
    }
    touched.count++;
    if (failed) touched.failed++;
    if (touched.actors.size < COUNTED_ACTORS) touched.actors.add(record.actor_id);
    touched.sensitivity = Math.max(touched.sensitivity, sensitivityRank(record.sensitivity));
    if (record.time > touched.last) touched.last = record.time;
  }

  /** The most sensitive data first; of equally sensitive, the most used. */
  finish(): TouchedData[] {
    const names = Object.keys(SENSITIVITIES);
    return [...this.#touched]
      .sort(([a, x], [b, y]) => y.sensitivity - x.sensitivity || y.count - x.count || (a < b ? -1 : 1))
      .slice(0, LISTED)
      .map(([name, { sensitivity, actors, ...rest }]) => ({
        name,
        ...rest,
        sensitivity: names[sensitivity] ?? 'SENSITIVITY_UNSPECIFIED',
        actors: actors.size,
      }));
  }
}

/** The name of the data that a record touches; undefined for lists and session records, which touch none. */
function dataName(record: AuditRecord): string | undefined {
  if (record.mcp?.resource_uri !== undefined) return record.mcp.resource_uri;
  if (record.mcp?.tool_name !== undefined || record.mcp?.prompt_name !== undefined) return record.resource;
  return undefined;
}

/** The rank of each sensitivity. Names of schema package 0.2 have the rank of the documented names. */
const RANKS: Readonly<Record<string, number>> = {
  ...SENSITIVITIES,
  SENSITIVITY_PUBLIC_INTERNAL: SENSITIVITIES.SENSITIVITY_INTERNAL,
  SENSITIVITY_SECRET: SENSITIVITIES.SENSITIVITY_RESTRICTED,
  SENSITIVITY_TOP_SECRET: SENSITIVITIES.SENSITIVITY_HIGHLY_RESTRICTED,
};

function sensitivityRank(name: string): number {
  return Object.hasOwn(RANKS, name) ? (RANKS[name] ?? 0) : 0;
}
