import type { AuditRecord } from '../schema/record.js';
import { emitTo, quietly } from '../sinks/emit.js';
import type { Sink, SinkResult } from '../sinks/sink.js';

/** A sink as the rest of the pipeline sees it: every method is there, and every way to fail is a result. */
export class SinkPort {
  constructor(
    /** Unlike any other sink's name in the pipeline. */
    readonly name: string,
    private readonly sink: Sink,
  ) {}

  /** Bytes that the sink holds on disk for later. */
  get backlogBytes(): number | undefined {
    return this.sink.backlogBytes;
  }

  emit(records: readonly AuditRecord[]): SinkResult | Promise<SinkResult> {
    return emitTo(this.sink, records);
  }

  async flush(): Promise<void> {
    await quietly(() => this.sink.flush?.());
  }

  async close(): Promise<void> {
    await quietly(() => this.sink.close?.());
  }

  /** Whether {@link flushSync} can do anything. */
  get canFlushSync(): boolean {
    return this.sink.flushSync !== undefined;
  }

  flushSync(records: readonly AuditRecord[]): void {
    this.sink.flushSync?.(records);
  }
}
