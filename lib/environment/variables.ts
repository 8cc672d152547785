/** What every variable of ours begins with. */
export const PREFIX = 'OTEL_MCP_LOG_';

/** The sinks that `OTEL_MCP_LOG_SINKS` may name. */
export const SINK_KINDS = ['stdout', 'stderr', 'file', 'http', 'fieldnotes', 'otlp'] as const;

/** One of {@link SINK_KINDS}. */
export type SinkKind = (typeof SINK_KINDS)[number];

/** What takes options of its own: a sink, or what is put around sinks. */
export type Part = SinkKind | 'spool' | 'proxy' | 'integrity';

/** The sinks without one of which the options of a part are of no use: to set them is then a mistake. */
export const NEEDED_BY: Readonly<Record<Part, readonly SinkKind[]>> = {
  stdout: ['stdout'],
  stderr: ['stderr'],
  file: ['file'],
  http: ['http'],
  fieldnotes: ['fieldnotes'],
  otlp: ['otlp'],
  spool: ['http', 'fieldnotes', 'otlp'],
  proxy: ['http', 'fieldnotes'],
  integrity: ['file'],
};

/** How a variable's text becomes a value. */
export type VariableKind = 'text' | 'list' | 'boolean' | 'integer' | 'headers';

/** One variable. */
export interface Variable {
  readonly kind: VariableKind;
  /** The option of the library that it sets, by the name that a ConfigError would give it. */
  readonly option?: string;
  /** The names that other parts give it in theirs. */
  readonly alsoKnownAs?: readonly string[];
  /** Whose option it is. Default: the audit log's. */
  readonly part?: Part;
  /** In words, for the documentation. */
  readonly fallback: string;
  readonly about: string;
}

/** Every variable of the zero-code entry, without its prefix. `docs/register.md` shows this table, and a test compares them. */
export const VARIABLES = {
  ENVIRONMENT: {
    kind: 'text',
    option: 'environment',
    fallback: '`deployment.environment.name` in `OTEL_RESOURCE_ATTRIBUTES`; one of the two is required',
    about: 'Where this runs, e.g. `production`.',
  },
  ACTOR: { kind: 'text', option: 'actorId', fallback: "the session's id", about: 'Who acts.' },
  REQUIRE_ACTOR: {
    kind: 'boolean',
    option: 'requireActor',
    fallback: '`false`',
    about: 'Stops the start-up where `OTEL_MCP_LOG_ACTOR` is not set.',
  },
  ACTOR_TYPE: {
    kind: 'text',
    option: 'actorType',
    fallback: '`agent`',
    about: '`user`, `agent` or `service`.',
  },
  COMPONENT: {
    kind: 'text',
    option: 'component',
    fallback: '`OTEL_SERVICE_NAME`, else `service.name` in `OTEL_RESOURCE_ATTRIBUTES`, else `mcp-client`',
    about: 'What part of your system writes this log.',
  },
  TENANT: { kind: 'text', option: 'tenantId', fallback: 'none', about: 'Whose data is at stake.' },
  SESSION_ID: {
    kind: 'text',
    option: 'sessionId',
    fallback: 'the hash of the MCP session id, else one made for the connection',
    about: 'Session id on every record.',
  },
  POLICY_TAGS: {
    kind: 'list',
    option: 'policyTags',
    fallback: 'none',
    about: 'Tags on every record, e.g. `hipaa,pci`.',
  },
  RECORD_META: {
    kind: 'list',
    option: 'recordMeta',
    fallback: 'none',
    about: "Keys of the caller's `_meta` that go on record, e.g. `turn,model`.",
  },
  SENSITIVITY: {
    kind: 'text',
    option: 'defaultSensitivity',
    fallback: '`SENSITIVITY_INTERNAL`',
    about: 'Sensitivity of every record, by its name in the schema.',
  },
  PROFILE: {
    kind: 'text',
    option: 'profile',
    fallback: '`documented`',
    about: 'Whose names the records use: `documented` or `0.2`.',
  },
  REDACT: {
    kind: 'list',
    option: 'redactPatterns',
    fallback: 'none',
    about: 'Keys whose values are hidden, beside those that are hidden by default.',
  },
  INCLUDE_OUTPUTS: {
    kind: 'boolean',
    option: 'includeOutputs',
    fallback: '`false`',
    about: 'Puts results on record, redacted.',
  },
  MODE: {
    kind: 'text',
    option: 'mode',
    fallback: '`blocking`',
    about: 'What a call waits for: `blocking`, `blocking-strict` or `batch`.',
  },
  MAX_RETRY_AFTER_MS: {
    kind: 'integer',
    option: 'maxRetryAfterMs',
    alsoKnownAs: ['spool.maxRetryAfterMs'],
    fallback: '3,600,000',
    about: 'How long a receiver may put a sink off with one answer (`Retry-After`), in milliseconds.',
  },
  TOOL_STATE: {
    kind: 'text',
    option: 'toolState',
    fallback: 'none',
    about: 'A file that remembers tool definitions across restarts.',
  },
  PROPAGATE: {
    kind: 'boolean',
    option: 'propagate',
    fallback: '`true`',
    about: 'Whether requests carry the trace context to their server, in `params._meta`.',
  },
  SINKS: {
    kind: 'list',
    fallback: '`file`',
    about: `Where records go: any of ${SINK_KINDS.map((kind) => `\`${kind}\``).join(', ')}.`,
  },
  FILE: {
    kind: 'text',
    option: 'path',
    part: 'file',
    fallback: '`audit.jsonl`',
    about: 'The file. `{pid}` in it becomes the process id, `{thread}` the worker thread.',
  },
  ACCESS_LOG: {
    kind: 'boolean',
    option: 'accessLog',
    part: 'file',
    fallback: 'as it was',
    about: 'Puts on record who reads the file with the command line (docs/cli.md); `false` ends that.',
  },
  INTEGRITY_ORIGIN: {
    kind: 'text',
    option: 'integrity.origin',
    part: 'integrity',
    fallback: 'none: the file is not sealed',
    about: 'Seals the file under this name, e.g. `audit.example.com/agents`: one log, one name, for good.',
  },
  INTEGRITY_KEY: {
    kind: 'text',
    option: 'integrity.key',
    part: 'integrity',
    fallback: 'none; sealing requires it',
    about: 'The file of the Ed25519 key that signs checkpoints; `otel-mcp-log keygen` makes one.',
  },
  INTEGRITY_ANCHOR: {
    kind: 'text',
    option: 'integrity.anchor',
    part: 'integrity',
    fallback: 'none',
    about: 'A file, on another volume if possible, that checkpoints are copied to.',
  },
  INTEGRITY_WITNESSES: {
    kind: 'text',
    option: 'integrity.witnesses',
    part: 'integrity',
    fallback: 'none',
    about: 'A policy (c2sp.org/tlog-policy): the witnesses that checkpoints are sent to, to be cosigned.',
  },
  INTEGRITY_TIMESTAMPS: {
    kind: 'text',
    option: 'integrity.timestamps',
    part: 'integrity',
    fallback: 'none',
    about: 'The address of a time-stamping authority (RFC 3161) that stamps a checkpoint once an hour.',
  },
  SPOOL: {
    kind: 'text',
    option: 'spool.directory',
    part: 'spool',
    fallback: 'none: calls wait for the receiver',
    about: 'A folder that keeps what the receivers of `http`, `fieldnotes` and `otlp` do not have yet.',
  },
  ENDPOINT: {
    kind: 'text',
    option: 'HttpSink.endpoint',
    part: 'http',
    fallback: 'none; `http` requires it',
    about: 'Where to POST: `https`, or `http` to a loopback address.',
  },
  HEADERS: {
    kind: 'headers',
    option: 'HttpSink.headers',
    part: 'http',
    fallback: 'none',
    about: 'Header fields, written as in `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`.',
  },
  FORMAT: {
    kind: 'text',
    option: 'HttpSink.format',
    part: 'http',
    fallback: '`json`',
    about: 'Encoding of the bodies: `json`, `protobuf` and the other formats of the HTTP sink.',
  },
  HMAC_KEY: {
    kind: 'text',
    option: 'HttpSink.hmacKey',
    part: 'http',
    fallback: 'none',
    about: 'Signs each body.',
  },
  PROXY: {
    kind: 'text',
    option: 'HttpSink.proxy',
    alsoKnownAs: ['FieldNotesSink.proxy'],
    part: 'proxy',
    fallback: 'that of `HTTPS_PROXY` and `NO_PROXY`, where Node is told to use them (`NODE_USE_ENV_PROXY=1`)',
    about: 'The address of an HTTP proxy that `http` and `fieldnotes` send through.',
  },
  ON_CONFIG_ERROR: {
    kind: 'text',
    fallback: '`exit`',
    about: 'What a bad variable does: `exit` stops the start-up, `warn` goes on **without auditing**.',
  },
  QUIET: { kind: 'boolean', fallback: '`false`', about: 'Leaves out the line on stderr at the start.' },
  DISABLED: { kind: 'boolean', fallback: '`false`', about: 'Switches auditing off.' },
} as const satisfies Record<string, Variable>;
