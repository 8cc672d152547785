export {
  instrumentClient,
  McpInstrumentation,
  type McpInstrumentationConfig,
} from './capture/instrumentation.js';
export type { McpClientClass, McpClientLike } from './capture/client.js';
export { auditSampler } from './capture/auditSampler.js';
export type { AuditOptions } from './config.js';
export { audit, audited, type AuditedCall, type AuditedOptions } from './decorators/audited.js';
export {
  AuditError,
  AuditUnavailableError,
  ConfigError,
  IntegrityError,
  RefusedError,
  SinkError,
  type AuditErrorCode,
  type RefusalReason,
} from './errors.js';
export {
  actorFromBaggage,
  actorFromSpan,
  type Actor,
  type ActorQuestion,
  type ActorResolver,
} from './identity.js';
export type { SinkFilter } from './pipeline/filter.js';
export type { Mode, SinkEntry } from './pipeline/options.js';
export type { ErrorInfo, ErrorListener } from './pipeline/report.js';
export { AuditSpanProcessor } from './processor/processor.js';
export type { FinishedSpan } from './processor/span.js';
export { createRedactor } from './redaction/createRedactor.js';
export type { AuditLevel, LevelOptions } from './redaction/levels.js';
export type {
  CustomRedaction,
  LimitOptions,
  RedactionContext,
  RedactionOptions,
  Replacement,
  ToolRedactionOptions,
  ValueOptions,
} from './redaction/options.js';
export type { Redactor } from './redaction/redactor.js';
export type {
  ActorType,
  AuditRecord,
  EventType,
  McpDetail,
  McpLeg,
  Outcome,
  RecordError,
  RecordMetadata,
  Sensitivity,
  Severity,
  Truncation,
} from './schema/record.js';
export { FileSink, type FileAnchor, type FileIntegrityOptions, type FileSinkOptions } from './sinks/file.js';
export { FieldNotesSink, type FieldNotesSinkOptions } from './sinks/fieldNotes.js';
export { HttpSink, type HttpSinkOptions } from './sinks/http.js';
export type { Ack, Sink, SinkResult } from './sinks/sink.js';
export { StdoutSink, type StdoutSinkOptions } from './sinks/stdout.js';
export type { ToolChange, ToolChangeAnswer, ToolChangedHook } from './tools/change.js';
export { withLogging } from './withLogging.js';
