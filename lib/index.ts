export { AuditError, AuditUnavailableError, ConfigError, SinkError, type AuditErrorCode } from './errors.js';
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
export type { Ack, Sink, SinkResult } from './sinks/sink.js';
