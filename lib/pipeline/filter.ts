import type { AuditRecord, EventType, Sensitivity, Severity } from '../schema/record.js';
import { EVENT_TYPES, SENSITIVITIES, SEVERITIES } from '../schema/tables.js';
import { ConfigError } from '../errors.js';
import { checkOptions, reject } from '../internal/options.js';

/**
 * Which records a sink gets: those that pass every part that is given.
 *
 * @see docs/sinks.md
 */
export interface SinkFilter {
  /** The event types that pass. @defaultValue all */
  readonly eventTypes?: readonly EventType[];
  /** The least severity that passes. @defaultValue all */
  readonly minSeverity?: Severity;
  /** The sensitivities that pass. @defaultValue all */
  readonly sensitivity?: readonly Sensitivity[];
  /** A rule of your own. When it throws, the record passes: a broken filter must not lose records. @defaultValue none */
  readonly predicate?: (record: AuditRecord) => boolean;
}

/** A checked filter: whether a record passes. */
export type CompiledFilter = (record: AuditRecord) => boolean;

/**
 * Checks a filter and makes one function of it.
 *
 * @param onError - called when the predicate throws.
 * @throws ConfigError for unknown names.
 */
export function compileFilter(
  option: string,
  filter: SinkFilter,
  onError: (error: unknown) => void,
): CompiledFilter {
  const { minSeverity, predicate, ...lists } = checkOptions('SinkFilter', option, filter);
  const eventTypes = names(`${option}.eventTypes`, lists.eventTypes, EVENT_TYPES);
  const sensitivities = names(`${option}.sensitivity`, lists.sensitivity, SENSITIVITIES);
  const least = minSeverity === undefined ? 0 : SEVERITIES[minSeverity];
  return (record) =>
    (eventTypes === undefined || eventTypes.has(record.event_type)) &&
    (sensitivities === undefined || sensitivities.has(record.sensitivity)) &&
    SEVERITIES[record.severity] >= least &&
    (predicate === undefined || ask(predicate, record, onError));
}

function ask(
  predicate: (record: AuditRecord) => boolean,
  record: AuditRecord,
  onError: (error: unknown) => void,
): boolean {
  try {
    return predicate(record);
  } catch (error) {
    onError(error);
    return true;
  }
}

function names(option: string, list: unknown, table: object): Set<unknown> | undefined {
  if (list === undefined) return undefined;
  if (!Array.isArray(list) || list.length === 0) reject(option, list, 'a non-empty array of names');
  for (const name of list) {
    if (typeof name !== 'string' || !Object.hasOwn(table, name))
      throw new ConfigError(option, 'has a name that is not in the schema');
  }
  return new Set(list);
}
