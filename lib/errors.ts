import { OPTIONS, PAGES } from './options/tables.js';
import type { OptionSet } from './options/option.js';

/**
 * Codes are stable: programs may branch on them. Brands are registered symbols, so that `instanceof` holds across two
 * installed copies of this package (and across its ESM and CommonJS builds).
 */
const AUDIT = Symbol.for('otel-mcp-log.error.audit');
const CONFIG = Symbol.for('otel-mcp-log.error.config');
const SINK = Symbol.for('otel-mcp-log.error.sink');
const INTEGRITY = Symbol.for('otel-mcp-log.error.integrity');
const UNAVAILABLE = Symbol.for('otel-mcp-log.error.unavailable');
const REFUSED = Symbol.for('otel-mcp-log.error.refused');

/** Every stable code that an error of this package can carry. */
export type AuditErrorCode =
  | 'MCP_LOG_ERR_CONFIG'
  | 'MCP_LOG_ERR_INTEGRITY'
  | 'MCP_LOG_ERR_SINK'
  | 'MCP_LOG_ERR_SINK_TIMEOUT'
  | 'MCP_LOG_ERR_SHUTDOWN'
  | 'MCP_LOG_ERR_UNAVAILABLE'
  | 'MCP_LOG_ERR_ACTOR'
  | 'MCP_LOG_ERR_ACTOR_REQUIRED'
  | 'MCP_LOG_ERR_TOOL_CHANGED'
  | 'MCP_LOG_ERR_TOOL_STATE'
  | 'MCP_LOG_ERR_APPROVAL'
  | 'MCP_LOG_ERR_ARCHIVE'
  | 'MCP_LOG_ERR_ERASURE';

/** Whether a value carries one of our brands, whichever copy of the package made it. A hostile Proxy carries none. */
function branded(value: unknown, brand: symbol): boolean {
  try {
    return typeof value === 'object' && value !== null && Reflect.get(value, brand) === true;
  } catch {
    return false;
  }
}

/** The base of every error that this package throws on purpose. */
export class AuditError extends Error {
  /** A stable code; see {@link AuditErrorCode}. */
  readonly code: AuditErrorCode;

  constructor(code: AuditErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  static {
    brand(this, AUDIT, 'AuditError');
  }
}

/**
 * A configuration that cannot work, thrown by the constructor that was given it. The message names the option, the type
 * of what was given, what is accepted, and the page that says more; never the value itself, which may be a secret.
 */
export class ConfigError extends AuditError {
  /** The option at fault, dotted for nested ones: `integrity.key`. */
  readonly option: string;
  /** What is wrong, without the option's name and the page. */
  readonly problem: string;
  /** The page of the documentation that explains the option, e.g. `docs/delivery.md`. */
  readonly page: string;

  constructor(option: string, problem: string) {
    const page = pageOf(option);
    super('MCP_LOG_ERR_CONFIG', `${option}: ${problem} (see ${page})`);
    this.option = option;
    this.problem = problem;
    this.page = page;
  }

  static {
    brand(this, CONFIG, 'ConfigError');
  }
}

/**
 * A record could not be delivered. The operation that it describes has happened (or has failed) all the same:
 * {@link SinkError.operation} carries its own outcome, so that nobody repeats a call that was made.
 *
 * @example
 * ```ts
 * try {
 *   await client.callTool({ name: 'pay' });
 * } catch (error) {
 *   if (error instanceof SinkError && error.operation?.status === 'fulfilled') use(error.operation.value);
 *   else throw error;
 * }
 * ```
 */
export class SinkError extends AuditError {
  /** The name of the sink that failed; several are joined by a comma. */
  readonly sink: string;
  /**
   * What became of the audited operation itself; absent when the record belongs to none. It is the caller's own, secrets and
   * all, so it is not enumerable: whoever prints the error does not print it.
   */
  declare operation?: PromiseSettledResult<unknown>;

  constructor(sink: string, message: string, options?: ErrorOptions & { code?: AuditErrorCode }) {
    super(options?.code ?? 'MCP_LOG_ERR_SINK', message, options);
    this.sink = sink;
    Object.defineProperty(this, 'operation', { value: undefined, writable: true, configurable: true });
  }

  static {
    brand(this, SINK, 'SinkError');
  }
}

/** The evidence of a log is damaged, contradicts the log, or is not of a form that can be read. */
export class IntegrityError extends AuditError {
  constructor(message: string, options?: ErrorOptions) {
    super('MCP_LOG_ERR_INTEGRITY', message, options);
  }

  static {
    brand(this, INTEGRITY, 'IntegrityError');
  }
}

/** In `blocking-strict` mode: the intent could not be made durable, so nothing was sent to the server. */
export class AuditUnavailableError extends AuditError {
  constructor(message: string, options?: ErrorOptions) {
    super('MCP_LOG_ERR_UNAVAILABLE', message, options);
  }

  static {
    brand(this, UNAVAILABLE, 'AuditUnavailableError');
  }
}

/** Which rule of yours refused an operation; the record's `error.type`. */
export type RefusalReason =
  | 'actor_required'
  | 'tool_changed'
  | 'approval_denied'
  | 'approval_expired'
  | 'approval_invalid'
  | 'approval_mismatch'
  | 'approval_missing'
  | 'approval_used';

const REFUSAL_CODES = {
  actor_required: 'MCP_LOG_ERR_ACTOR_REQUIRED',
  tool_changed: 'MCP_LOG_ERR_TOOL_CHANGED',
  approval_denied: 'MCP_LOG_ERR_APPROVAL',
  approval_expired: 'MCP_LOG_ERR_APPROVAL',
  approval_invalid: 'MCP_LOG_ERR_APPROVAL',
  approval_mismatch: 'MCP_LOG_ERR_APPROVAL',
  approval_missing: 'MCP_LOG_ERR_APPROVAL',
  approval_used: 'MCP_LOG_ERR_APPROVAL',
} as const satisfies Record<RefusalReason, AuditErrorCode>;

/**
 * An operation was refused before anything was sent, because an option of the audit log says so: `requireActor`, `approvals`, or
 * the answer of `onToolChanged`. The attempt is on record as OUTCOME_FAILURE_DENIED.
 */
export class RefusedError extends AuditError {
  /** The rule that refused it. */
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, options?: ErrorOptions) {
    super(REFUSAL_CODES[reason], message, options);
    this.reason = reason;
  }

  static {
    brand(this, REFUSED, 'RefusedError');
  }
}

/** Puts the brand and the name on the prototype, where neither costs an instance anything nor shows in a listing. */
function brand(errorClass: { prototype: Error }, symbol: symbol, name: string): void {
  Object.defineProperty(errorClass.prototype, symbol, { value: true });
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value: (value: unknown) => branded(value, symbol),
  });
}

/** What an error can name beside an option of a log, a sink or a policy, by its first part or a prefix that ends in `*`. */
const PARTS: Readonly<Record<string, string>> = {
  'OTEL_*': 'docs/register.md',
  '--*': 'docs/cli.md',
  'otel-mcp-log/*': 'docs/runtimes.md',
  'LOKRYN_*': 'docs/sinks.md',
  actorFromBaggage: 'docs/identity.md',
  actorFromSpan: 'docs/identity.md',
  auditHttp: 'docs/callers.md',
  audit: PAGES.AuditedOptions,
  audited: PAGES.AuditedOptions,
  client: 'docs/capture.md',
  erasure: 'docs/erasure.md',
  masterKey: 'docs/erasure.md',
  FieldNotesSink: PAGES.FieldNotesSinkOptions,
  FileSink: PAGES.FileSinkOptions,
  HttpSink: PAGES.HttpSinkOptions,
  lifecycle: PAGES.LifecycleOptions,
  McpInstrumentation: PAGES.McpInstrumentationConfig,
  OtlpLogSink: PAGES.OtlpLogSinkOptions,
  redaction: PAGES.RedactionOptions,
  retrying: PAGES.RetryOptions,
  spool: PAGES.SpoolOptions,
  StdoutSink: PAGES.StdoutSinkOptions,
};

/** The sets whose options errors name without a part before them. */
const BARE = ['AuditOptions', 'RedactionOptions', 'FileSinkOptions'] as const;

/** The page that explains an option, from the top of the project. */
export function pageOf(option: string): string {
  const [first = ''] = option.split(/[.[]/);
  for (const [part, page] of Object.entries(PARTS))
    if (part.endsWith('*') ? first.startsWith(part.slice(0, -1)) : part === first) return page;
  for (const set of BARE) {
    const options: OptionSet = OPTIONS[set];
    if (Object.hasOwn(options, first)) return options[first]?.page ?? PAGES[set];
  }
  return PAGES.AuditOptions;
}
