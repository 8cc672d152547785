import { ConfigError } from '../../errors.js';
import type { DraftRecord, EventType } from '../../schema/record.js';
import { EVENT_TYPES } from '../../schema/tables.js';
import { checkOptions, reject, requireChoice } from '../../internal/options.js';
import type { DetectorName } from '../detectors/detector.js';
import type { Replacement } from '../text/replacement.js';
import type { PackOptions } from '../detectors/table.js';

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

/** Which value detectors are on, and detectors of your own. */
export type ValueOptions = {
  /** Built-in detectors by name; one that is not named keeps its default. All are on but `email`. */
  readonly [name in DetectorName]?: boolean;
} & {
  /** Regular expressions whose matches are redacted wherever they stand in a string. */
  readonly patterns?: readonly RegExp[];
};

/**
 * Bounds of what one record may hold and of what redacting it may cost.
 *
 * @see docs/redaction.md
 */
interface LimitOptions {
  /**
   * How many levels of nesting are kept, counted from the value itself.
   * @defaultValue 32
   * @minimum 1
   * @maximum 128
   */
  readonly depth?: number;
  /**
   * How many entries are kept of one object, array, map or set.
   * @defaultValue 1,000
   * @minimum 2
   * @maximum 100,000
   */
  readonly breadth?: number;
  /**
   * How much is kept of one string, in UTF-8.
   * @defaultValue 8,192
   * @minimum 256
   * @maximum 65,535
   * @unit bytes
   */
  readonly stringBytes?: number;
  /**
   * How long one record may be as a JSON line, with every control character escaped, and line end and sequence number counted.
   * The least leaves room for the metadata; the most is the longest UDP payload, and the longest line of many a log shipper.
   * @defaultValue 65,535
   * @minimum 8,192
   * @maximum 65,535
   * @unit bytes
   */
  readonly totalBytes?: number;
  /**
   * How many UTF-16 code units of text are searched for secrets (and hashed) in one record: this bounds how long a record can
   * block the event loop. Text beyond it is never kept, only measured, and its `truncated` entry has no `sha256`.
   * @defaultValue 67,108,864 (64 Mi)
   * @minimum 0
   */
  readonly scanUnits?: number;
}

/** What a custom function is told of the record that a value stands in. */
export interface RedactionContext {
  /** The tool that was called. */
  readonly toolName?: string;
  /** The protocol's method, e.g. `tools/call`. */
  readonly method?: string;
  /** The event type of the record. */
  readonly eventType?: EventType;
}

/**
 * A function of your own, called with every string, number, boolean and bigint that no key or path rule has redacted, before
 * the detectors. Return the value to keep it, a scalar to put in its place, `undefined` to have it redacted. A throw, or any
 * other return value, drops the value: `[REDACTION FAILED]` stands in its place and the record is kept.
 */
export type CustomRedaction = (
  value: string | number | boolean | bigint,
  path: string,
  context: RedactionContext,
) => unknown;

/**
 * The part of the policy that can differ by tool.
 *
 * @see docs/redaction.md
 */
export interface ToolRedactionOptions {
  /**
   * Key names whose values are redacted, added to the defaults. A string matches whole words of a key (see
   * `docs/redaction.md` for the rule); a regular expression is matched against the key as it is.
   * @defaultValue none but the default ones
   */
  readonly redactPatterns?: readonly (string | RegExp)[];
  /**
   * Places in a record whose values are redacted: `mcp.tool_arguments.user.ssn`, `data.items.*.code`, `**.iban`. `*` is one
   * step, `**` any number, array indices are steps (`rows.0` or `rows[0]`), `["a.b"]` is a key with dots.
   * @defaultValue none
   */
  readonly redactPaths?: readonly string[];
  /** Which detectors look for secrets inside values, and patterns of your own. @defaultValue all detectors but `email` */
  readonly redactValues?: ValueOptions;
  /** Whether the default key names and detectors are on; without them only what you name is redacted. @defaultValue true */
  readonly defaults?: boolean;
  /** What a redacted value becomes. @defaultValue `mask` */
  readonly replacement?: Replacement;
  /** Decides about single values, before the detectors. @defaultValue none */
  readonly custom?: CustomRedaction;
  /** Packs for data that the law protects: health, contact, finance, national numbers. @defaultValue none */
  readonly packs?: PackOptions;
}

/**
 * The redaction policy.
 *
 * @example
 * ```ts
 * createRedactor({
 *   redactPatterns: ['iban', /^x-internal-/i],
 *   redactPaths: ['mcp.tool_arguments.patient.*'],
 *   redactValues: { email: true, patterns: [/\bEMP-\d{6}\b/] },
 *   tools: { search: { redactPaths: ['mcp.tool_arguments.query'] } },
 * });
 * ```
 * @see docs/redaction.md
 */
export interface RedactionOptions extends ToolRedactionOptions {
  /** The key of `replacement: 'hmac'`: at least 32 bytes (RFC 2104, section 3); a string counts in UTF-8. @defaultValue none; `hmac` requires it */
  readonly hmacKey?: string | Uint8Array;
  /**
   * What differs for a tool, by its name: its lists are added to those for all tools, its other options replace theirs.
   * @defaultValue none
   */
  readonly tools?: Readonly<Record<string, ToolRedactionOptions>>;
  /** Whether the path of a resource URI is redacted too. @defaultValue false; userinfo, query values and fragment always are */
  readonly uriPath?: boolean;
  /**
   * What records and spans show of the MCP session id, since whoever has the id can act in the session: its SHA-256
   * (`sha256:…`), or with an `hmacKey` its HMAC (`hmac-sha256:…`); with `keep` the id itself. One id has one hash.
   * @defaultValue `hash`
   */
  readonly sessionId?: 'hash' | 'keep';
  /** How large values and records may become. @defaultValue the default of each limit */
  readonly limits?: LimitOptions;
  /** How much is recorded, by tool and by event type. @defaultValue `Request`: arguments, but no outputs */
  readonly levels?: LevelOptions;
}

/** {@link LimitOptions} with the defaults filled in. */
export type Limits = Required<LimitOptions>;

/** Checks the limits and fills in the defaults. */
export function resolveLimits(options: LimitOptions = {}): Limits {
  return checkOptions('LimitOptions', 'limits', options);
}

/**
 * The options from a policy in JSON, in which `{ "regex": "^x-", "flags": "i" }` is a regular expression. The options are checked by
 * `createRedactor`.
 *
 * @throws ConfigError if a regular expression has a syntax error.
 *
 * @example
 * ```ts
 * createRedactor(parsePolicy({ redactPatterns: ['iban', { regex: '^x-internal-', flags: 'i' }] }));
 * ```
 */
export function parsePolicy(json: unknown): RedactionOptions {
  return revive(json, 'policy') as RedactionOptions;
}

function revive(value: unknown, option: string): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, index) => revive(item, `${option}[${index}]`));
  if (typeof value !== 'object' || value === null) return value;
  if ('regex' in value && typeof value.regex === 'string') {
    return expression(value.regex, 'flags' in value ? value.flags : undefined, option);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, revive(item, `${option}.${key}`)]),
  );
}

function expression(source: string, flags: unknown, option: string): RegExp {
  try {
    return new RegExp(source, typeof flags === 'string' ? flags : '');
  } catch {
    throw new ConfigError(option, 'not a regular expression');
  }
}
