import { join, resolve } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { applicationRequire, requirePeer } from '../internal/runtime.js';
import { ConfigError } from '../errors.js';
import { OPTIONS } from '../options/tables.js';
import { FieldNotesSink } from '../sinks/http/fieldNotesSink.js';
import { FileSink, resolveFileSink } from '../sinks/file/fileSink.js';
import { fileOptions, filePath, integrityOf } from './file.js';
import type { FileNotice } from '../sinks/file/notice.js';
import { HttpSink, type HttpSinkOptions } from '../sinks/http/httpSink.js';
import { OtlpLogSink, type OtelLogExporter } from '../sinks/otlpLogSink.js';
import { PostgresSink } from '../sinks/postgresSink.js';
import type { Sink } from '../sinks/sink.js';
import { SpoolSink } from '../sinks/spool/spoolSink.js';
import { StdoutSink } from '../sinks/stdoutSink.js';
import { SyslogSink, type SyslogSinkOptions } from '../sinks/syslogSink.js';
import { ofSet, optionalChoice } from '../internal/options.js';
import type { Environment, Variables } from './environment.js';
import { PREFIX, sinksThatNeed, type SinkKind } from './variables.js';
import { resolveOptions, type AuditOptions, type ResolvedOptions } from '../config.js';
import { resolveIntegrity } from '../integrity/sealing/options.js';
import { say } from '../internal/stderr.js';
import { resolvePipeline } from '../pipeline/options.js';
import { requireOpenable } from '../sinks/file/open.js';

/** Exporters by the protocols of the OpenTelemetry specification ("OpenTelemetry Protocol Exporter", `OTEL_EXPORTER_OTLP_PROTOCOL`). */
const OTLP_EXPORTERS = {
  'http/protobuf': '@opentelemetry/exporter-logs-otlp-proto',
  'http/json': '@opentelemetry/exporter-logs-otlp-http',
  grpc: '@opentelemetry/exporter-logs-otlp-grpc',
} as const;

/** How the OTLP logs exporter speaks. */
type OtlpProtocol = keyof typeof OTLP_EXPORTERS;

/** Who hears of what happens to the log while the application runs. */
interface SinkListeners {
  readonly onNotice: (notice: FileNotice) => void;
  readonly onError: (error: Error) => void;
}

/**
 * Makes all sinks that the environment names, those with a receiver behind a spool where it names a folder for that.
 *
 * @throws ConfigError when an option cannot work, by the option's own name.
 */
export function createSinks(environment: Environment, env: Variables, listeners: SinkListeners): Sink[] {
  // Those that hold no files first: a start-up that a bad variable stops leaves none behind.
  const made = environment.sinks.map((kind) => ({
    kind,
    sink: kind === 'file' ? undefined : createSink(kind, environment, env),
  }));
  return made.map(({ kind, sink }) =>
    sink === undefined
      ? new FileSink({ ...fileOptions(environment), onNotice: listeners.onNotice })
      : spooled(kind, sink, environment, listeners),
  );
}

/**
 * Makes one of the sinks that hold no files.
 *
 * @param cwd the folder of another application, whose packages it may use. Default: this one.
 * @throws ConfigError when an option cannot work, by the option's own name.
 */
export function createSink(
  kind: Exclude<SinkKind, 'file'>,
  environment: Environment,
  env: Variables,
  cwd?: string,
): Sink {
  const { profile } = environment.audit;
  const encoding = profile === undefined ? {} : { profile };
  const proxy = environment.optionsOf('proxy');
  switch (kind) {
    case 'stdout':
    case 'stderr':
      return new StdoutSink({ ...encoding, stream: kind });
    case 'http':
      return new HttpSink({ ...encoding, ...proxy, ...environment.optionsOf('http') } as HttpSinkOptions);
    case 'fieldnotes':
      return FieldNotesSink.fromEnv(env, { ...encoding, ...proxy });
    case 'syslog':
      return new SyslogSink({ ...encoding, ...environment.optionsOf('syslog') } as SyslogSinkOptions);
    case 'postgres':
      return new PostgresSink({ ...encoding, ...environment.optionsOf('postgres') });
    case 'otlp':
      return new OtlpLogSink({ ...encoding, ...otlpExporter(environment, env, cwd) });
  }
}

/**
 * The protocol that OpenTelemetry's variables ask for.
 *
 * @throws ConfigError
 */
export function otlpProtocol(env: Variables): OtlpProtocol {
  const name = ['OTEL_EXPORTER_OTLP_LOGS_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].find((each) =>
    env[each]?.trim(),
  );
  const known = Object.keys(OTLP_EXPORTERS) as OtlpProtocol[];
  return name === undefined
    ? 'http/protobuf'
    : optionalChoice(name, env[name]?.trim(), known, 'http/protobuf');
}

/** The folder of the spool in front of a sink, if it has one. A spool has one writer, as a file has. */
function spoolOf(kind: SinkKind, environment: Environment): string | undefined {
  const { directory } = environment.optionsOf('spool');
  if (directory === undefined || !sinksThatNeed('spool').includes(kind)) return undefined;
  return resolve(String(directory), isMainThread ? kind : `${kind}-${threadId}`);
}

function spooled(
  kind: SinkKind,
  sink: Sink,
  environment: Environment,
  { onNotice, onError }: SinkListeners,
): Sink {
  const directory = spoolOf(kind, environment);
  if (directory === undefined) return sink;
  return new SpoolSink(sink, {
    directory,
    ...ofSet('SinkFeedOptions', environment.audit),
    onNotice,
    onError,
  });
}

/** The exporter is the application's own: it brings the dependencies, and reads `OTEL_EXPORTER_OTLP_*` itself. */
function otlpExporter({ audit }: Environment, env: Variables, cwd: string | undefined) {
  const name = OTLP_EXPORTERS[otlpProtocol(env)];
  const attributes = {
    'service.name': audit.component ?? OPTIONS.AuditOptions.component.default,
    'deployment.environment.name': audit.environment,
  };
  return { exporter: new (loadExporter(name, cwd))(), resource: { attributes } };
}

function loadExporter(name: string, cwd: string | undefined): new () => OtelLogExporter {
  const load = cwd === undefined ? requirePeer : applicationRequire(cwd);
  try {
    const { OTLPLogExporter } = load(name) as { OTLPLogExporter: new () => OtelLogExporter };
    return OTLPLogExporter;
  } catch {
    throw new ConfigError(`${PREFIX}SINKS`, `the sink 'otlp' needs ${name}; install it in the application`);
  }
}

/** Exit code of a start-up that a bad variable stopped: EX_CONFIG of sysexits.h. */
export const EXIT_CONFIG = 78;

/** Stands for the sinks while the other options are checked. */
const NOWHERE: Sink = { emit: () => undefined };

/** The same failure is told once in this many milliseconds. */
const REPEAT_MS = 60_000;

/**
 * Checks what the environment asks for, so far as that can be done without a file or a request.
 *
 * @param cwd the folder of another application, whose packages it may use. Default: this one.
 * @returns the options of a log, with stand-ins for its sinks.
 * @throws ConfigError when an option cannot work, by the option's own name.
 */
export function checkAuditOptions(environment: Environment, env: Variables, cwd?: string): ResolvedOptions {
  const sinks = environment.sinks.map((kind) => {
    if (kind === 'file') {
      resolveFileSink(fileOptions(environment));
      return NOWHERE;
    }
    const sink = createSink(kind, environment, env, cwd);
    return spoolOf(kind, environment) === undefined ? sink : NOWHERE;
  });
  const resolved = resolveOptions({ ...environment.audit, sinks });
  resolvePipeline(resolved.pipeline);
  return resolved;
}

/**
 * Checks what the environment names on the disk, without opening or making anything of it. Whether another process has the log
 * open shows when it is opened.
 *
 * @throws ConfigError when a file or a folder cannot be used, by the option's own name.
 */
export function checkPlaces(environment: Environment): void {
  checkKey(environment);
  for (const kind of environment.sinks) {
    const spool = spoolOf(kind, environment);
    if (kind === 'file') requireOpenable(resolve(filePath(environment)));
    else if (spool !== undefined) requireOpenable(join(spool, 'queue'));
  }
}

/** Checks the key that seals the log, if it is sealed. @throws ConfigError when it cannot be used, by the option's own name. */
export function checkKey(environment: Environment): void {
  const integrity = integrityOf(environment);
  if (integrity === undefined) return;
  const { origin, key, previousKeys } = integrity;
  resolveIntegrity({ origin, key, ...(previousKeys !== undefined && { previousKeys }) });
}

/**
 * The options of a log that the environment asks for, with its sinks made. What goes wrong later is told on stderr.
 *
 * @throws ConfigError when an option cannot work, by the option's own name. No file has been opened then.
 */
export function auditOptions(environment: Environment, env: Variables): AuditOptions {
  const onError = reporter();
  resolvePipeline(resolveOptions({ ...environment.audit, sink: NOWHERE }).pipeline);
  const sinks = createSinks(environment, env, { onNotice: notice, onError });
  return { ...environment.audit, sinks, onError };
}

/** Nobody reads `diag` in an application that knows nothing of us, so failures that no caller hears of go to stderr. */
function reporter(): (error: Error) => void {
  const told = new Map<string, number>();
  return ({ message }) => {
    const now = performance.now();
    if (now - (told.get(message) ?? -Infinity) < REPEAT_MS) return;
    if (told.size > 100) told.clear();
    told.set(message, now);
    say(message);
  };
}

function notice({ kind, path, detail }: FileNotice): void {
  say([`${path}: ${kind}`, detail].filter(Boolean).join(', '));
}
