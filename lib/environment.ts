import type { AuditOptions } from './config.js';
import { ConfigError } from './errors.js';
import { optionalChoice } from './validate.js';

/** What every variable of ours begins with. */
export const PREFIX = 'OTEL_MCP_LOG_';

/** The sinks that `OTEL_MCP_LOG_SINKS` may name. */
export const SINK_KINDS = ['stdout', 'stderr', 'file', 'http', 'fieldnotes', 'otlp'] as const;

/** One of {@link SINK_KINDS}. */
export type SinkKind = (typeof SINK_KINDS)[number];

/** How a variable's text becomes a value. */
type Kind = 'text' | 'list' | 'boolean' | 'headers';

/** One variable. */
export interface Variable {
  readonly kind: Kind;
  /** The option of the library that it sets, by the name that a ConfigError would give it. */
  readonly option?: string;
  /** Only of use with this sink: without it, setting the variable is a mistake. */
  readonly sink?: SinkKind;
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
  SESSION_ID: {
    kind: 'text',
    option: 'sessionId',
    fallback: 'the MCP session id, else one made for the connection',
    about: 'Session id on every record.',
  },
  POLICY_TAGS: {
    kind: 'list',
    option: 'policyTags',
    fallback: 'none',
    about: 'Tags on every record, e.g. `hipaa,pci`.',
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
  SINKS: {
    kind: 'list',
    fallback: '`file`',
    about: `Where records go: any of ${SINK_KINDS.map((kind) => `\`${kind}\``).join(', ')}.`,
  },
  FILE: {
    kind: 'text',
    option: 'path',
    sink: 'file',
    fallback: '`audit.jsonl`',
    about: 'The file. `{pid}` in it becomes the process id.',
  },
  ENDPOINT: {
    kind: 'text',
    option: 'HttpSink.endpoint',
    sink: 'http',
    fallback: 'none; `http` requires it',
    about: 'Where to POST: `https`, or `http` to a loopback address.',
  },
  HEADERS: {
    kind: 'headers',
    option: 'HttpSink.headers',
    sink: 'http',
    fallback: 'none',
    about: 'Header fields, written as in `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`.',
  },
  FORMAT: {
    kind: 'text',
    option: 'HttpSink.format',
    sink: 'http',
    fallback: '`json`',
    about: 'Encoding of the bodies: `json`, `protobuf` and the other formats of the HTTP sink.',
  },
  HMAC_KEY: {
    kind: 'text',
    option: 'HttpSink.hmacKey',
    sink: 'http',
    fallback: 'none',
    about: 'Signs each body.',
  },
  ON_CONFIG_ERROR: {
    kind: 'text',
    fallback: '`exit`',
    about: 'What a bad variable does: `exit` stops the start-up, `warn` goes on **without auditing**.',
  },
  QUIET: { kind: 'boolean', fallback: '`false`', about: 'Leaves out the line on stderr at the start.' },
  DISABLED: { kind: 'boolean', fallback: '`false`', about: 'Switches auditing off.' },
} as const satisfies Record<string, Variable>;

type VariableName = keyof typeof VARIABLES;

/** The environment of a process, or a part of it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What the environment asks for. Values are checked later, by the constructors that they go to. */
export interface Environment {
  readonly disabled: boolean;
  readonly quiet: boolean;
  /** False where `OTEL_SDK_DISABLED` says that there shall be no spans. */
  readonly tracing: boolean;
  readonly sinks: readonly SinkKind[];
  /** Options of the audit log, without its sinks. */
  readonly audit: Omit<AuditOptions, 'sink' | 'sinks'>;
  /** Options of one sink, by the names that the sink gives them. */
  sinkOptions(kind: SinkKind): Readonly<Record<string, unknown>>;
}

/**
 * Reads the variables. Pure: looks at nothing but its argument. An empty variable is an unset one, as in OpenTelemetry.
 *
 * @throws ConfigError that names the variable, and never its value.
 */
export function readEnvironment(env: Variables): Environment {
  const known = new Set(Object.keys(VARIABLES).map((name) => PREFIX + name));
  const unknown = Object.keys(env).find((name) => name.startsWith(PREFIX) && !known.has(name));
  if (unknown !== undefined)
    throw new ConfigError(unknown, `unknown variable; known are ${[...known].join(', ')}`);
  const values = new Map<VariableName, unknown>();
  for (const name of Object.keys(VARIABLES) as VariableName[]) {
    const text = env[PREFIX + name]?.trim();
    if (text !== undefined && text !== '') values.set(name, parse(PREFIX + name, text, VARIABLES[name].kind));
  }
  const resource = resourceAttributes(env['OTEL_RESOURCE_ATTRIBUTES']);
  const sinks = chosenSinks(values);
  return {
    disabled: values.get('DISABLED') === true,
    quiet: values.get('QUIET') === true,
    tracing: env['OTEL_SDK_DISABLED']?.trim().toLowerCase() !== 'true',
    sinks,
    audit: {
      ...optionsFor(values, undefined),
      environment: required(
        values.get('ENVIRONMENT') ??
          resource.get('deployment.environment.name') ??
          resource.get('deployment.environment'),
      ),
      component:
        (values.get('COMPONENT') as string | undefined) ??
        (env['OTEL_SERVICE_NAME']?.trim() || (resource.get('service.name') ?? 'mcp-client')),
    },
    sinkOptions: (kind) => optionsFor(values, kind),
  };
}

/** What a bad variable does; read before all others, and itself never the reason to go on. */
export function onConfigError(env: Variables): 'exit' | 'warn' {
  const given = env[`${PREFIX}ON_CONFIG_ERROR`]?.trim();
  return optionalChoice(`${PREFIX}ON_CONFIG_ERROR`, given || undefined, ['exit', 'warn'], 'exit');
}

/** A ConfigError of the library's own options, in the words of whoever set a variable. */
export function inTermsOfVariables(error: ConfigError): ConfigError {
  const name = (Object.keys(VARIABLES) as VariableName[]).find(
    (each) => (VARIABLES[each] as Variable).option === error.option.replace(/\[.*/, ''),
  );
  if (name === undefined) return error;
  return new ConfigError(PREFIX + name, error.message.slice(error.option.length + 2));
}

function chosenSinks(values: ReadonlyMap<VariableName, unknown>): SinkKind[] {
  const names = (values.get('SINKS') as string[] | undefined) ?? ['file'];
  const sinks = names.map((name) => optionalChoice(`${PREFIX}SINKS`, name, SINK_KINDS, 'file'));
  for (const [name] of values) {
    const { sink } = VARIABLES[name] as Variable;
    if (sink !== undefined && !sinks.includes(sink))
      throw new ConfigError(PREFIX + name, `is set, but ${PREFIX}SINKS does not name '${sink}'`);
  }
  return [...new Set(sinks)];
}

function optionsFor(values: ReadonlyMap<VariableName, unknown>, kind: SinkKind | undefined) {
  const options: Record<string, unknown> = {};
  for (const [name, value] of values) {
    const { option, sink } = VARIABLES[name] as Variable;
    if (option !== undefined && sink === kind) options[option.replace(/^.*\./, '')] = value;
  }
  return options;
}

function required(environment: unknown): string {
  if (typeof environment === 'string') return environment;
  throw new ConfigError(`${PREFIX}ENVIRONMENT`, "is not set, expected where this runs, e.g. 'production'");
}

function parse(name: string, text: string, kind: Kind): unknown {
  if (kind === 'list') return splitList(text);
  if (kind === 'headers') return Object.fromEntries(pairs(name, text));
  if (kind === 'text') return text;
  const words = new Map([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ]);
  const value = words.get(text.toLowerCase());
  if (value === undefined) throw new ConfigError(name, 'got a string, expected true or false');
  return value;
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** `name=value` pairs, percent-encoded, as the OpenTelemetry specification has them for headers and resource attributes. */
function pairs(name: string, text: string): [string, string][] {
  return splitList(text).map((item) => {
    const at = item.indexOf('=');
    if (at < 1) throw new ConfigError(name, 'expected name=value pairs, separated by commas');
    try {
      return [item.slice(0, at).trim(), decodeURIComponent(item.slice(at + 1).trim())];
    } catch {
      throw new ConfigError(name, 'got a value that is not percent-encoded text');
    }
  });
}

/** OpenTelemetry ignores the whole variable where a part of it is malformed, and so do we. */
function resourceAttributes(text: string | undefined): ReadonlyMap<string, string> {
  try {
    return new Map(pairs('OTEL_RESOURCE_ATTRIBUTES', text ?? ''));
  } catch {
    return new Map();
  }
}
