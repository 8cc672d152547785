export {
  instrumentClient,
  McpInstrumentation,
  type McpInstrumentationConfig,
} from './capture/instrumentation.js';
export type { McpClientClass, McpClientLike } from './capture/client.js';
export type { ActorResolver, AuditOptions } from './config.js';
export { AuditError, AuditUnavailableError, ConfigError, SinkError, type AuditErrorCode } from './errors.js';
export { AuditSpanProcessor } from './processor/processor.js';
export type { FinishedSpan } from './processor/span.js';
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
export { FieldNotesSink, type FieldNotesSinkOptions } from './sinks/fieldNotes.js';
export { HttpSink, type HttpSinkOptions } from './sinks/http.js';
export type { Ack, Sink, SinkResult } from './sinks/sink.js';
export { StdoutSink, type StdoutSinkOptions } from './sinks/stdout.js';
export { withLogging } from './withLogging.js';
