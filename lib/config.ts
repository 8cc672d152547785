import type { RedactionOptions } from './redaction/options.js';
import type { ActorType, Sensitivity } from './schema/record.js';
import { SENSITIVITIES } from './schema/tables.js';
import type { Sink } from './sinks/sink.js';
import {
  optionalBoolean,
  optionalChoice,
  optionalText,
  reject,
  requireKnownOptions,
  requireText,
} from './validate.js';

/** Who acts: one name for all operations, or a function that is asked at the start of each. */
export type ActorResolver = () => string | undefined;

/** Options of an audit log, wherever it is set up: `AuditSpanProcessor` and `withLogging` take the same. */
export interface AuditOptions {
  /** Where records go. This or {@link AuditOptions.sinks} is required. */
  sink?: Sink;
  /** Several sinks; each gets every record, in order. */
  sinks?: readonly Sink[];
  /** Where this runs, e.g. `production`. Required: a record without it cannot be told from a test's. */
  environment: string;
  /**
   * Who acts: a name, or a function asked in the caller's own context at the start of each operation, so that one process
   * can serve many users. Default, and where the function gives undefined or throws: the session's id.
   */
  actorId?: string | ActorResolver;
  /** What kind of party the actor is. Default: `agent`. */
  actorType?: ActorType;
  /** What part of your system writes this log. Default: `mcp-client`. */
  component?: string;
  /** Tags on every record, e.g. `['hipaa']`. Default: none. */
  policyTags?: readonly string[];
  /** Sensitivity of every record, e.g. `SENSITIVITY_RESTRICTED`. Default: `SENSITIVITY_INTERNAL`. */
  defaultSensitivity?: Sensitivity;
  /** Session id on every record. Default: the MCP session id of the transport, else one made for the connection. */
  sessionId?: string;
  /**
   * Keys whose values are hidden at any depth, in arguments and outputs, beside those that are hidden by default. A string
   * matches whole words of a key, whatever its case; a RegExp matches as it is.
   */
  redactPatterns?: readonly (string | RegExp)[];
  /** The rest of the redaction policy. */
  redaction?: RedactionOptions;
  /** Puts the results of operations on record, redacted. Default: false, since they may hold personal data. */
  includeOutputs?: boolean;
  /** Names of event types, outcomes and sensitivities: the published reference or schema package 0.2. Default: `documented`. */
  profile?: 'documented' | '0.2';
  /** Makes records of the spans of other MCP instrumentations too (client spans with `mcp.method.name`). Default: true. */
  foreignSpans?: boolean;
  /** Hears of every failure that no caller waits for. Default: OpenTelemetry's `diag` logger. */
  onError?: (error: Error) => void;
}

/** What a processor adds to every record of its own. */
export interface RecordSettings {
  readonly environment: string;
  readonly component: string;
  readonly actorType: ActorType;
  readonly policyTags: readonly string[];
  readonly sensitivity: Sensitivity;
  readonly sessionId?: string | undefined;
  readonly profile: 'documented' | '0.2';
  readonly includeOutputs: boolean;
}

/** The options, checked, with defaults filled in. */
export interface ResolvedOptions {
  readonly sinks: readonly Sink[];
  readonly settings: RecordSettings;
  readonly actor: ActorResolver;
  readonly redaction: RedactionOptions;
  readonly foreignSpans: boolean;
  readonly onError: ((error: Error) => void) | undefined;
}

const ACTOR_TYPES = ['user', 'agent', 'service'] as const satisfies readonly ActorType[];
/** Every option's name; the README's table is checked against it. */
export const OPTION_NAMES: readonly (keyof AuditOptions)[] = [
  'sink',
  'sinks',
  'environment',
  'actorId',
  'actorType',
  'component',
  'policyTags',
  'defaultSensitivity',
  'sessionId',
  'redactPatterns',
  'redaction',
  'includeOutputs',
  'profile',
  'foreignSpans',
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
  return Object.freeze({
    sinks: resolveSinks(options),
    settings: Object.freeze({
      environment: requireText('environment', options.environment, "a non-empty string, e.g. 'production'"),
      component: optionalText('component', options.component) ?? 'mcp-client',
      actorType: optionalChoice('actorType', options.actorType, ACTOR_TYPES, 'agent'),
      policyTags: resolveTags(options.policyTags),
      sensitivity: optionalChoice(
        'defaultSensitivity',
        options.defaultSensitivity,
        Object.keys(SENSITIVITIES) as Sensitivity[],
        'SENSITIVITY_INTERNAL',
      ),
      sessionId: optionalText('sessionId', options.sessionId),
      profile: optionalChoice('profile', options.profile, ['documented', '0.2'], 'documented'),
      includeOutputs,
    }),
    actor: resolveActor(options.actorId),
    redaction: resolveRedaction(options),
    foreignSpans: optionalBoolean('foreignSpans', options.foreignSpans, true),
    onError: resolveFunction('onError', options.onError),
  });
}

function resolveSinks({ sink, sinks }: AuditOptions): readonly Sink[] {
  if (sink !== undefined && sinks !== undefined) reject('sinks', sinks, 'either sink or sinks, not both');
  if (sinks !== undefined && !Array.isArray(sinks)) reject('sinks', sinks, 'an array of sinks');
  const all = sinks ?? (sink === undefined ? [] : [sink]);
  if (all.length === 0)
    reject('sink', sink, 'a sink, e.g. new FileSink(path), or an object with an emit method');
  all.forEach((each, index) => {
    const option = sinks === undefined ? 'sink' : `sinks[${index}]`;
    if (typeof (each as Partial<Sink> | undefined)?.emit !== 'function')
      reject(option, each, 'an object with an emit method');
  });
  return [...all];
}

function resolveTags(tags: readonly string[] | undefined): readonly string[] {
  if (tags === undefined) return [];
  if (!Array.isArray(tags)) reject('policyTags', tags, 'an array of strings');
  return tags.map((tag, index) => requireText(`policyTags[${index}]`, tag));
}

function resolveActor(actor: AuditOptions['actorId']): ActorResolver {
  if (typeof actor === 'function') return actor;
  const fixed =
    actor === undefined ? undefined : requireText('actorId', actor, 'a non-empty string or a function');
  return () => fixed;
}

function resolveRedaction({ redaction = {}, redactPatterns }: AuditOptions): RedactionOptions {
  if (redactPatterns !== undefined && !Array.isArray(redactPatterns)) {
    reject('redactPatterns', redactPatterns, 'an array of strings and RegExps');
  }
  if (redactPatterns === undefined) return redaction;
  return { ...redaction, redactPatterns: [...redactPatterns, ...(redaction.redactPatterns ?? [])] };
}

function resolveFunction<T>(option: string, value: T): T {
  if (value !== undefined && typeof value !== 'function') reject(option, value, 'a function');
  return value;
}
