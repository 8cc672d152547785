export {
  McpInstrumentation,
  instrumentClient,
  type McpInstrumentationConfig,
} from './capture/instrumentation.js';
export type { McpClientLike } from './capture/client.js';
export { continueTrace, extractTrace } from './capture/propagation.js';
export { auditHttp, type AuditHttpOptions } from './capture/auditHttp.js';
export { auditSampler } from './capture/auditSampler.js';
export type { AuditOptions } from './config.js';
export { audit, audited, type AuditedCall, type AuditedOptions } from './decorators/audited.js';
export { diagnose } from './doctor/doctor.js';
export type { DoctorFinding } from './doctor/finding.js';
export { CachedSubjectKeys, type SubjectKeyCacheOptions } from './erasure/cachedKeys.js';
export { openSubjectKeys } from './erasure/keyFolder.js';
export type { ErasureOptions, SubjectQuestion, SubjectResolver } from './erasure/options.js';
export type { SubjectKey, SubjectKeys, SubjectKeyStore } from './erasure/subjectKeys.js';
export {
  AuditError,
  AuditUnavailableError,
  ConfigError,
  IntegrityError,
  RefusedError,
  SinkError,
  type AuditErrorCode,
} from './errors.js';
export { actorFromBaggage, actorFromSpan, type Actor, type ActorResolver } from './identity.js';
export type { SinkFilter } from './pipeline/filter.js';
export type { DeliveryMode, SinkEntry } from './pipeline/options.js';
export type { DeliveryErrorListener } from './pipeline/stats.js';
export type { PipelineStats } from './pipeline/stats.js';
export type { AuditLogHandle } from './processor/auditLog.js';
export { AuditSpanProcessor } from './processor/processor.js';
export { createRedactor, type Redactor } from './redaction/createRedactor.js';
export { parsePolicy, type CustomRedaction, type RedactionOptions } from './redaction/policy/options.js';
export type { AuditRecord, DraftRecord, EventType, Outcome, Sensitivity, Severity } from './schema/record.js';
export { FileSink } from './sinks/file/fileSink.js';
export type { FileNotice } from './sinks/file/notice.js';
export type { FileSinkOptions } from './sinks/file/fileSink.js';
export type { FileIntegrityOptions } from './sinks/file/sealing.js';
export type { HeadersFunction } from './sinks/http/auth.js';
export { FieldNotesSink, type FieldNotesSinkOptions } from './sinks/http/fieldNotesSink.js';
export { HttpSink, type HttpSinkOptions } from './sinks/http/httpSink.js';
export type { ResponseCheck } from './sinks/http/exchange.js';
export { OtlpLogSink, type OtlpLogSinkOptions } from './sinks/otlpLogSink.js';
export { PostgresSink, type PostgresSinkOptions } from './sinks/postgresSink.js';
export { retrying } from './sinks/retry.js';
export type { Ack, Sink, SinkResult } from './sinks/sink.js';
export { SpoolSink, type SpoolOptions } from './sinks/spool/spoolSink.js';
export { StdoutSink, type StdoutSinkOptions } from './sinks/stdoutSink.js';
export { SyslogSink, type SyslogSinkOptions } from './sinks/syslogSink.js';
export { argumentsDigest, type Approval } from './tools/approval.js';
export type {
  ApprovalDecision,
  ApprovalFunction,
  ApprovalOptions,
  ApprovalQuestion,
} from './tools/approval.js';
export type { ToolChangedHook } from './tools/watch.js';
export { auditLogOf, withLogging } from './withLogging.js';
