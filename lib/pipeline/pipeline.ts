import type { Sink } from '../sinks/sink.js';
import type { RecordAcceptor } from './receipt.js';
import { SinkError } from '../errors.js';
import type { AuditRecord, DraftRecord } from '../schema/record.js';
export interface PipelineOptions {
  sinks: readonly Sink[];
  onError?: (e: Error) => void;
}
export type Pipeline = RecordAcceptor;
export function createPipeline(o: PipelineOptions): Pipeline {
  let seq = 0;
  const accept = async (d: DraftRecord) => {
    const r: AuditRecord = { ...d, seq: seq++ };
    try {
      await Promise.all(o.sinks.map((s) => s.emit([r])));
    } catch (cause) {
      throw new SinkError('x', 'failed', { cause });
    }
  };
  return {
    accept,
    acceptInBackground: (d) => void accept(d).catch((e: Error) => o.onError?.(e)),
    acceptIntent: async () => {},
    needsIntent: false,
    forceFlush: async () => {},
    shutdown: async () => {},
  };
}
