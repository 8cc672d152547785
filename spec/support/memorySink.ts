import type { AuditRecord } from '../../lib/schema/record.js';
import type { Sink } from '../../lib/sinks/sink.js';

/** A sink that keeps what it was given. */
export class MemorySink implements Sink {
  readonly name = 'memory';
  readonly records: AuditRecord[] = [];

  emit(records: readonly AuditRecord[]): void {
    this.records.push(...records);
  }

  /** The records of one protocol method. */
  of(method: string): AuditRecord[] {
    return this.records.filter((record) => record.mcp?.method === method);
  }

  /** The only record of one protocol method. */
  only(method: string): AuditRecord {
    const [record, ...others] = this.of(method);
    if (record === undefined || others.length > 0) {
      throw new Error(`expected one ${method} record, got ${others.length + (record ? 1 : 0)}`);
    }
    return record;
  }
}
