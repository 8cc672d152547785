export {
  instrumentClient,
  McpInstrumentation,
  type McpInstrumentationConfig,
} from './capture/instrumentation.js';
export type { McpClientClass, McpClientLike } from './capture/client.js';
export { auditSampler } from './capture/auditSampler.js';
export type { Profile } from './codecs/profile.js';
export type { AuditOptions, Propagate } from './config.js';
export { audit, audited, type AuditedCall, type AuditedOptions } from './decorators/audited.js';
export { diagnose, type DiagnoseOptions } from './doctor/doctor.js';
export type { Finding, Severity as FindingSeverity, TopicName as FindingTopic } from './doctor/finding.js';
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
export type { LifecycleOptions } from './pipeline/lifecycle.js';
export type { DeliveryMode, SinkEntry } from './pipeline/options.js';
export type { ErrorInfo, ErrorListener } from './pipeline/options.js';
export type { PipelineStats, SinkStats } from './pipeline/stats.js';
export type { AuditLogHandle } from './processor/auditLog.js';
export { AuditSpanProcessor } from './processor/processor.js';
export type { FinishedSpan } from './processor/operation.js';
export { createRedactor } from './redaction/createRedactor.js';
export { parsePolicy } from './redaction/policy/options.js';
export type { DetectorName } from './redaction/detectors/detector.js';
export type { FindPhones, FoundPhone } from './redaction/detectors/personalData/contact.js';
export type { ContactOptions, PackOptions } from './redaction/policy/detectors.js';
export type { AuditLevel, LevelOptions } from './redaction/policy/levels.js';
export type {
  CustomRedaction,
  LimitOptions,
  RedactionContext,
  RedactionOptions,
  ToolRedactionOptions,
  ValueOptions,
} from './redaction/policy/options.js';
export type { Replacement } from './redaction/text/replacement.js';
export type { KnownSecrets } from './redaction/walk/knownSecrets.js';
export type { Redactor } from './redaction/createRedactor.js';
export type {
  ActorType,
  AuditRecord,
  DraftRecord,
  EventType,
  McpDetail,
  McpLeg,
  McpOAuth,
  Outcome,
  RecordError,
  RecordMetadata,
  Sensitivity,
  Severity,
  Truncation,
} from './schema/record.js';
export type { FetchFunction } from './sinks/http/transport.js';
export {
  FieldNotesSink,
  type FieldNotesAuth,
  type FieldNotesSinkOptions,
} from './sinks/http/fieldNotesSink.js';
export type { NoticeListener as FileNoticeListener } from './sinks/file/notice.js';
export {
  FileSink,
  type AccessLogOptions,
  type FileAnchor,
  type FileIntegrityOptions,
  type FileNotice,
  type FileNoticeKind,
  type FileSinkOptions,
  type RotationOptions,
} from './sinks/file/fileSink.js';
export type { GapInfo, GapRecordFactory } from './sinks/gap.js';
export type { HeadersFunction, HeadersRequest } from './sinks/http/auth.js';
export { HttpSink, type HttpSinkOptions } from './sinks/http/httpSink.js';
export type { HttpStats } from './sinks/http/exchange.js';
export type { BatchFraming, HttpBatchOptions } from './sinks/http/options.js';
export {
  OtlpLogSink,
  type OtelLogExporter,
  type OtelLogger,
  type OtelLoggerProvider,
  type OtelResource,
  type OtlpLogSinkOptions,
} from './sinks/otlpLogSink.js';
export type { ReceiverResponse, RecordVerdict, ResponseCheck } from './sinks/http/exchange.js';
export { retrying, type RetryOptions } from './sinks/retry.js';
export type { Ack, Rejection, Sink, SinkResult } from './sinks/sink.js';
export { SpoolSink, type SpoolErrorInfo, type SpoolOptions } from './sinks/spool/spoolSink.js';
export { StdoutSink, type StdoutSinkOptions } from './sinks/stdoutSink.js';
export type { ToolChange, ToolChangeAnswer, ToolChangedHook } from './tools/watch.js';
export { auditLogOf, withLogging } from './withLogging.js';
