import type { DraftRecord } from '../schema/record.js';

/** What the capture side asks of a pipeline. */
export interface RecordAcceptor {
  /**
   * Gives a record its place in the log (`seq`) at once and in call order, then delivers it to every sink.
   * Resolves when the caller may go on (as the mode says); rejects with `SinkError` when a required sink failed.
   * Never throws synchronously.
   */
  accept(draft: DraftRecord): Promise<void>;
  /** The same for records whose caller does not wait: failures go to `onError` and the counters. */
  acceptInBackground(draft: DraftRecord): void;
  /** In `blocking-strict` mode: makes an intent durable; rejects with `AuditUnavailableError`. Elsewhere resolves at once. */
  acceptIntent(draft: DraftRecord): Promise<void>;
  /** Whether an operation must wait for {@link acceptIntent} before anything is sent. */
  readonly needsIntent: boolean;
  /** Delivered, or an error. */
  forceFlush(): Promise<void>;
  /** Flushes and closes every sink, once. A record after this is refused loudly. */
  shutdown(): Promise<void>;
}
