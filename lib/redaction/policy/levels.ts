import { ConfigError } from '../../errors.js';
import type { DraftRecord, EventType } from '../../schema/record.js';
import { EVENT_TYPES } from '../../schema/tables.js';
import { checkOptions, reject, requireChoice } from '../../internal/options.js';

/** The levels, from least to most, by the names of Kubernetes' audit policy. */
export const AUDIT_LEVELS = Object.freeze(['None', 'Metadata', 'Request', 'RequestResponse'] as const);

/**
 * How much is recorded of an operation.
 *
 * - `None`: nothing; no record is written.
 * - `Metadata`: who, what, when and the outcome, but no arguments, no results and no `data`.
 * - `Request`: the arguments too. The default.
 * - `RequestResponse`: the results too.
 */
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

/**
 * Levels by tool and by event type. A tool's level comes first, then the event type's, then the default.
 *
 * @see docs/redaction.md
 */
export interface LevelOptions {
  /** How much is recorded of what neither `tools` nor `events` names. @defaultValue `Request` */
  readonly default?: AuditLevel;
  /** How much is recorded of calls of a tool, by its name. @defaultValue none */
  readonly tools?: Readonly<Record<string, AuditLevel>>;
  /** How much is recorded of an event type, by its name. @defaultValue none */
  readonly events?: Readonly<Partial<Record<EventType, AuditLevel>>>;
  /** Whether security-relevant events may have the level `None`. @defaultValue false */
  readonly allowNone?: boolean;
}

/** {@link LevelOptions}, checked. */
export interface Levels {
  readonly fallback: AuditLevel;
  readonly tools: ReadonlyMap<string, AuditLevel>;
  readonly events: ReadonlyMap<string, AuditLevel>;
  readonly allowNone: boolean;
}

/** The fields that {@link levelFor} reads. */
export type LevelSubject = Pick<DraftRecord, 'event_type' | 'outcome' | 'resource' | 'mcp'>;

/** Events that an auditor must find: logins and logouts, and what was granted, changed or exported (PCI DSS 10.2.1). */
const SECURITY_EVENTS: ReadonlySet<EventType> = new Set<EventType>([
  'EVENT_LOGIN',
  'EVENT_LOGOUT',
  'EVENT_POLICY_CHANGE',
  'EVENT_PRIVILEGE_USE',
  'EVENT_CONFIG_CHANGE',
  'EVENT_DATA_EXPORT',
  'EVENT_USER_MANAGEMENT',
  'EVENT_DELEGATION',
  'EVENT_GUARDRAIL_CHECK',
  'EVENT_MCP_INITIALIZE',
  'EVENT_MCP_SHUTDOWN',
  'EVENT_TRANSPORT_CONNECT',
  'EVENT_TRANSPORT_DISCONNECT',
]);

/**
 * Checks the levels.
 *
 * @throws ConfigError if a level or an event type is unknown, or if `None` would silence security-relevant events without
 * `allowNone: true`.
 */
export function resolveLevels(options: LevelOptions = {}): Levels {
  const { allowNone, default: fallback, ...named } = checkOptions('LevelOptions', 'levels', options);
  if (fallback === 'None' && !allowNone) refuseNone('levels.default');
  const events = levelMap('levels.events', named.events);
  for (const [event, level] of events) {
    if (!Object.hasOwn(EVENT_TYPES, event)) {
      throw new ConfigError(`levels.events.${event}`, 'unknown event type; see the table of the schema');
    }
    if (level === 'None' && !allowNone && isSecurityEvent(event)) refuseNone(`levels.events.${event}`);
  }
  return { fallback, tools: levelMap('levels.tools', named.tools), events, allowNone };
}

/**
 * The level of a record. At `None` the pipeline writes nothing. Unless `allowNone` is set, `None` becomes `Metadata` for
 * security-relevant events, refused or unauthorized operations, and records about the log itself.
 */
export function levelFor(levels: Levels, subject: LevelSubject): AuditLevel {
  const tool = subject.mcp?.tool_name;
  const level =
    (tool === undefined ? undefined : levels.tools.get(tool)) ??
    levels.events.get(subject.event_type) ??
    levels.fallback;
  return level === 'None' && !levels.allowNone && mustBeKept(subject) ? 'Metadata' : level;
}

function mustBeKept({ event_type, outcome, resource }: LevelSubject): boolean {
  return (
    isSecurityEvent(event_type) ||
    outcome === 'OUTCOME_FAILURE_DENIED' ||
    outcome === 'OUTCOME_FAILURE_UNAUTHORIZED' ||
    resource.startsWith('audit/')
  );
}

function isSecurityEvent(event: string): boolean {
  return (SECURITY_EVENTS as ReadonlySet<string>).has(event);
}

function refuseNone(option: string): never {
  throw new ConfigError(
    option,
    "'None' would silence security-relevant events; set levels.allowNone to mean it",
  );
}

function levelMap(option: string, given: unknown): Map<string, AuditLevel> {
  const levels = new Map<string, AuditLevel>();
  if (given === undefined) return levels;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    reject(option, given, 'an object of levels');
  }
  for (const [name, level] of Object.entries(given)) {
    levels.set(name, requireChoice(`${option}.${name}`, level, AUDIT_LEVELS));
  }
  return levels;
}
