import type { ProfileOptions } from './codecs/profile.js';
import { resolveHeaders, TrustedProxies, type CallerOptions, type ForwardingHeader } from './callers.js';
import { resolveErasure, type ErasureOptions, type ResolvedErasure } from './erasure/options.js';
import { requireActorOption, resolveActorOption, type Actor, type ActorResolver } from './identity.js';
import type { CommitmentOptions } from './integrity/commitmentKeys.js';
import { checkOptions, ofSet, reject, requireBoolean } from './internal/options.js';
import {
  resolveSinks,
  type DeliveryOptions,
  type PipelineOptions,
  type SinkEntry,
} from './pipeline/options.js';
import type { DeliveryErrorListener } from './pipeline/stats.js';
import { LogOrigin, type Writers } from './origin.js';
import type { RedactionOptions } from './redaction/policy/options.js';
import type { ActorType, Sensitivity } from './schema/record.js';
import type { Sink } from './sinks/sink.js';
import { resolveApprovals, type ApprovalOptions, type ResolvedApprovals } from './tools/approval.js';
import type { ToolChangedHook } from './tools/watch.js';

/** To all servers, to none, or to those whose address (URL without its query, or command) the function says `true` to. */
type Propagate = boolean | ((serverAddress: string | undefined) => boolean);

/**
 * Whether servers learn of the trace.
 *
 * @see docs/capture.md
 */
export interface PropagationOptions {
  /**
   * Whether requests carry the trace context in `params._meta`: to all servers, to none, or to those whose address a function
   * returns `true` for. Every log of a client and `McpInstrumentation` must agree.
   * @defaultValue true
   * @variable OTEL_MCP_LOG_PROPAGATE
   */
  readonly propagate?: Propagate;
}

/**
 * Which sides of MCP are audited.
 *
 * @see docs/servers.md
 */
export interface SideOptions {
  /**
   * Whether the process's own MCP servers are audited as well as its clients.
   * @defaultValue true
   * @variable OTEL_MCP_LOG_SERVERS
   */
  readonly servers?: boolean;
}

/**
 * Options of an audit log, wherever it is set up: `AuditSpanProcessor` and `withLogging` take the same.
 *
 * @see docs/options.md
 */
export interface AuditOptions
  extends DeliveryOptions, ProfileOptions, PropagationOptions, CallerOptions, CommitmentOptions {
  /**
   * Where records go.
   * @defaultValue this or `sinks` is required
   * @see docs/sinks.md
   */
  readonly sink?: Sink;
  /**
   * Several sinks; each gets every record in order, or those that its own filter lets pass: `{ sink, filter, mode, … }`.
   * @defaultValue this or `sink` is required
   * @see docs/sinks.md
   */
  readonly sinks?: readonly (Sink | SinkEntry)[];
  /**
   * Where this runs, e.g. `production`. Required: a record without it cannot be told from a test's.
   * @variable OTEL_MCP_LOG_ENVIRONMENT `deployment.environment.name` in `OTEL_RESOURCE_ATTRIBUTES`; one of the two is required
   */
  readonly environment: string;
  /**
   * Who acts: a name, or a function asked in the caller's own context at the start of each operation, so that one process
   * can serve many users.
   * @defaultValue the session's id, also where the function gives undefined or throws
   * @variable OTEL_MCP_LOG_ACTOR the session's id
   * @see docs/identity.md
   */
  readonly actorId?: string | ActorResolver;
  /**
   * Refuses operations whose actor is not known, with `RefusedError` and before anything is sent; the attempt is on record.
   * Only what cannot be refused (`close`, a lost transport, what the server asks for) proceeds, under the session's id.
   * Needs `actorId`.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_REQUIRE_ACTOR
   * @see docs/identity.md
   */
  readonly requireActor?: boolean;
  /**
   * For whom the actor acts, such as the user whose agent this is: on every record, unless the actor names another.
   * @defaultValue the subject of the OAuth token that a request carries, where that is a JWT and names another than its client
   * @variable OTEL_MCP_LOG_ON_BEHALF_OF
   * @see docs/identity.md
   */
  readonly onBehalfOf?: string;
  /**
   * The tenant whose data is at stake: on every record, unless the actor names another.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_TENANT
   * @see docs/identity.md
   */
  readonly tenantId?: string;
  /**
   * Whether requests say in `params._meta` who acts and for whom (`actorId`, `onBehalfOf`): to all servers, to none, or to those whose
   * address a function returns `true` for. A server learns the names in full, whatever the redaction policy hides in the log.
   * @defaultValue false, since names leave the process
   * @variable OTEL_MCP_LOG_PROPAGATE_ACTORS
   * @see docs/identity.md
   */
  readonly propagateActors?: Propagate;
  /**
   * What kind of party the actor is.
   * @defaultValue `agent`
   * @variable OTEL_MCP_LOG_ACTOR_TYPE
   * @see docs/identity.md
   */
  readonly actorType?: ActorType;
  /**
   * What part of your system writes this log.
   * @defaultValue `mcp-client`, and `mcp-server` on the records of servers and of a log that begins with one
   * @variable OTEL_MCP_LOG_COMPONENT `OTEL_SERVICE_NAME`, else `service.name` in `OTEL_RESOURCE_ATTRIBUTES`, else `mcp-client`
   */
  readonly component?: string;
  /**
   * Tags that every record has, e.g. `hipaa`.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_POLICY_TAGS
   */
  readonly policyTags?: readonly string[];
  /**
   * How sensitive every record is, by its name in the schema, e.g. `SENSITIVITY_RESTRICTED`.
   * @defaultValue `SENSITIVITY_INTERNAL`
   * @variable OTEL_MCP_LOG_SENSITIVITY
   */
  readonly defaultSensitivity?: Sensitivity;
  /**
   * The session id that every record has.
   * @defaultValue the hash of the transport's MCP session id, else one made for the connection
   * @variable OTEL_MCP_LOG_SESSION_ID
   */
  readonly sessionId?: string;
  /**
   * Keys whose values are hidden at any depth, in arguments and outputs, beside those that are hidden by default. A string
   * matches whole words of a key, in upper or lower case; a RegExp matches the key as it is.
   * @defaultValue the default key names alone
   * @variable OTEL_MCP_LOG_REDACT
   * @see docs/redaction.md
   */
  readonly redactPatterns?: readonly (string | RegExp)[];
  /**
   * The redaction policy, beside `redactPatterns` and `includeOutputs`.
   * @defaultValue the default policy
   * @see docs/redaction.md
   */
  readonly redaction?: RedactionOptions;
  /**
   * Puts the results of operations on record, redacted.
   * @defaultValue false, since they may hold personal data
   * @variable OTEL_MCP_LOG_INCLUDE_OUTPUTS
   * @see docs/redaction.md
   */
  readonly includeOutputs?: boolean;
  /**
   * Keys of the caller's `_meta` whose values go on record as `mcp.meta`, redacted: the turn of a conversation, the model, who
   * approved the call. No other part of `_meta` is ever on record.
   * @defaultValue none
   * @variable OTEL_MCP_LOG_RECORD_META
   * @see docs/redaction.md
   */
  readonly recordMeta?: readonly string[];
  /**
  /**
   * Encrypts values that concern persons, with a key for each, so that they can be erased from a sealed log and all its copies.
   * @defaultValue none: values are on record as redaction leaves them
   * @see docs/erasure.md
   */
  readonly erasure?: ErasureOptions;
  /**
   * Called when a tool's definition differs from the one that this log last saw, beside the record `audit/tool-changed`. May
   * refuse calls of the tool: see {@link ToolChangedHook}.
   * @defaultValue none
   * @see docs/tool-fingerprints.md
   */
  readonly onToolChanged?: ToolChangedHook;
  /**
   * A file that remembers tool definitions across restarts: made with mode 0600 when the first tool is listed.
   * @defaultValue none, and then a change is noticed within one process only
   * @variable OTEL_MCP_LOG_TOOL_STATE
   * @see docs/tool-fingerprints.md
   */
  readonly toolState?: string;
  /**
   * Puts the definition of each tool on record the first time that it is listed, redacted (`audit/tool-definition`), and again after a
   * day in which it was used. So a reader can see what the model was shown, and what a tool said before it changed.
   * @defaultValue true where one of the sinks is a `FileSink`
   * @variable OTEL_MCP_LOG_TOOL_DEFINITIONS
   * @see docs/tool-fingerprints.md
   */
  readonly toolDefinitions?: boolean;
  /**
   * Asks before calls of tools: which ones, and whom. A call without an approval is refused with `RefusedError` and not sent; the
   * decision is on record (`audit/approval`), and so is the attempt.
   * @defaultValue none: no call needs an approval
   * @see docs/approvals.md
   */
  readonly approvals?: ApprovalOptions;
  /**
   * Puts notifications on record, too, those that are sent and those that arrive: cancellations, progress, log messages, changes of lists.
   * @defaultValue false
   * @variable OTEL_MCP_LOG_NOTIFICATIONS
   * @see docs/servers.md
   */
  readonly notifications?: boolean;
  /** Makes records of the spans of other MCP instrumentations too (client spans with `mcp.method.name`). @defaultValue true */
  readonly foreignSpans?: boolean;
  /**
   * Begins the log of each process with a record `audit/start`, which says what is patched and which policy is in force, and ends
   * it with `audit/stop`, which says why it ended; a process that is killed leaves none. Of several logs to the same sinks, the
   * first decides.
   * @defaultValue true where one of the sinks is a `FileSink`
   */
  readonly startRecord?: boolean;
}

/** What a processor adds to every record of its own. */
export interface RecordSettings extends Writers {
  readonly environment: string;
  readonly actorType: ActorType;
  readonly policyTags: readonly string[];
  readonly sensitivity: Sensitivity;
  readonly sessionId?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly onBehalfOf?: string | undefined;
  readonly profile: 'documented' | '0.2';
  readonly includeOutputs: boolean;
  readonly recordMeta: readonly string[];
  readonly recordHeaders: readonly string[];
  readonly proxies: TrustedProxies;
  readonly forwardingHeader: ForwardingHeader;
}

/** The options, checked, with defaults filled in. */
export interface ResolvedOptions {
  readonly pipeline: PipelineOptions;
  readonly settings: RecordSettings;
  readonly actor: Actor | ActorResolver | undefined;
  readonly requireActor: boolean;
  readonly onToolChanged: ToolChangedHook | undefined;
  readonly toolState: string | undefined;
  /** Undefined where the sinks decide. */
  readonly commitments: boolean | undefined;
  readonly commitmentKey: string | undefined;
  readonly approvals: ResolvedApprovals | undefined;
  readonly redaction: RedactionOptions;
  readonly erasure: ResolvedErasure | undefined;
  readonly foreignSpans: boolean;
  readonly notifications: boolean;
  readonly propagate: Propagate;
  readonly propagateActors: Propagate;
  readonly propagateCommitments: Propagate;
  /** Undefined where the sinks decide. */
  readonly startRecord: boolean | undefined;
  /** Undefined where the sinks decide. */
  readonly toolDefinitions: boolean | undefined;
  readonly onError: DeliveryErrorListener | undefined;
}

/**
 * Checks options and fills in defaults. Pure but for old names of options, which are told of on stderr, once.
 *
 * @throws ConfigError naming the first option that cannot work.
 */
export function resolveOptions(given: AuditOptions): ResolvedOptions {
  const options = checkOptions('AuditOptions', 'options', given, '');
  const { environment, component, actorType, onBehalfOf, sessionId, tenantId, profile, includeOutputs } =
    options;
  const serverComponent = given.component ?? 'mcp-server';
  const origin = new LogOrigin(component);
  return Object.freeze({
    pipeline: { ...ofSet('DeliveryOptions', options), sinks: resolveSinks(options, profile) },
    settings: Object.freeze({
      ...{ environment, component, actorType, onBehalfOf, sessionId, tenantId, profile, includeOutputs },
      policyTags: options.policyTags ?? [],
      sensitivity: options.defaultSensitivity,
      serverComponent,
      recordMeta: options.recordMeta ?? [],
      recordHeaders: resolveHeaders(options.recordHeaders ?? []),
      proxies: new TrustedProxies('trustedProxies', options.trustedProxies ?? []),
      forwardingHeader: options.forwardingHeader,
      origin,
      serverOrigin: serverComponent === component ? origin : new LogOrigin(serverComponent),
    }),
    actor: resolveActorOption(options.actorId),
    requireActor: requireActorOption(options.requireActor, options.actorId),
    onToolChanged: options.onToolChanged,
    toolState: options.toolState,
    commitments: options.commitments,
    commitmentKey: options.commitmentKey,
    approvals: resolveApprovals(options.approvals),
    redaction: resolveRedaction(options, includeOutputs),
    erasure: resolveErasure(options.erasure),
    propagate: resolvePropagate('propagate', options.propagate),
    propagateActors: resolvePropagate('propagateActors', options.propagateActors),
    propagateCommitments: resolvePropagate('propagateCommitments', options.propagateCommitments),
    foreignSpans: options.foreignSpans,
    notifications: options.notifications,
    startRecord: options.startRecord,
    toolDefinitions: options.toolDefinitions,
    onError: options.onError,
  });
}

function resolvePropagate(option: string, given: Propagate): Propagate {
  return typeof given === 'function' ? given : requireBoolean(option, given);
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
