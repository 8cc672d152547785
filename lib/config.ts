import { requireActorOption, resolveActorOption, type Actor, type ActorResolver } from './identity.js';
import type { Mode, PipelineOptions, SinkEntry, ErrorListener } from './pipeline/options.js';
import type { RedactionOptions } from './redaction/policy/options.js';
import type { ActorType, Sensitivity } from './schema/record.js';
import { SENSITIVITIES } from './schema/tables.js';
import type { Ack, Sink } from './sinks/sink.js';
import type { ToolChangedHook } from './tools/watch.js';
import {
  optionalBoolean,
  optionalChoice,
  optionalText,
  reject,
  requireKnownOptions,
  requireText,
} from './internal/validate.js';

/** To all servers, to none, or to those whose address (URL without its query, or command) the function says `true` to. */
export type Propagate = boolean | ((serverAddress: string | undefined) => boolean);

/** Options of an audit log, wherever it is set up: `AuditSpanProcessor` and `withLogging` take the same. */
export interface AuditOptions {
  /** Where records go. @defaultValue this or `sinks` is required */
  sink?: Sink;
  /** Several sinks; each gets every record in order, or those that its own filter lets pass: `{ sink, filter, mode, … }`. @defaultValue this or `sink` is required */
  sinks?: readonly (Sink | SinkEntry)[];
  /** Where this runs, e.g. `production`. Required: a record without it cannot be told from a test's. */
  environment: string;
  /**
   * Who acts: a name, or a function asked in the caller's own context at the start of each operation, so that one process
   * can serve many users.
   * @defaultValue the session's id, also where the function gives undefined or throws
   */
  actorId?: string | ActorResolver;
  /**
   * Refuses operations whose actor is not known, with `RefusedError` and before anything is sent; the attempt is on record.
   * Only what cannot be refused (`close`, a lost transport, what the server asks for) goes on under the session's id.
   * Needs `actorId`.
   * @defaultValue false
   */
  requireActor?: boolean;
  /** Whose data is at stake, on every record unless the actor says otherwise. @defaultValue none */
  tenantId?: string;
  /** What kind of party the actor is. @defaultValue `agent` */
  actorType?: ActorType;
  /** What part of your system writes this log. @defaultValue `mcp-client` */
  component?: string;
  /** Tags on every record, e.g. `['hipaa']`. @defaultValue none */
  policyTags?: readonly string[];
  /** Sensitivity of every record, e.g. `SENSITIVITY_RESTRICTED`. @defaultValue `SENSITIVITY_INTERNAL` */
  defaultSensitivity?: Sensitivity;
  /** Session id on every record. @defaultValue the hash of the transport's MCP session id, else one made for the connection */
  sessionId?: string;
  /**
   * Keys whose values are hidden at any depth, in arguments and outputs, beside those that are hidden by default. A string
   * matches whole words of a key, whatever its case; a RegExp matches as it is.
   * @defaultValue the default key names alone
   */
  redactPatterns?: readonly (string | RegExp)[];
  /** The rest of the redaction policy. @defaultValue the default policy */
  redaction?: RedactionOptions;
  /** Puts the results of operations on record, redacted. @defaultValue false, since they may hold personal data */
  includeOutputs?: boolean;
  /**
   * Keys of the caller's `_meta` whose values go on record as `mcp.meta`, redacted: the turn of a conversation, the model, who
   * approved the call. Nothing else of `_meta` is ever on record.
   * @defaultValue none
   */
  recordMeta?: readonly string[];
  /** Names of event types, outcomes and sensitivities: the published reference or schema package 0.2. @defaultValue `documented` */
  profile?: 'documented' | '0.2';
  /**
   * Told when a tool's definition is another than this log last saw, beside the record `audit/tool-changed`. May refuse calls
   * of the tool: see {@link ToolChangedHook}.
   * @defaultValue none
   */
  onToolChanged?: ToolChangedHook;
  /**
   * A file that remembers tool definitions across restarts: made with mode 0600 when the first tool is listed.
   * @defaultValue none, and then a change is noticed within one process only
   */
  toolState?: string;
  /**
   * Whether requests carry the trace context in `params._meta`: to all servers, to none, or to those whose address a function
   * says `true` to. Every log of the client and `McpInstrumentation` must agree.
   * @defaultValue true
   */
  propagate?: Propagate;
  /** Makes records of the spans of other MCP instrumentations too (client spans with `mcp.method.name`). @defaultValue true */
  foreignSpans?: boolean;
  /**
   * Begins the log of each process with a record `audit/start`, which says what is patched and which policy is in force, and ends
   * it with `audit/stop` at `shutdown()`; a process that ends without it leaves none. Of several logs to the same sinks, the first
   * decides.
   * @defaultValue true where one of the sinks is a `FileSink`
   */
  startRecord?: boolean;
  /** What a caller waits for: `blocking`, `blocking-strict` or `batch`. @defaultValue `blocking` */
  mode?: Mode;
  /** How far a sink must vouch for a record before its caller goes on. @defaultValue `written`; `durable` in `blocking-strict` */
  acks?: Ack;
  /** Whether a caller needs all sinks or one of them. @defaultValue `all` */
  requiredSinks?: 'all' | 'any';
  /** How long a caller waits for a sink, in milliseconds. @defaultValue 10,000 */
  sinkTimeoutMs?: number;
  /** How many records may wait for one sink. @defaultValue 10,000 */
  maxQueue?: number;
  /**
   * What happens when a sink's queue is full: callers wait for room (`wait`), or the newest record is dropped, counted and told
   * of by a gap record (`drop`).
   * @defaultValue `drop` in `batch` mode, else `wait`
   */
  overflow?: 'wait' | 'drop';
  /** How many records a sink gets at once, at most. @defaultValue 512 */
  maxBatch?: number;
  /** How long `batch` mode gathers records before it writes, in milliseconds. @defaultValue 100 */
  lingerMs?: number;
  /**
   * How long a receiver may put us off with one answer (`Retry-After`), in milliseconds. What it asks for beyond this is told to
   * `onError` once, and not kept.
   * @defaultValue 3,600,000
   */
  maxRetryAfterMs?: number;
  /** Hears of every failure of delivery. @defaultValue OpenTelemetry's `diag` logger */
  onError?: ErrorListener;
}

/** What a processor adds to every record of its own. */
export interface RecordSettings {
  readonly environment: string;
  readonly component: string;
  readonly actorType: ActorType;
  readonly policyTags: readonly string[];
  readonly sensitivity: Sensitivity;
  readonly sessionId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly profile: 'documented' | '0.2';
  readonly includeOutputs: boolean;
  readonly recordMeta: readonly string[];
}

/** The options, checked, with defaults filled in. */
export interface ResolvedOptions {
  readonly pipeline: PipelineOptions;
  readonly settings: RecordSettings;
  readonly actor: Actor | ActorResolver | undefined;
  readonly requireActor: boolean;
  readonly onToolChanged: ToolChangedHook | undefined;
  readonly toolState: string | undefined;
  readonly redaction: RedactionOptions;
  readonly foreignSpans: boolean;
  readonly propagate: Propagate;
  /** Undefined where the sinks decide. */
  readonly startRecord: boolean | undefined;
  readonly onError: ErrorListener | undefined;
}

const ACTOR_TYPES = ['user', 'agent', 'service'] as const satisfies readonly ActorType[];
/** Every option's name; the table in `docs/options.md` is checked against it. */
export const OPTION_NAMES: readonly (keyof AuditOptions)[] = [
  'sink',
  'sinks',
  'environment',
  'actorId',
  'requireActor',
  'tenantId',
  'actorType',
  'component',
  'policyTags',
  'defaultSensitivity',
  'sessionId',
  'redactPatterns',
  'redaction',
  'includeOutputs',
  'recordMeta',
  'profile',
  'mode',
  'acks',
  'requiredSinks',
  'sinkTimeoutMs',
  'maxQueue',
  'overflow',
  'maxBatch',
  'lingerMs',
  'maxRetryAfterMs',
  'onToolChanged',
  'toolState',
  'propagate',
  'foreignSpans',
  'startRecord',
  'onError',
];

/**
 * Checks options and fills in defaults. Pure: reads nothing but its argument.
 *
 * @throws ConfigError naming the first option that cannot work.
 */
export function resolveOptions(options: AuditOptions): ResolvedOptions {
  requireKnownOptions('options', options, OPTION_NAMES);
  const includeOutputs = optionalBoolean('includeOutputs', options.includeOutputs, false);
  const requireActor = optionalBoolean('requireActor', options.requireActor, false);
  return Object.freeze({
    pipeline: resolveDelivery(options),
    settings: Object.freeze({
      environment: requireText('environment', options.environment, "a non-empty string, e.g. 'production'"),
      component: optionalText('component', options.component) ?? 'mcp-client',
      actorType: optionalChoice('actorType', options.actorType, ACTOR_TYPES, 'agent'),
      policyTags: resolveTexts('policyTags', options.policyTags),
      sensitivity: optionalChoice(
        'defaultSensitivity',
        options.defaultSensitivity,
        Object.keys(SENSITIVITIES) as Sensitivity[],
        'SENSITIVITY_INTERNAL',
      ),
      sessionId: optionalText('sessionId', options.sessionId),
      tenantId: optionalText('tenantId', options.tenantId),
      profile: optionalChoice('profile', options.profile, ['documented', '0.2'], 'documented'),
      includeOutputs,
      recordMeta: resolveTexts('recordMeta', options.recordMeta),
    }),
    actor: resolveActorOption(options.actorId),
    requireActor: requireActorOption(requireActor, options.actorId),
    onToolChanged: resolveFunction('onToolChanged', options.onToolChanged),
    toolState: optionalText('toolState', options.toolState),
    redaction: resolveRedaction(options, includeOutputs),
    propagate:
      typeof options.propagate === 'function'
        ? options.propagate
        : optionalBoolean('propagate', options.propagate, true),
    foreignSpans: optionalBoolean('foreignSpans', options.foreignSpans, true),
    startRecord:
      options.startRecord === undefined
        ? undefined
        : optionalBoolean('startRecord', options.startRecord, true),
    onError: resolveFunction('onError', options.onError),
  });
}

/** The pipeline checks what these hold; here only what an audit log adds to it. */
function resolveDelivery(options: AuditOptions): PipelineOptions {
  const { mode, acks, requiredSinks, sinkTimeoutMs, maxQueue, overflow, maxBatch, lingerMs } = options;
  const { maxRetryAfterMs, onError } = options;
  const given = {
    ...{ mode, acks, requiredSinks, sinkTimeoutMs, maxQueue, overflow, maxBatch, lingerMs },
    ...{ maxRetryAfterMs, onError },
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...set, sinks: resolveSinks(options) };
}

function resolveSinks({ sink, sinks }: AuditOptions): readonly (Sink | SinkEntry)[] {
  if (sink !== undefined && sinks !== undefined) reject('sinks', sinks, 'either sink or sinks, not both');
  if (sinks !== undefined && !Array.isArray(sinks)) reject('sinks', sinks, 'an array of sinks');
  const all = sinks ?? (sink === undefined ? [] : [sink]);
  if (all.length === 0)
    reject('sink', sink, 'a sink, e.g. new FileSink(path), or an object with an emit method');
  all.forEach((each, index) => {
    const option = sinks === undefined ? 'sink' : `sinks[${index}]`;
    if (!isSink(each) && !isSink((each as Partial<SinkEntry> | undefined)?.sink)) {
      reject(option, each, 'an object with an emit method');
    }
  });
  return [...all];
}

function isSink(value: unknown): value is Sink {
  return typeof (value as Partial<Sink> | undefined)?.emit === 'function';
}

function resolveTexts(option: string, texts: readonly string[] | undefined): readonly string[] {
  if (texts === undefined) return [];
  if (!Array.isArray(texts)) reject(option, texts, 'an array of strings');
  return texts.map((text, index) => requireText(`${option}[${index}]`, text));
}

function resolveRedaction(options: AuditOptions, includeOutputs: boolean): RedactionOptions {
  const { redaction = {}, redactPatterns } = options;
  if (redactPatterns !== undefined && !Array.isArray(redactPatterns)) {
    reject('redactPatterns', redactPatterns, 'an array of strings and RegExps');
  }
  return {
    ...redaction,
    ...(redactPatterns && { redactPatterns: [...redactPatterns, ...(redaction.redactPatterns ?? [])] }),
    ...(includeOutputs && { levels: { default: 'RequestResponse', ...redaction.levels } }),
  };
}

function resolveFunction<T>(option: string, value: T): T {
  if (value !== undefined && typeof value !== 'function') reject(option, value, 'a function');
  return value;
}
