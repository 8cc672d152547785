import {
  type Context,
  type HrTime,
  type SpanContext,
  ROOT_CONTEXT,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { encodeLine } from '../codecs/json.js';
import { toProfile, type EncodingProfileOptions, type Profile } from '../codecs/profile.js';
import { ConfigError, SinkError } from '../errors.js';
import { checkOptions, reject } from '../internal/options.js';
import type { AuditRecord, Severity } from '../schema/record.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import { quietly, type SinkResult } from './sink.js';
import { SerialSink, deliveredBut, encodeEach } from './serialSink.js';

/** The part of a `Logger` of `@opentelemetry/api-logs` that the sink uses. */
export interface OtelLogger {
  /** Takes a log record. */
  emit(record: LogFacts & { timestamp: number; context: Context }): void;
  /** Whether a log record would be processed. */
  enabled?(options?: { severityNumber?: number }): boolean;
}

/** The part of a `LoggerProvider` of `@opentelemetry/sdk-logs` that the sink uses. */
interface OtelLoggerProvider {
  /** Gets a logger by its name. */
  getLogger(name: string, version?: string): OtelLogger;
  /** Resolves when all that was emitted is exported. */
  forceFlush?(): Promise<void>;
}

/** What the sink gives to an exporter: a `ReadableLogRecord` of `@opentelemetry/sdk-logs`. */
interface OtelReadableLogRecord extends LogFacts {
  readonly hrTime: HrTime;
  readonly hrTimeObserved: HrTime;
  readonly spanContext: SpanContext;
  readonly resource: OtelResource;
  readonly instrumentationScope: { readonly name: string; readonly version: string };
  readonly droppedAttributesCount: number;
}

/** The part of a `Resource` of `@opentelemetry/resources` that exporters read. */
interface OtelResource {
  /** What made the records, e.g. `service.name`. */
  readonly attributes: Record<string, unknown>;
}

/** A `LogRecordExporter` of `@opentelemetry/sdk-logs`, such as `OTLPLogExporter`. */
export interface OtelLogExporter {
  /** Sends log records; `resultCallback` is called once. */
  export(records: never, done: (result: { code: number; error?: Error }) => void): void;
  /** Resolves when no export is in progress. */
  forceFlush?(): Promise<void>;
  /** Releases what the exporter holds. */
  shutdown?(): Promise<void>;
}

/**
 * Options of {@link OtlpLogSink}: exactly one of `exporter`, `loggerProvider` and `logger`.
 *
 * @see docs/sinks.md
 */
export interface OtlpLogSinkOptions extends EncodingProfileOptions {
  /**
   * An exporter that gets each batch itself and says what became of it, so that the sink can vouch for delivery. Closed with the
   * sink.
   * @defaultValue one of three
   */
  readonly exporter?: OtelLogExporter;
  /**
   * The resource that the records of `exporter` name as their origin.
   * @defaultValue `otel_resource` of each record, its component as `service.name`, its environment as `deployment.environment.name`
   */
  readonly resource?: OtelResource;
  /**
   * A provider that takes the records with all other logs of the program. It does not say what it could not export, so the sink
   * vouches for `accepted` at most.
   * @defaultValue one of three
   */
  readonly loggerProvider?: OtelLoggerProvider;
  /** As `loggerProvider`, but the sink cannot flush it. @defaultValue one of three */
  readonly logger?: OtelLogger;
  /** The sink's name in errors and metrics. @defaultValue `otlp-logs` */
  readonly name?: string;
}

/** `ExportResultCode.SUCCESS` of `@opentelemetry/core`. */
const SUCCESS = 0;
const SCOPE = { name: PACKAGE_NAME, version: PACKAGE_VERSION };
/** So many resources of records are kept: a process has one, and a spool those of the processes before it. */
const MOST_RESOURCES = 100;

/**
 * Sends each record as an OpenTelemetry log record: time, severity number, trace and span id, event name, the whole record as
 * its JSON line in the body, and flat attributes to filter by. Any OpenTelemetry Collector can take it from there.
 *
 * @throws ConfigError for an unknown option, a value of the wrong kind, or anything but one way out.
 *
 * @example
 * ```ts
 * import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
 *
 * const sink = new OtlpLogSink({ exporter: new OTLPLogExporter({ url: 'http://127.0.0.1:4318/v1/logs' }) });
 * ```
 */
export class OtlpLogSink extends SerialSink {
  readonly #options: OtlpLogSinkOptions;
  readonly #logger: OtelLogger | undefined;
  /** The profile whose names it writes, where it was told one. */
  readonly profile: Profile | undefined;
  /** By their JSON: exporters put records together whose resource is the same object. */
  readonly #resources = new Map<string, OtelResource>();

  constructor(options: OtlpLogSinkOptions) {
    const { exporter, loggerProvider, logger, profile, name } = checkOptions(
      'OtlpLogSinkOptions',
      'OtlpLogSink',
      options,
    );
    super(name);
    this.profile = profile;
    if ([exporter, loggerProvider, logger].filter((way) => way !== undefined).length !== 1)
      throw new ConfigError('OtlpLogSink', 'expected exactly one of exporter, loggerProvider and logger');
    requireMethod('OtlpLogSink.exporter', exporter, 'export');
    requireMethod('OtlpLogSink.loggerProvider', loggerProvider, 'getLogger');
    requireMethod('OtlpLogSink.logger', logger, 'emit');
    if (options.resource !== undefined && typeof options.resource.attributes !== 'object')
      reject('OtlpLogSink.resource', options.resource, 'a Resource');
    this.#options = { ...options };
    this.#logger = logger ?? loggerProvider?.getLogger(SCOPE.name, SCOPE.version);
  }

  /** Resolves when the provider or the exporter says that it has sent what was emitted. */
  override async flush(): Promise<void> {
    await super.flush();
    const { loggerProvider, exporter } = this.#options;
    await quietly(() => (loggerProvider ?? exporter)?.forceFlush?.());
  }

  protected async deliver(records: readonly AuditRecord[]): Promise<SinkResult> {
    const { exporter } = this.#options;
    return exporter ? this.#export(exporter, records) : this.#log(this.#logger, records);
  }

  /** Shuts down an exporter, which belongs to the sink. A provider belongs to the program, and outlives the sink. */
  protected override async release(): Promise<void> {
    await this.flush();
    await this.#options.exporter?.shutdown?.();
  }

  #log(logger: OtelLogger | undefined, records: readonly AuditRecord[]): SinkResult {
    if (!logger || logger.enabled?.() === false)
      return { status: 'permanent', error: new SinkError(this.name, 'the logger is switched off') };
    const { encoded, rejected } = encodeEach(this.name, records, (record) => ({
      ...toLogFacts(record, this.profile),
      timestamp: Date.parse(record.time),
      context: contextOf(record),
    }));
    for (const entry of encoded) logger.emit(entry);
    return deliveredBut(rejected, records.length, { status: 'delivered', ack: 'accepted' });
  }

  async #export(exporter: OtelLogExporter, records: readonly AuditRecord[]): Promise<SinkResult> {
    const observed = toHrTime(Date.now());
    const toReadable = (record: AuditRecord): OtelReadableLogRecord => ({
      ...toLogFacts(record, this.profile),
      hrTime: toHrTime(Date.parse(record.time)),
      hrTimeObserved: observed,
      spanContext: spanContextOf(record),
      resource: this.#options.resource ?? this.#resourceOf(record),
      instrumentationScope: SCOPE,
      droppedAttributesCount: 0,
    });
    const { encoded, rejected } = encodeEach(this.name, records, toReadable);
    const delivered = deliveredBut(rejected, records.length, { status: 'delivered', ack: 'delivered' });
    if (encoded.length === 0) return delivered;
    const { code, error } = await quietly(
      () => new Promise<{ code: number; error?: Error }>((done) => exporter.export(encoded as never, done)),
    );
    return code === SUCCESS ? delivered : this.#refused(error);
  }

  /** Where the record was written, which after a restart may be another process than this one. */
  #resourceOf(record: AuditRecord): OtelResource {
    const attributes = resourceAttributes(record);
    const key = JSON.stringify(attributes);
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    if (this.#resources.size >= MOST_RESOURCES) this.#resources.clear();
    const resource = { attributes };
    this.#resources.set(key, resource);
    return resource;
  }

  /** Exporters retry by themselves. An HTTP status that they do not retry cannot succeed later either. */
  #refused(error: (Error & { code?: unknown }) | undefined): SinkResult {
    const told = /^[A-Z0-9_]{1,40}$/.exec(String(error?.code ?? ''))?.[0] ?? error?.name ?? 'unknown';
    const status = Number(told);
    const permanent = status >= 400 && ![429, 502, 503, 504].includes(status);
    return {
      status: permanent ? 'permanent' : 'retryable',
      error: new SinkError(this.name, `OTLP export failed: ${told}`),
    };
  }
}

function requireMethod(option: string, value: object | undefined, method: string): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || typeof Reflect.get(value, method) !== 'function')
    reject(option, value, `an object with ${method}()`);
}

/**
 * The schema's severities are those of syslog. These are the numbers that OpenTelemetry's log data model gives for syslog
 * (appendix "Example mappings").
 */
const SEVERITY_NUMBERS: Readonly<Record<Severity, number>> = {
  SEVERITY_UNSPECIFIED: 0,
  SEVERITY_DEBUG: 5,
  SEVERITY_INFO: 9,
  SEVERITY_NOTICE: 10,
  SEVERITY_WARNING: 13,
  SEVERITY_ERROR: 17,
  SEVERITY_CRITICAL: 18,
  SEVERITY_ALERT: 19,
  SEVERITY_EMERGENCY: 21,
};

/** The fields of an OpenTelemetry log record that loggers and exporters take alike. */
export interface LogFacts {
  eventName: string;
  severityNumber: number;
  severityText: string;
  /** The record's JSON line, byte for byte as a file would hold it, so that its hash can be checked anywhere. */
  body: string;
  attributes: Record<string, string | number>;
}

/** The attributes of the resource that a record is from. */
export function resourceAttributes({
  component,
  environment,
  otel_resource,
}: AuditRecord): Record<string, string | number> {
  return { 'service.name': component, 'deployment.environment.name': environment, ...otel_resource };
}

/**
 * A record as an OpenTelemetry log record: the whole record in the body, and flat attributes to filter and route by. Their names
 * are those of the schema's `otel_genai` table and the semantic conventions; what these do not name begins with `audit.`.
 */
export function toLogFacts(record: AuditRecord, profile?: Profile): LogFacts {
  const { mcp, error } = record;
  const { outcome, sensitivity } = toProfile(record, profile);
  const given: Record<string, string | number | undefined> = {
    'log.record.uid': record.record_id,
    'service.name': record.component,
    'deployment.environment.name': record.environment,
    'user.id': record.actor_id,
    'session.id': record.session_id,
    'gen_ai.operation.name': toolOperation(record),
    'mcp.method.name': mcp?.method,
    'gen_ai.tool.name': mcp?.tool_name,
    'error.type': error?.type,
    'audit.seq': record.seq,
    'audit.log_id': record.log_id,
    'audit.log_epoch': record.log_epoch,
    'audit.outcome': outcome,
    'audit.sensitivity': sensitivity,
    'audit.resource': record.resource,
    'audit.tenant_id': record.tenant_id,
  };
  // To delete from an object makes each later access to it several times as slow.
  const attributes: Record<string, string | number> = {};
  for (const key in given) {
    const value = given[key];
    if (value !== undefined) attributes[key] = value;
  }
  return {
    eventName: record.event_type,
    severityNumber: SEVERITY_NUMBERS[record.severity] ?? 0,
    severityText: record.severity,
    body: encodeLine(record, profile),
    attributes,
  };
}

/**
 * The conventions for MCP have an operation name only for calls of tools. The schema's table has names for more event types;
 * they stay in the record in the body.
 */
function toolOperation({ mcp, otel_operation_name: name }: AuditRecord): string | undefined {
  return name === 'execute_tool' && (mcp === undefined || mcp.method === 'tools/call') ? name : undefined;
}

/** The span of a record. Whether that span was sampled is not known here, so the flag is not set. */
function spanContextOf({ trace_id: traceId, span_id: spanId }: AuditRecord): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.NONE };
}

/** A context whose current span is that of the record. */
function contextOf(record: AuditRecord): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(record));
}

/** Milliseconds since the epoch as an `HrTime` of OpenTelemetry's SDK. */
function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
