/** What one sink has done since the start. */
export interface SinkStats {
  /** Its name. */
  readonly name: string;
  /** Records that wait, those under way included. */
  readonly queued: number;
  /** Records that it has. */
  readonly delivered: number;
  /** Lost because the sink failed for good, or because there was no time left. */
  readonly failed: number;
  /** Lost because the queue was full. */
  readonly dropped: number;
  /** Records that this sink's filter held back. */
  readonly filtered: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** Batches that the sink has answered, and how long that took in all, in milliseconds. */
  readonly batches: number;
  /** How long it took to deliver, in ms, in all. */
  readonly busyMs: number;
  /** Bytes that the sink holds on disk for later: those of a spool. */
  readonly backlogBytes?: number;
  /** Gap records that the sink has taken. */
  readonly gaps: number;
  /** Whether the last attempt failed, or is overdue. */
  readonly failing: boolean;
  /** Code or class of the last failure. */
  readonly lastFailure?: string;
}

/** The pipeline in numbers. */
export interface PipelineStats {
  /** Records that got a place in the log. */
  readonly accepted: number;
  /** Records refused because they came after `shutdown()`. */
  readonly refused: number;
  /** Intents refused, so that nothing was sent (`blocking-strict`). */
  readonly unavailable: number;
  /** The same for each sink. */
  readonly sinks: readonly SinkStats[];
}
